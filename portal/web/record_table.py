"""Records as a table: circumstances, the keys of their data as columns, a file. All words are made here."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import url_for

from portal.domain.kinds import KINDS
from portal.domain.record_filters import Wanted
from portal.domain.record_search import RecordRow
from portal.web.figures import human_size, iso_time
from portal.web.record_filters import Asked, Query, address

USUAL_COLUMNS = 8
MOST_KEYS = 200
LONGEST_CELL = 120


class Cell(NamedTuple):
    """`kind` is `number`, `word` (true, false, null), `text`, `tree`, or `none` where the record lacks the key."""

    text: str
    kind: str


class Row(NamedTuple):
    """`names` stand under the table's `heads`, `cells` under its `columns`, `after` under its `tails`."""

    href: str
    iso: str
    time: str
    names: list[str]
    cells: list[Cell]
    after: list[str]
    file: str
    file_size: str


class Column(NamedTuple):
    name: str
    is_number: bool


class Key(NamedTuple):
    """A key that the chooser offers; `share` says in how many of the rows it is."""

    name: str
    number: int
    is_shown: bool


class Table(NamedTuple):
    """From left to right: time, `heads`, `columns` (keys of the data), `tails`, file."""

    heads: list[str]
    columns: list[Column]
    tails: list[str]
    keys: list[Key]
    rows: list[Row]
    has_files: bool


_HEADS = (
    ("Model or script", "entry_name"),
    ("Site", "site_name"),
    ("Season", "season_name"),
    ("Experiment", "experiment_name"),
)
_TAILS = (("Dataset", "dataset_name"),)


def table(found: Sequence[RecordRow], asked: Asked, facets: Mapping[str, Sequence[object]], query: Query) -> Table:
    """`query` is what the address of a row carries, so that its page knows the records beside it.

    A name gets a column where the filter lets in more than one; the filters beside the table say the rest.
    """
    counted = _keys(found)
    shown = list(asked.columns) or [name for name, _number in counted[:USUAL_COLUMNS]]
    differs = _differing(facets, asked.wanted)
    heads, tails = ([name for name in names if name[1] in differs] for names in (_HEADS, _TAILS))
    is_daily = all(_is_midnight(row.timestamp) for row in found)
    rows = []
    for row in found:
        data = row.data or {}
        rows.append(
            Row(
                address(url_for("records.show", record_id=row.id), query),
                iso_time(row.timestamp),
                _time(row.timestamp, is_daily),
                [getattr(row, attribute) or "" for _words, attribute in heads],
                [cell(data[name]) if name in data else Cell("", "none") for name in shown],
                [getattr(row, attribute) or "" for _words, attribute in tails],
                row.file_name or "",
                human_size(row.file_size) if row.file_size is not None else "",
            )
        )
    columns = [Column(name, _is_number(place, rows)) for place, name in enumerate(shown)]
    offered = [*counted, *((name, 0) for name in shown if name not in dict(counted))]
    keys = [Key(name, number, name in shown) for name, number in offered]
    has_files = any(row.file for row in rows)
    return Table([words for words, _ in heads], columns, [words for words, _ in tails], keys, rows, has_files)


def _keys(found: Sequence[RecordRow]) -> list[tuple[str, int]]:
    """The keys of the rows' data, those that most rows have first, else as they come."""
    counted: Counter[str] = Counter()
    for row in found:
        counted.update(dict.fromkeys(row.data or {}, 1))
    return counted.most_common(MOST_KEYS)


def _differing(facets: Mapping[str, Sequence[object]], wanted: Wanted) -> set[str]:
    """The attributes of rows that are not the same in all that the filter lets in."""
    entries = sum(len(facets.get(f"{kind.word}_names", ())) for kind in KINDS)
    differing = {"entry_name"} if entries > 1 and len(wanted.entries) != 1 else set()
    for word in ("experiment", "season", "site", "dataset"):
        if len(facets[f"{word}_names"]) > 1 and len(getattr(wanted, f"{word}s")) != 1:
            differing.add(f"{word}_name")
    return differing


def _is_midnight(moment: datetime) -> bool:
    moment = moment.astimezone(UTC)
    return (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0)


def _time(moment: datetime, is_daily: bool) -> str:
    plain = moment.astimezone(UTC).replace(tzinfo=None)
    return plain.date().isoformat() if is_daily else plain.isoformat(" ", "seconds")


def cell(value: Any) -> Cell:
    if isinstance(value, bool) or value is None:
        return Cell(json.dumps(value), "word")
    if isinstance(value, int | float):
        return Cell(_cut(json.dumps(value)), "number")
    if isinstance(value, str):
        return Cell(_cut(value), "text")
    return Cell(_cut(json.dumps(value, ensure_ascii=False)), "tree")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"


def _is_number(place: int, rows: Sequence[Row]) -> bool:
    kinds = {row.cells[place].kind for row in rows} - {"none", "word"}
    return kinds == {"number"}
