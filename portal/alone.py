"""Work that one process at a time does, on whichever machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from sqlalchemy import Connection, func, select, text

from portal.extensions import db


class Work(IntEnum):
    """The numbers of PostgreSQL's advisory locks, of which other programs in the same database have others."""

    SWEEP = 7_301_946_251
    UPGRADE = 7_301_946_252


@contextmanager
def alone(work: Work, *, wait: bool) -> Iterator[bool]:
    """Whether nobody else does this work while the block runs; without `wait`, False where somebody does.

    The lock ends with its connection. So a block may outlive it, and what is in it must be right even then. On SQLite,
    whose processes are all on one machine, everybody may.
    """
    if db.engine.dialect.name == "sqlite":
        yield True
        return
    with db.engine.connect() as connection:
        yield take(connection, work, wait=wait)


def take(connection: Connection, work: Work, *, wait: bool) -> bool:
    """The same on PostgreSQL, until the end of the transaction of `connection`."""
    for limit in ("idle_in_transaction_session_timeout", "lock_timeout"):
        connection.execute(text(f"SET LOCAL {limit} = 0"))
    if wait:
        connection.execute(select(func.pg_advisory_xact_lock(work.value)))
        return True
    return bool(connection.scalar(select(func.pg_try_advisory_xact_lock(work.value))))
