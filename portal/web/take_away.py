"""Exactly what a filter lets in, to take away: as a file, or as a query for a program."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from flask import request

from portal.domain import record_search
from portal.domain.kinds import KINDS, Kind
from portal.domain.record_filters import address_of
from portal.domain.record_search import RecordRow, Total
from portal.identity import current_actor
from portal.web.record_filters import Asked, Query
from portal.web.snippets import Snippet, origin


class Offer(NamedTuple):
    """The records of one kind, or of one entry: programs ask for the kinds apart, each in its own words."""

    kind: Kind
    total: Total
    snippets: list[Snippet]


def offers(asked: Asked, rows: Sequence[RecordRow]) -> list[Offer]:
    """One where the filter decides the kind, else one for each kind of which there is something; none without rows."""
    if not rows:
        return []
    wanted = asked.wanted
    kinds = KINDS if wanted.kind is None else (wanted.kind,)
    found = []
    for kind in kinds:
        total = record_search.total(current_actor(), replace(wanted, kind=kind))
        if total.number:
            found.append(Offer(kind, total, _snippets(kind, asked)))
    return found


def _snippets(kind: Kind, asked: Asked) -> list[Snippet]:
    entry_id = asked.wanted.entry_id
    path = f"/api/{kind.slug}/records" if entry_id is None else f"/api/{kind.slug}/id/{entry_id}/records/filter"
    query = address_of(asked.wanted)
    url = f"{origin()}{request.script_root}{path}"
    return [Snippet("curl", _curl(url, query)), Snippet("Python", _python(url, query))]


def _curl(url: str, query: Query) -> str:
    parameters = "".join(f" \\\n  --data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in query)
    get = "-fsSG" if query else "-fsS"
    return f'curl {get} -H "Authorization: Bearer $PORTAL_TOKEN" \\\n  -o records.ndjson {shlex.quote(url)}{parameters}'


def _python(url: str, query: Query) -> str:
    asked = "".join(f"    ({name!r}, {value!r}),\n" for name, value in query)
    return (
        "import json, os, urllib.parse, urllib.request\n\n"
        f"query = [\n{asked}]\n"
        f'request = urllib.request.Request("{url}?" + urllib.parse.urlencode(query),\n'
        '    headers={"Authorization": "Bearer " + os.environ["PORTAL_TOKEN"]})\n'
        "with urllib.request.urlopen(request) as answer:\n"
        "    records = [json.loads(line) for line in answer]\n"
        '    assert len(records) == int(answer.headers["X-Total-Count"])'
    )
