"""Substrings of texts whatever their case, among a hundred thousand."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, or_

from portal.extensions import db
from portal.search.filters import escape_like

TRIGRAMS = "ix_entry_trigrams"
"""An index that PostgreSQL has where it has the extension pg_trgm; migration 0007 makes it of this very expression."""


def say(columns: Sequence[Any], word: str) -> ColumnElement[bool]:
    """Whether one of the columns, none of which is null, has `word`, which is in lower case."""
    pattern = f"%{escape_like(word)}%"
    if db.engine.dialect.name == "postgresql":
        return func.lower(_joined(columns)).like(pattern)
    if word.isascii():  # SQLite's own LIKE takes these for the same in either case, and needs no Python to say so
        return or_(*(column.like(pattern, escape="\\") for column in columns))
    return or_(*(func.lower(column).like(pattern, escape="\\") for column in columns))


def _joined(columns: Sequence[Any]) -> Any:
    first, *others = columns
    for column in others:
        first = first.op("||")(literal_column("E'\\n'")).op("||")(column)
    return first
