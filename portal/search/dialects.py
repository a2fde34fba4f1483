"""What SQLite and PostgreSQL spell differently; callers never ask which one it is."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Date, Text, and_, cast, func, literal, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from portal.extensions import db


def insert(table: Any) -> Any:
    """An INSERT that knows `on_conflict_do_update` and `on_conflict_do_nothing`."""
    return (sqlite if db.engine.dialect.name == "sqlite" else postgresql).insert(table)


def json_contains(column: Any, wanted: dict[str, Any]) -> ColumnElement[bool]:
    """Whether the JSON object stored as text in `column` has every key of `wanted`, recursively, with its value."""
    text = json.dumps(wanted, ensure_ascii=False)
    if db.engine.dialect.name == "sqlite":
        return func.json_holds(column, text, type_=Boolean)
    conditions = list(_held(cast(column, postgresql.JSONB), wanted))
    return and_(true(), *conditions)


def holds(stored: Any, wanted: Any) -> bool:
    """The rule of `json_contains` for parsed values; numbers are equal by value, booleans are not numbers."""
    if isinstance(wanted, dict):
        return isinstance(stored, dict) and all(key in stored and holds(stored[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        return isinstance(stored, list) and len(stored) == len(wanted) and all(map(_equal, stored, wanted))
    return _equal(stored, wanted)


def json_holds(stored: str | None, wanted: str) -> bool:
    """What SQLite calls for `json_contains`."""
    return stored is not None and holds(json.loads(stored), json.loads(wanted))


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return (type(one) is type(other) and one == other) or (_number(one) and _number(other) and one == other)


def _number(value: Any) -> bool:
    return isinstance(value, int | float)


def _held(column: Any, wanted: dict[str, Any]) -> Iterator[ColumnElement[bool]]:
    """One key at a time: a path is an array written as text, in which a key with a comma or a quote means another."""
    for key, value in wanted.items():
        stored = column[key]
        if isinstance(value, dict):
            yield func.jsonb_typeof(stored) == "object"
            yield from _held(stored, value)
        else:
            yield stored == cast(literal(json.dumps(value, ensure_ascii=False), Text), postgresql.JSONB)


def lower(text: Any) -> Any:
    """SQLite's own `lower` knows ASCII only."""
    return text.lower() if isinstance(text, str) else text


def is_deadlock(error: DBAPIError) -> bool:
    """Whether the database ended a transaction because others and it waited for each other in a circle."""
    return getattr(error.orig, "sqlstate", None) == "40P01"


def utc_day(column: Any) -> ColumnElement[date]:
    """The UTC date of a `Moment`."""
    if db.engine.dialect.name == "sqlite":
        return func.substr(column, 1, 10, type_=Date())
    return cast(func.timezone("UTC", column), Date)
