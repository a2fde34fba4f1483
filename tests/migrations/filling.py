"""Rows for every table of a database whose schema may be that of any revision: what is there is read from it."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, insert, text, types

MADE_BY_MIGRATIONS = {"alembic_version", "revision"}
FILLED_FROM_OTHERS = {
    "entry_dataset_tally": "INSERT INTO entry_dataset_tally (entry_id, dataset_id, number)"
    " SELECT entry_id, dataset_id, sum(dataset_tally.number) FROM dataset_tally"
    " JOIN circumstances ON circumstances.id = circumstances_id GROUP BY entry_id, dataset_id"
}
FEW = 60
START = datetime(2026, 1, 5, tzinfo=UTC)


def tables_of(connection: Connection) -> list[Table]:
    """Those that hold content, parents first."""
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name not in MADE_BY_MIGRATIONS]


def fill(connection: Connection, records: int) -> None:
    """FEW rows each, and so many records. Row n refers to the rows n, so that whatever is unique stays so."""
    tables = tables_of(connection)
    for table in tables:
        if table.name not in FILLED_FROM_OTHERS:
            rows = _rows(table, records if table.name == "record" else FEW)
            while batch := list(islice(rows, 1000)):
                connection.execute(insert(table), batch)
    for table in tables:
        if table.name in FILLED_FROM_OTHERS:
            connection.execute(text(FILLED_FROM_OTHERS[table.name]))


def _rows(table: Table, number: int) -> Iterator[dict[str, Any]]:
    for n in range(number):
        yield {column.name: _value(table, column, n) for column in table.columns}


def _value(table: Table, column: Column[Any], n: int) -> Any:
    parents = [key.column for key in column.foreign_keys]
    if column.nullable and n % 3 == 0:
        return None
    if parents:
        return _value(parents[0].table, parents[0], n % FEW)
    name, kind = f"{table.name}.{column.name}", column.type
    if isinstance(kind, types.Boolean):
        return n % 2 == 0
    if isinstance(kind, types.DateTime):
        return START + timedelta(seconds=n)
    if isinstance(kind, types.Date):
        return date(2026, 1, 1) + timedelta(days=n % 1000)
    if isinstance(kind, types.Integer):
        return n + 1
    if isinstance(kind, types.Uuid) or getattr(kind, "length", None) in (32, 36):
        made = uuid.uuid5(uuid.NAMESPACE_OID, f"{name if column.primary_key else column.name} {n}")
        return made if isinstance(kind, types.Uuid) else made.hex if kind.length == 32 else str(made)
    if isinstance(kind, types.Text):
        return f'{{"said": "naïve {n}", "number": {n}}}'
    length = getattr(kind, "length", None) or 100
    if length == 27:
        return f"{START + timedelta(seconds=n):%Y-%m-%dT%H:%M:%S.%fZ}"
    return f"{n} {name} ‘é’"[:length]
