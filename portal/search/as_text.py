"""Columns as the text that leaves, so that a row of a stream needs nothing of Python but joining."""

from typing import Any

from sqlalchemy import Text, cast, func, type_coerce

from portal.extensions import db


def moment(column: Any) -> Any:
    """`2026-11-21T09:30:00.000000Z`, which is how SQLite keeps a `Moment`."""
    if _keeps_text():
        return as_kept(column)
    return func.to_char(func.timezone("UTC", column), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')


def day(column: Any) -> Any:
    """`2026-11-21`, whatever style the server writes dates in."""
    return as_kept(column) if _keeps_text() else func.to_char(column, "YYYY-MM-DD")


def uuid(column: Any) -> Any:
    """With hyphens, but for an `Id` of SQLite."""
    return as_kept(column) if _keeps_text() else cast(column, Text)


def as_kept(column: Any) -> Any:
    """Text that needs no change: JSON, and what SQLite has."""
    return type_coerce(column, Text)


def _keeps_text() -> bool:
    return db.engine.dialect.name == "sqlite"
