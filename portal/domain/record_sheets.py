"""Records from CSV: a header, then a record a row, under the rules of every other record.

A column named like a field of a record's JSON is that field. `model_data.yield` is the key `yield` of the data, and so
is `yield`: what the portal has written as CSV it also reads. Columns that the portal fills itself (ids, the entry's
name, the file's name) are passed over. An empty cell is absent; what is a number in JSON is a number, true and false
are such, and all else is text.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any

from portal import strict_json
from portal.domain.kinds import KINDS, Kind
from portal.domain.record_lines import MOST_LINES, BadLine, Batch, known_fields, line_of, numbered
from portal.errors import Invalid, PortalError

DELIMITERS = ",;\t"

_OURS = {f"{word}_id" for word in ("dataset", "experiment", "season", "site", "entry", *(kind.word for kind in KINDS))}
_OURS |= {"id", "record_file", "entry_name", *(f"{kind.word}_name" for kind in KINDS)}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def read_csv(kind: Kind, pieces: Iterable[bytes]) -> Iterator[Batch]:
    """The records of CSV in UTF-8 that comes in pieces of any size; 422 where the header will not do.

    Cells are parted by commas, semicolons or tabs, whichever the header has most of. A row is known by its first line.
    """
    lines = _texts(pieces)
    first = next((line for line in lines if line.strip()), "").removeprefix("\ufeff")
    sheet = csv.reader(_with(first, lines), delimiter=max(DELIMITERS, key=first.count))
    header = _header(kind, next(sheet, []))
    batch: Batch = []
    while True:
        number = sheet.line_num + 1
        try:
            row = next(sheet)
            if row:
                batch.append(line_of(kind, number, _said(kind, header, row)))
        except StopIteration:
            break
        except csv.Error:
            batch.append(BadLine(number, Invalid("A cell takes at most 128 kB. Is a quotation mark left open?")))
        except PortalError as error:
            batch.append(BadLine(number, error))
        if len(batch) == MOST_LINES:
            yield batch
            batch = []
    if batch:
        yield batch


def _texts(pieces: Iterable[bytes]) -> Iterator[str]:
    for _, line in numbered(pieces):
        yield line.decode("utf-8", "surrogateescape").removesuffix("\r") + "\n"


def _with(first: str, others: Iterable[str]) -> Iterator[str]:
    yield first
    yield from others


Column = tuple[str, str | None] | None  # field and, in the data, key; None is passed over


def _header(kind: Kind, names: list[str]) -> list[Column]:
    columns: list[Column] = []
    data = f"{kind.word}_data"
    for place, given in enumerate(names, 1):
        name = given.strip()
        if not name:
            raise Invalid(f"Column {place} of the header has no name.")
        if name in _OURS:
            columns.append(None)
        elif name in known_fields(kind):
            columns.append((name, None))
        else:
            columns.append((data, name.removeprefix(f"{data}.")))
    for column in columns:
        if column and columns.count(column) > 1:
            raise Invalid(f"The header has the column {column[1] or column[0]!r} twice.")
    if not any(columns):
        raise Invalid("The first line must name the columns.")
    return columns


def _said(kind: Kind, header: list[Column], row: list[str]) -> dict[str, Any]:
    """The row as the JSON object of a record."""
    if len(row) > len(header):
        raise Invalid(f"The row has {len(row)} cells, the header {len(header)}.")
    said: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for column, text in zip(header, row, strict=False):
        if column is None or not text:
            continue
        if _UNSTORABLE.search(text):
            raise Invalid("Text must be UTF-8 without NUL characters.")
        field, key = column
        if key is not None:
            data[key] = _value(text)
        elif field in (f"{kind.word}_data", "record_info"):
            said[field] = strict_json.loads(text)
        else:
            said[field] = text
    if data:
        whole = said.get(f"{kind.word}_data")
        said[f"{kind.word}_data"] = {**whole, **data} if isinstance(whole, dict) else data
    return said


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return strict_json.loads(text) if _NUMBER.fullmatch(text) else text
