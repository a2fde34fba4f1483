"""How the portal talks to its database: one commit per request, writers that never deadlock, shared column types.

What each database is told is in `sqlite.py` and `postgresql.py`, how long it may take in `patience.py`.
"""

import json
import os
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask.typing import ResponseReturnValue
from sqlalchemy import DateTime, String, Text, TypeDecorator, Uuid
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from portal import patience, sqlite
from portal.extensions import Base, db

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


# A worker's connections. PostgreSQL takes 100 of all workers of all machines together, unless it is told otherwise.
_CONNECTIONS = {"sqlite": 48, "postgresql": 16}
_KEPT = 16  # of them, while nobody needs them
_POOL_SECONDS = 4  # that callers wait until one is free


def init_database(app: Flask, url: str, connections: int | None = None) -> None:
    """Binds the database extensions to `app` and prepares every connection, of which there are at most so many."""
    backend = make_url(url).get_backend_name()
    most = connections or _CONNECTIONS[backend]
    options: dict[str, Any] = {"poolclass": patience.Pool, "pool_timeout": _POOL_SECONDS, "pool_use_lifo": True}
    options |= {"pool_size": min(most, _KEPT), "max_overflow": max(most - _KEPT, 0)}
    options["hide_parameters"] = True  # they hold names, e-mails, hashes of passwords, and would stand in the log
    if backend == "sqlite":
        options |= {"pool_pre_ping": False, "connect_args": {"timeout": sqlite.PATIENCE}}
    else:
        tcp = {"tcp_user_timeout": 8000, "keepalives_idle": 5}  # by itself it is hours before it gives a server up
        options |= {"pool_pre_ping": True, "connect_args": tcp}
    app.config.update(SQLALCHEMY_DATABASE_URI=url, SQLALCHEMY_ENGINE_OPTIONS=options)
    db.init_app(app)
    with app.app_context():
        if backend == "sqlite":
            sqlite.prepare_sqlite(db.engine)
        else:
            from portal.postgresql import prepare_postgresql  # 10 MiB that a portal on SQLite never needs

            prepare_postgresql(db.engine)


def begin_write() -> None:
    """Starts the write transaction of this request; what was read before is read again under the lock."""
    session = db.session()
    if is_writing():
        return
    if session.in_transaction():
        assert not session.new, "added before begin_write()"
        session.rollback()
    session.connection(execution_options={"writes": True})
    session.info["writing"] = session.get_transaction()


def is_writing() -> bool:
    session = db.session()
    transaction = session.get_transaction()
    return transaction is not None and session.info.get("writing") is transaction


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


def undo() -> None:
    """Rolls back. What cannot be, the connection being lost, the database does by itself."""
    try:
        db.session.rollback()
    except DBAPIError:
        db.session().invalidate()


def take_time() -> None:
    """What this request does from now on, in the transaction that it may be in already, may last: callers know why."""
    patience.take_time()
    session = db.session()
    if session.in_transaction():
        connection: Any = session.connection().connection.driver_connection
        connection.take_time()
