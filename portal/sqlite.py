"""The portal on SQLite: WAL, foreign keys, one writer at a time without starving, and a file that stays the same."""

import math
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection as Lent
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from portal import patience
from portal.search.dialects import json_holds, lower
from portal.search.json_conditions import says

PATIENCE = 8  # seconds that who wants to write waits for others
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-32768")
_STEPS = 1_000_000  # of SQLite's machine between two looks at the clock: some hundredths of a second


class Connection(sqlite3.Connection):
    began = 0.0
    until: float | None = None

    def is_late(self) -> bool:
        return self.until is not None and time.monotonic() > self.until

    def take_time(self) -> None:
        self.until = math.inf


def make_file(engine: Engine) -> None:
    """For who is about to make the tables; anybody else's connection refuses a file that is not there."""
    if engine.url.database:
        Path(engine.url.database).touch()


def prepare_sqlite(engine: Engine) -> None:
    path = Path(engine.url.database or "")

    @event.listens_for(engine, "do_connect")
    def open_(_dialect: Any, _record: Any, _arguments: list[Any], named: dict[str, Any]) -> Connection:
        return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, factory=Connection, **named)

    @event.listens_for(engine, "connect")
    def connect(connection: Connection, record: ConnectionPoolEntry) -> None:
        record.info["file"] = _identity(path)
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("json_holds", 2, json_holds, deterministic=True)
        connection.create_function("json_says", 2, says, deterministic=True)
        connection.create_function("lower", 1, lower, deterministic=True)
        connection.set_progress_handler(connection.is_late, _STEPS)

    @event.listens_for(engine, "checkout")
    def checkout(_connection: Connection, record: ConnectionPoolEntry, _proxy: object) -> None:
        """What is written to a file that was moved away or replaced would be lost."""
        if record.info["file"] != _identity(path):
            raise DisconnectionError("the database's file is another one")

    turn = threading.Lock()  # SQLite has no queue: who polls among many others may starve

    @event.listens_for(engine, "begin")
    def begin(lent: Lent) -> None:
        if lent.get_execution_options().get("writes", False):
            own: Any = lent.connection.driver_connection
            deadline = min(time.monotonic() + PATIENCE, own.until)
            if not lent.info.get("has_turn"):
                if not turn.acquire(timeout=max(deadline - time.monotonic(), 0)):
                    raise OperationalError("BEGIN IMMEDIATE", None, _locked())
                lent.info["has_turn"] = True
            run(lent, "PRAGMA busy_timeout=1")  # left to itself SQLite sleeps up to 100 ms between two looks
            while not run(lent, "BEGIN IMMEDIATE", is_last=time.monotonic() > deadline):
                pass
            run(lent, f"PRAGMA busy_timeout={1000 * PATIENCE}")
        else:
            run(lent, "BEGIN")

    def run(lent: Lent, statement: str, *, is_last: bool = True) -> bool:
        """Past SQLAlchemy, where it costs a fifth. False where it may be tried again: another process is writing."""
        try:
            lent.connection.driver_connection.execute(statement)  # type: ignore[union-attr]
        except sqlite3.OperationalError as error:
            if is_last or error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise OperationalError(statement, None, error) from error
            return False
        return True

    @event.listens_for(engine, "checkin")
    def checkin(connection: Connection | None, record: ConnectionPoolEntry) -> None:
        if record.info.pop("has_turn", False):
            turn.release()
        if connection is not None:
            patience.returned(connection)


def _locked() -> sqlite3.OperationalError:
    """What SQLite says where the one who writes belongs to another process."""
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_BUSY, "SQLITE_BUSY"
    return error


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
