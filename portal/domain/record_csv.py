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

from portal.domain.record_reading import Named, Reading, Row
from portal.domain.record_search import Wanted
from portal.domain.record_stream import Pieces, Rendered
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
    datasets = Rendered(lambda key: _texts(reading.datasets[key]))
    around = Rendered(lambda number: [text for named in reading.around[number][1:] for text in _texts(named)])
    yield _written([_head(reading.wanted, keys)])
    for rows in reading:
        yield _written([_cells(row, keys, datasets[row[3]], around[row[4]]) for row in rows])


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


def _cells(row: Row, keys: Sequence[str], dataset: Sequence[str], around: Sequence[str]) -> list[str]:
    id_, timestamp, collected, _, _, text, file_name, info = row
    data: dict[str, Any] = json.loads(text) if text else {}
    own = [_cell(data.pop(key, None)) for key in keys]
    rest = compact(data) if data else ""
    return [id_, timestamp, collected, *dataset, *around, plain(file_name or ""), *own, rest, info]


def _texts(named: Named) -> list[str]:
    return [named.id or "", plain(named.name or "")]


def _cell(value: Any) -> str:
    if type(value) is str:
        return plain(value)
    if type(value) is int or type(value) is float:
        return repr(value)
    return "" if value is None else compact(value)


def plain(text: str) -> str:
    """Text that no spreadsheet runs."""
    return f"'{text}" if _FORMULA.match(text) else text
