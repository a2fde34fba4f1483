"""Exactly what a filter lets in, to take away: as a file, or as a query for a program."""

import json
import shlex
from collections.abc import Callable, Sequence
from typing import NamedTuple

from flask import Response, url_for

from portal.domain import record_csv, record_parquet, record_stream
from portal.domain.kinds import KINDS, Kind
from portal.domain.record_filters import Wanted, address_of
from portal.domain.record_search import Counts, RecordRow, Total
from portal.domain.record_stream import Pieces
from portal.downloads import disposition
from portal.errors import NotFound
from portal.identity import current_actor
from portal.web.record_filters import Asked, Query, address
from portal.web.snippets import Snippet, origin

ROW_BYTES = 420  # of a line of NDJSON: ids, names and keys, before its data


class Form(NamedTuple):
    """`share` is the size of a row in it by that of a line of NDJSON."""

    extension: str
    words: str
    type: str
    share: float
    stream: Callable[..., Pieces]


FORMS = (
    Form("ndjson", "NDJSON", "application/x-ndjson", 1.0, record_stream.lines),
    Form("csv", "CSV", "text/csv; charset=utf-8", 0.7, record_csv.csv_lines),
    Form("parquet", "Parquet", "application/vnd.apache.parquet", 0.15, record_parquet.parquet),
)


def forms() -> list[Form]:
    """Those that this portal can write."""
    return [form for form in FORMS if form.extension != "parquet" or record_parquet.is_installed()]


def file(wanted: Wanted, extension: str, name: str) -> Response:
    """All that `wanted` lets in, oldest first, as an attachment called `name`; 404 for a form that there is not."""
    form = next((each for each in forms() if each.extension == extension), None)
    if form is None:
        raise NotFound("There is no such file.")
    stream = form.stream(current_actor(), wanted)
    answer = Response(stream.body, headers=stream.headers, content_type=form.type)
    answer.headers["Content-Disposition"] = disposition(f"{name}.{extension}")
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


class File(NamedTuple):
    """`size` is an estimate in bytes, where one can be made."""

    words: str
    href: str
    size: int | None


class Offer(NamedTuple):
    """The records of one kind, or of one entry: programs ask for the kinds apart, each in its own words.

    `total` is None where it would have to be counted in the data of each kind.
    """

    kind: Kind
    total: Total | None
    files: list[File]
    snippets: list[Snippet]


def offers(asked: Asked, counts: Counts, rows: Sequence[RecordRow]) -> list[Offer]:
    """One where the filter decides the kind, else one for each kind of which there is something; none without rows."""
    if not rows:
        return []
    totals: dict[Kind, Total | None] = {}
    if asked.wanted.kind is not None:
        totals[asked.wanted.kind] = Total(counts.total, counts.is_capped)
    else:
        for kind in KINDS:
            number = sum(number for _name, number in counts.facets[f"{kind.word}_names"])
            if number:
                totals[kind] = None if asked.wanted.where else Total(number, False)
    return [
        Offer(kind, total, _files(kind, asked, total and total.number * _row_bytes(kind, rows)), _snippets(kind, asked))
        for kind, total in totals.items()
    ]


def _row_bytes(kind: Kind, rows: Sequence[RecordRow]) -> float:
    """An estimate of a line of NDJSON, from the rows of this kind or, if none is shown, from all."""
    like = [row for row in rows if row.kind == kind.word] or rows
    return ROW_BYTES + sum(len(json.dumps([row.data, row.info])) for row in like) / len(like)


def _files(kind: Kind, asked: Asked, size: float | None) -> list[File]:
    """`size` is what all of it would be as NDJSON, in bytes."""
    query, files = address_of(asked.wanted), []
    for form in forms():
        href = address(_file_path(kind, asked.wanted.entry_id, form.extension), query)
        files.append(File(form.words, href, None if size is None else int(size * form.share)))
    return files


def _file_path(kind: Kind, entry_id: str | None, extension: str) -> str:
    if entry_id is not None:
        return url_for("records.take_of_entry", kind=kind, entry_id=entry_id, extension=extension)
    return url_for("records.take", kind=kind, extension=extension)


def _snippets(kind: Kind, asked: Asked) -> list[Snippet]:
    entry_id = asked.wanted.entry_id
    if entry_id is None:
        path = url_for("registry.search_all_records", kind=kind)
    else:
        path = url_for("registry.filter_records", kind=kind, entry_id=entry_id)
    url, query = f"{origin()}{path}", address_of(asked.wanted)
    return [Snippet("curl", _curl(url, query)), Snippet("Python", _python(url, query, not asked.wanted.where))]


def _curl(url: str, query: Query) -> str:
    parameters = "".join(f" \\\n  --data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in query)
    get = "-fsSG" if query else "-fsS"
    return f'curl {get} -H "Authorization: Bearer $PORTAL_TOKEN" \\\n  -o records.ndjson {shlex.quote(url)}{parameters}'


def _python(url: str, query: Query, is_counted: bool) -> str:
    """`is_counted`: the answer says beforehand how many there are, so that a cut stream is noticed."""
    asked = "".join(f"    ({name!r}, {value!r}),\n" for name, value in query)
    return (
        "import json, os, urllib.parse, urllib.request\n\n"
        f"query = [\n{asked}]\n"
        f'request = urllib.request.Request("{url}?" + urllib.parse.urlencode(query),\n'
        '    headers={"Authorization": "Bearer " + os.environ["PORTAL_TOKEN"]})\n'
        "with urllib.request.urlopen(request) as answer:\n"
        "    records = [json.loads(line) for line in answer]"
        + ('\n    assert len(records) == int(answer.headers["X-Total-Count"])' if is_counted else "")
    )
