"""The portal on PostgreSQL: what every connection is told, and an end to servers that fall silent."""

import math
import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection as Lent
from sqlalchemy.exc import OperationalError

from portal import patience

T = TypeVar("T")

STATEMENT_SECONDS = 8  # of one statement; the server ends it, so that the connection stays good
LOCK_SECONDS = 7  # of waiting for a lock, which is told apart by coming first
SILENT_SECONDS = 3  # of a server that is asked nothing but whether it is there

# The first and the last day that Python knows have no name in other zones, and could not be read. A portal whose
# machine is gone, or that does nothing any more, loses its locks within a minute.
_SETTINGS = {
    "timezone": "UTC",
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "lock_timeout": f"{LOCK_SECONDS}s",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_TAKE_TIME = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = '10min'"


class Connection(psycopg.Connection[Any]):
    """Closed where the server does not answer in time: by itself it would wait for ever, or as long as TCP does."""

    began = 0.0
    until: float | None = None

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:
        until = time.monotonic() + SILENT_SECONDS if self.until is None else self.until
        try:
            return super().wait(_answered(gen, until), *args, **kwargs)
        except Silent:
            self.close()
            raise

    def take_time(self) -> None:
        self.until = math.inf
        try:
            self.execute(_TAKE_TIME)
        except psycopg.Error as error:  # as it comes from everywhere else
            raise OperationalError(_TAKE_TIME, None, error) from error


class Silent(psycopg.OperationalError):
    pass


def _answered(waiting: Generator[Any, Any, T], until: float) -> Generator[Any, Any, T]:
    """psycopg looks in every tenth of a second whether there is anything yet, and says so."""
    try:
        wanted = next(waiting)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() > until:
                raise Silent("the server does not answer")
            wanted = waiting.send(ready)
    except StopIteration as end:
        value: T = end.value
        return value


def prepare_postgresql(engine: Engine) -> None:
    @event.listens_for(engine, "do_connect")
    def open_(_dialect: Any, _record: Any, arguments: list[Any], named: dict[str, Any]) -> Connection:
        named["connect_timeout"] = max(2, int(patience.left_to_open()))
        return Connection.connect(*arguments, **named)

    @event.listens_for(engine, "connect")
    def connect(connection: Connection, _record: object) -> None:
        connection.execute("; ".join(f"SET {name} = '{value}'" for name, value in _SETTINGS.items()))
        connection.commit()

    @event.listens_for(engine, "begin")
    def begin(lent: Lent) -> None:
        connection: Any = lent.connection.driver_connection
        if connection.until == math.inf:
            connection.take_time()

    @event.listens_for(engine, "checkin")
    def checkin(connection: Connection | None, _record: object) -> None:
        if connection is not None:
            patience.returned(connection)
