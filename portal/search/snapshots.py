"""Views of the database that stand still, for answers that still leave when their request's transaction is over."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from portal.extensions import db


def open_snapshot(engine: Engine, *, may_last: bool) -> Connection:
    """A connection of its own which sees what is there now, whatever others commit until it is closed.

    `may_last`: nobody waits for the whole of what is asked of it.
    """
    connection = engine.connect()
    if may_last:
        lent: Any = connection.connection.driver_connection
        lent.until = math.inf
    if engine.dialect.name == "postgresql":
        connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return connection


@contextmanager
def asking(connection: Connection) -> Iterator[None]:
    """In this block verbs ask `connection`, not the transaction of the request."""
    registry = db.session.registry
    usual = registry()
    with Session(connection) as session:
        registry.set(session)  # type: ignore[arg-type]
        try:
            yield
        finally:
            registry.set(usual)
