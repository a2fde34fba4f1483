"""How the portal talks to its database: one commit per request, writers that never deadlock, shared column types.

SQLite: WAL, `synchronous=FULL` (an acknowledged commit survives a power cut), foreign keys on, and `BEGIN IMMEDIATE`
for transactions that write, because a busy timeout does not help a read transaction that upgrades to a write.
"""

import json
import os
import sqlite3
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask.typing import ResponseReturnValue
from sqlalchemy import DateTime, Engine, String, Text, TypeDecorator, Uuid, event
from sqlalchemy.engine import Connection, Dialect, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeEngine

from portal.extensions import Base, db
from portal.search.dialects import json_holds, lower
from portal.search.json_conditions import says

if TYPE_CHECKING:
    Table = Base
else:
    Table = db.Model


class HexUuid(Uuid[str]):
    """A UUID as text. SQLite keeps its 32 digits: lists are faster when only hyphens are put in between."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(as_uuid=False)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return super().result_processor(dialect, coltype) if dialect.supports_native_uuid else _hyphenated


def _hyphenated(digits: str | None) -> str | None:
    if digits is None:
        return None
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


Id = HexUuid()
TextId = Id.with_variant(String(36), "sqlite")  # of rows that leave as text: SQLite keeps it with its hyphens

PATIENCE = 8  # seconds that who wants to write waits for others, of the 10 after which callers get their 503


def new_id() -> str:
    return str(uuid.uuid4())


def new_ordered_id() -> str:
    """A UUID of version 7 (RFC 9562): ids made later sort later, so that an index of many grows at its end."""
    millisecond, nanosecond = divmod(time.time_ns(), 1_000_000)
    fraction = nanosecond * 4096 // 1_000_000  # of the millisecond, in the first 12 random bits, as the RFC allows
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return str(uuid.UUID(int=millisecond << 80 | 7 << 76 | fraction << 64 | 0b10 << 62 | random))


def new_ordered_ids(number: int) -> list[str]:
    """So many at once, ascending, for rows that enter in this order: of one millisecond, and counted from anywhere."""
    millisecond = f"{time.time_ns() // 1_000_000:012x}"
    random = os.urandom(9).hex()
    head = f"{millisecond[:8]}-{millisecond[8:]}-7{random[:3]}-{'89ab'[int(random[3], 16) // 4]}"
    first = int(random[3:], 16) >> 1  # 59 of 60 bits: the sum never needs one more
    tails = (f"{tail:015x}" for tail in range(first, first + number))
    return [f"{head}{tail[:3]}-{tail[3:]}" for tail in tails]


def made_at(ordered_id: str) -> datetime:
    """When an id of `new_ordered_id` was made."""
    return datetime.fromtimestamp((uuid.UUID(ordered_id).int >> 80) / 1000, UTC)


def now() -> datetime:
    return datetime.now(UTC)


class Time(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC in the database (SQLite keeps it without offset)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Moment(TypeDecorator[datetime]):
    """An instant of many rows that leave as text: SQLite keeps it as it leaves, `2026-11-21T09:30:00.000000Z`."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(27) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


class JsonObject(TypeDecorator[dict[str, Any]]):
    """A JSON object kept as text, its keys in the order they came in; what enters has passed `strict_json`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Any] | None:
        return None if value is None else json.loads(value)


class TransactionalFlask(Flask):
    """Commits once, after a good answer; any raise, and any answer of 400 or more, rolls back."""

    def dispatch_request(self) -> ResponseReturnValue:
        response = self.make_response(super().dispatch_request())
        if response.status_code < 400:
            db.session.commit()
        else:
            db.session.rollback()
        return response


def init_database(app: Flask, url: str) -> None:
    """Binds the database extensions to `app` and prepares every connection."""
    options: dict[str, Any] = {"pool_pre_ping": True, "pool_size": 16, "max_overflow": 32, "pool_timeout": 8}
    options["hide_parameters"] = True  # they hold names, e-mails, hashes of passwords, and would stand in the log
    if make_url(url).get_backend_name() == "sqlite":
        options["pool_pre_ping"] = False
        options["connect_args"] = {"timeout": PATIENCE}
    elif make_url(url).get_backend_name() == "postgresql":
        # A server that falls silent is given up within the 10 s after which callers get their 503.
        options["connect_args"] = {"connect_timeout": 5, "tcp_user_timeout": 8000, "keepalives_idle": 5}
    app.config.update(SQLALCHEMY_DATABASE_URI=url, SQLALCHEMY_ENGINE_OPTIONS=options)
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            prepare_sqlite(db.engine)
        else:
            event.listen(db.engine, "connect", _keep_utc)


def prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-32768"):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("json_holds", 2, json_holds, deterministic=True)
        connection.create_function("json_says", 2, says, deterministic=True)
        connection.create_function("lower", 1, lower, deterministic=True)

    turn = threading.Lock()  # SQLite has no queue: who polls among many others may starve

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writes", False):
            deadline = time.monotonic() + PATIENCE
            if not connection.info.get("has_turn"):
                if not turn.acquire(timeout=PATIENCE):
                    raise OperationalError("BEGIN IMMEDIATE", None, sqlite3.OperationalError("database is locked"))
                connection.info["has_turn"] = True
            run(connection, "PRAGMA busy_timeout=1")  # left to itself SQLite sleeps up to 100 ms between two looks
            while not run(connection, "BEGIN IMMEDIATE", is_last=time.monotonic() > deadline):
                pass
            run(connection, f"PRAGMA busy_timeout={1000 * PATIENCE}")
        else:
            run(connection, "BEGIN")

    def run(connection: Connection, statement: str, *, is_last: bool = True) -> bool:
        """Past SQLAlchemy, where it costs a fifth. False where it may be tried again: another process is writing."""
        try:
            connection.connection.driver_connection.execute(statement)  # type: ignore[union-attr]
        except sqlite3.OperationalError as error:
            if is_last or error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise OperationalError(statement, None, error) from error
            return False
        return True

    @event.listens_for(engine, "checkin")
    def checkin(_connection: sqlite3.Connection | None, record: ConnectionPoolEntry) -> None:
        if record.info.pop("has_turn", False):
            turn.release()


def _keep_utc(connection: Any, _record: object) -> None:
    """The first and the last day that Python knows have no name in other zones, and could not be read."""
    connection.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def begin_write() -> None:
    """Starts the write transaction of this request; what was read before is read again under the lock."""
    session = db.session()
    if is_writing():
        return
    if session.in_transaction():
        assert not session.new, "added before begin_write()"
        session.rollback()
    session.connection(execution_options={"writes": True})


def is_writing() -> bool:
    session = db.session()
    return session.in_transaction() and bool(session.connection().get_execution_options().get("writes"))


def end_read() -> None:
    """Gives the connection back before long work (a slow body, a password hash) that needs no database.

    A write transaction stays: what it holds is not this caller's to give up.
    """
    if is_writing():
        return
    session = db.session()
    if session.new or session.dirty or session.deleted:
        session.rollback()
    else:  # nothing is written: PostgreSQL's driver forgets at a rollback what it has prepared, half of a page's time
        session.commit()
