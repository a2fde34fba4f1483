"""Any number of values bound as one, so that a statement is built and planned once, however many there are."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, TypeDecorator, Uuid, any_, bindparam, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from portal.extensions import db


class Several(TypeDecorator[Sequence[Any]]):
    """A list of values: an array on PostgreSQL, JSON text on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, item: type[TypeEngine[Any]]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else postgresql.ARRAY(self.item))

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        return json.dumps(list(value or ())) if dialect.name == "sqlite" else list(value or ())


NUMBERS, TEXTS, IDS = Several(BigInteger), Several(Text), Several(Uuid)


def among(column: Any, parameter: str, values: Several) -> ColumnElement[bool]:
    """Whether `column` is one of the values bound as `parameter`, by an index where there is one."""
    if db.engine.dialect.name == "sqlite":
        return column.in_(_listed(parameter, values))
    return column == any_(bindparam(parameter, type_=values))


def is_one_of(column: Any, parameter: str, values: Several) -> ColumnElement[bool]:
    """The same as a test of rows that another index brings; quick for many rows and many values."""
    if db.engine.dialect.name == "sqlite":
        return (column + 0).in_(_listed(parameter, values))
    return (column + 0).in_(select(func.unnest(bindparam(parameter, type_=values))))


def _listed(parameter: str, values: Several) -> Any:
    return select(func.json_each(bindparam(parameter, type_=values)).table_valued("value").c.value)
