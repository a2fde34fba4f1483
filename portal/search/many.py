"""Many rows of one table at once, as each database takes them fastest; those that are there already are passed over."""

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from itertools import chain
from typing import Any

from sqlalchemy.exc import OperationalError

from portal.extensions import db

_VALUES_AT_ONCE = 4_000  # bound in one statement; SQLite takes 32,766, and is no faster with more


Rows = Sequence[Sequence[str]]


def insert_new(table: str, columns: Sequence[str], rows: Rows, key: Callable[[Sequence[str]], Any]) -> int:
    """How many of `rows` were not there and are now; `key` is what makes two the same, the first of which is taken.

    Values stand in the order of `columns`, as texts that both databases read: ids without hyphens, UTC times with `Z`.
    None is null, none holds a tab or a line's end (compact JSON holds neither).
    """
    if not rows:
        return 0
    if db.engine.dialect.name == "sqlite":
        return _by_values(table, columns, rows)
    return _by_copy(table, columns, sorted(rows, key=key))  # who inserts the same waits, but never in a circle


def _by_values(table: str, columns: Sequence[str], rows: Rows) -> int:
    """Statements with many rows each: they take half the time of the driver's `executemany`."""
    connection = db.session.connection()
    insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "  # noqa: S608 - names of ours
    row = f"({', '.join('?' * len(columns))})"
    step = _VALUES_AT_ONCE // len(columns)
    number = 0
    for first in range(0, len(rows), step):
        some = rows[first : first + step]
        statement = f"{insert}{', '.join([row] * len(some))} ON CONFLICT DO NOTHING"
        number += connection.exec_driver_sql(statement, tuple(chain.from_iterable(some))).rowcount
    return number


def _by_copy(table: str, columns: Sequence[str], rows: Rows) -> int:
    """COPY into the table itself; where that meets a row that is there, by way of a temporary one."""
    from psycopg import OperationalError as DriverError  # 10 MiB that a portal on SQLite never needs
    from psycopg import errors, sql

    connection = db.session.connection()
    text = "\n".join(map("\t".join, rows)).replace("\\", "\\\\")
    names = {"its": sql.SQL(", ").join(map(sql.Identifier, columns)), "table": sql.Identifier(table)}
    names["arriving"] = sql.Identifier(f"arriving_{table}")
    try:
        with closing(connection.connection.cursor()) as cursor:
            with suppress(errors.UniqueViolation):
                with connection.begin_nested(), cursor.copy(sql.SQL(_COPY).format(**names)) as copy:
                    copy.write(text)
                return len(rows)
            cursor.execute(sql.SQL(_ARRIVING).format(**names))
            with cursor.copy(sql.SQL(_COPY).format(**{**names, "table": names["arriving"]})) as copy:
                copy.write(text)
            cursor.execute(sql.SQL(_MOVE).format(**names))
            number: int = cursor.rowcount
            cursor.execute(sql.SQL("DROP TABLE {arriving}").format(**names))
            return number
    except DriverError as error:  # as it comes from everywhere else
        raise OperationalError(_COPY, None, error, hide_parameters=True) from error


_COPY = "COPY {table} ({its}) FROM STDIN"
_ARRIVING = "CREATE TEMPORARY TABLE {arriving} (LIKE {table})"
_MOVE = "INSERT INTO {table} ({its}) SELECT {its} FROM {arriving} ON CONFLICT DO NOTHING"
