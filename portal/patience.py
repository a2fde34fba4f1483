"""How long the database may keep somebody waiting: who asks for an answer has it, good or bad, within ten seconds.

A request may hold connections, and wait for them, for `LIMIT` seconds on end; what it takes otherwise (a slow body
above all) does not count. Streams, bulk loads, large deletions, commands and the sweeper have no such limit.
The databases' own connections keep to it: `sqlite.Connection`, `postgresql.Connection`.
"""

import logging
import math
import threading
import time
from typing import Any, Protocol

from flask import g, has_request_context
from sqlalchemy import PoolProxiedConnection, QueuePool

LIMIT = 9.0  # seconds

logging.getLogger(f"{__name__}.Pool").setLevel(logging.WARNING)  # SQLAlchemy tells more, under the name of its class


class Connection(Protocol):
    """A driver's connection; `until` (monotonic) is when whoever has it gives up, None while nobody has it."""

    began: float
    until: float | None

    def take_time(self) -> None:
        """The transaction that has begun may last."""


class Pool(QueuePool):
    """Lends connections that know how long there is; the wait for one, and for the server to open one, counts.

    `long_stays` are for those who keep a connection while a slow client reads: a third of them all.
    """

    def __init__(self, creator: Any, pool_size: int = 5, max_overflow: int = 10, **options: Any) -> None:
        super().__init__(creator, pool_size=pool_size, max_overflow=max_overflow, **options)
        self.long_stays = threading.BoundedSemaphore(max((pool_size + max_overflow) // 3, 1))

    def connect(self) -> PoolProxiedConnection:
        began = time.monotonic()
        _asked.until = began + _left(began)
        try:
            lent = super().connect()
        except BaseException:
            _spend(began)
            raise
        connection: Any = lent.driver_connection
        connection.began, connection.until = began, _asked.until if is_awaited() else math.inf
        return lent


_asked = threading.local()


def returned(connection: Connection) -> None:
    if connection.until is not None:
        _spend(connection.began)
        connection.until = None


def left_to_open() -> float:
    """Seconds until whoever asks for a connection in this thread gives up."""
    until: float = getattr(_asked, "until", math.inf)
    return min(max(until - time.monotonic(), 0), LIMIT)


def is_awaited() -> bool:
    """Whether somebody waits for the answer to what runs in this thread."""
    return has_request_context() and "takes_time" not in g


def take_time() -> None:
    """From now on the transactions of this request may last."""
    if has_request_context():
        g.takes_time = True


def _left(began: float) -> float:
    """Even what may last waits no longer for a connection."""
    return LIMIT - _spent(began) if is_awaited() else LIMIT


def _spent(began: float) -> float:
    """Seconds, of which one is forgiven for each second that the request was busy with something else."""
    seconds, at = g.get("database_seconds", (0.0, 0.0))
    return max(seconds - (began - at), 0.0)


def _spend(began: float) -> None:
    if has_request_context():
        now = time.monotonic()
        g.database_seconds = _spent(began) + now - began, now
