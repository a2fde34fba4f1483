"""JSON conditions in SQL: `json_conditions.holds`, as each database says it."""

import json
import re
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Text, and_, cast, func, literal, literal_column, not_, or_
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import NullType

from portal.extensions import db
from portal.search.json_conditions import Condition, Value, packed


def json_says(column: Any, condition: Condition) -> ColumnElement[bool]:
    """Whether the JSON object stored as text in `column` satisfies the condition."""
    if db.engine.dialect.name == "sqlite":
        return _on_sqlite(column, condition)
    stored: Any = cast(column, postgresql.JSONB)
    for step in condition.path:
        stored = stored.op("->", return_type=postgresql.JSONB)(literal(step, Text))
    text = stored.op("#>>", return_type=Text)(literal_column("'{}'::text[]"))
    if condition.operator == "contains":
        is_text = func.jsonb_typeof(stored) == "string"
        return and_(is_text, func.strpos(func.lower(text), func.lower(str(condition.value))) > 0)
    values = [cast(literal(json.dumps(value), Text), postgresql.JSONB) for value in condition.values()]
    if condition.operator == "=":
        return stored.in_(values)
    if condition.operator == "!=":
        return stored.not_in(values)
    if isinstance(condition.value, str):
        is_text = func.jsonb_typeof(stored) == "string"
        return and_(is_text, text.collate("C").op(condition.operator, is_comparison=True)(condition.value))
    is_number = func.jsonb_typeof(stored) == "number"
    return and_(is_number, stored.op(condition.operator, is_comparison=True)(values[0]))


_PLAIN = re.compile(r"[^\"\\\x00-\x1f]+")  # what a path of SQLite says as it stands in the text


def _on_sqlite(column: Any, condition: Condition) -> ColumnElement[bool]:
    """By SQLite's own JSON wherever it can say the key; ours takes several times as long."""
    if not all(map(_PLAIN.fullmatch, condition.path)):
        return func.json_says(column, packed(condition), type_=Boolean)
    path = "$" + "".join(f'."{step}"' for step in condition.path)
    its_type, stored = func.json_type(column, path, type_=Text), func.json_extract(column, path, type_=NullType())
    if condition.operator == "contains":
        return and_(its_type == "text", func.instr(func.lower(stored), func.lower(str(condition.value))) > 0)
    if condition.operator in ("=", "!="):
        equal = or_(*(_is(value, its_type, stored) for value in condition.values()))
        return equal if condition.operator == "=" else and_(its_type.is_not(None), not_(equal))
    types = _TYPES[type(condition.value)]
    return and_(its_type.in_(types), stored.op(condition.operator, is_comparison=True)(condition.value))


_TYPES: dict[type, tuple[str, ...]] = {str: ("text",), int: ("integer", "real"), float: ("integer", "real")}


def _is(value: Value, its_type: Any, stored: Any) -> ColumnElement[bool]:
    if value is None or isinstance(value, bool):
        return its_type == json.dumps(value)
    return and_(its_type.in_(_TYPES[type(value)]), stored == value)
