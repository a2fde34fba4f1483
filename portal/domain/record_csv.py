"""Records as CSV (RFC 4180): a column for every key that the data has at its ends, and nothing is left out.

The keys are those of the first and of the last thousand records; what a record has under other keys stands as JSON in
the column that is named like the data. A text that a spreadsheet would take for a formula gets an apostrophe; absent,
null and empty look the same. NDJSON is the exact form.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from portal.domain.record_search import Wanted
from portal.domain.record_stream import Named, Pieces, Reading, Row
from portal.security.actor import Actor
from portal.security.guard import scoped
from portal.strict_json import compact

MOST_KEYS = 500

_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")


@scoped
def csv_lines(
    actor: Actor, wanted: Wanted, *, newest: bool = False, limit: int | None = None, after: str | None = None
) -> Pieces:
    """The same records as `record_stream.lines`, under one line of names; `entry_…` where they are of both kinds."""
    reading = Reading(actor, wanted, newest=newest, limit=limit, after=after, samples=True)
    return Pieces(reading, _pieces(reading))


def _pieces(reading: Reading) -> Iterator[bytes]:
    keys = _keys(chain((row[5] for row in reading.first), reading.sample))
    yield _written([_head(reading.wanted, keys)])
    for rows in reading:
        yield _written([_cells(reading, row, keys) for row in rows])


def _written(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _keys(data: Iterator[str | None]) -> list[str]:
    """In the order in which they come up."""
    found: dict[str, None] = {}
    for text in data:
        found.update(dict.fromkeys(json.loads(text)) if text else {})
    return list(found)[:MOST_KEYS]


def _head(wanted: Wanted, keys: Sequence[str]) -> list[str]:
    word = wanted.kind.word if wanted.kind else "entry"
    named = [f"{each}_{part}" for each in ("dataset", word, "experiment", "season", "site") for part in ("id", "name")]
    data = f"{word}_data"
    return [
        *("id", "timestamp", "collection_date", *named, "record_file"),
        *(plain(f"{data}.{key}") for key in keys),
        *(data, "record_info"),
    ]


def _cells(reading: Reading, row: Row, keys: Sequence[str]) -> list[str]:
    id_, timestamp, collected, dataset, number, text, file_name, info = row
    around = reading.around[number]
    named = (reading.datasets[dataset], around.entry, around.experiment, around.season, around.site)
    data: dict[str, Any] = json.loads(text) if text else {}
    own = [_cell(data.pop(key, None)) for key in keys]
    rest = compact(data) if data else ""
    names = chain.from_iterable(map(_texts, named))
    return [id_, timestamp, collected, *names, plain(file_name or ""), *own, rest, info]


def _texts(named: Named) -> tuple[str, str]:
    return named.id or "", plain(named.name or "")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return plain(value) if isinstance(value, str) else compact(value)


def plain(text: str) -> str:
    """Text that no spreadsheet runs."""
    return f"'{text}" if _FORMULA.match(text) else text
