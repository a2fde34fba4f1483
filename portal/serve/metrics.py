"""What `/metrics` tells Prometheus: of all workers of this server, by whichever of them is asked.

Each worker writes its numbers to files of its own in $PROMETHEUS_MULTIPROC_DIR (made by `serve`), which outlive it.
"""

from __future__ import annotations

import hmac
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from flask import Flask
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import event, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from portal.extensions import db
from portal.logs import ROUTE
from portal.uploads.session import UNFINISHED, Upload

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.005, 0.025, 0.1, 0.5, 2.5, 10, 60)

# Their helps are in the key of each value: few words.
REQUESTS = Counter("portal_requests", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram("portal_request_seconds", "From head to last byte", ["method", "route"], buckets=BUCKETS)
RECEIVED = Counter("portal_received_bytes", "Bodies of requests")
SENT = Counter("portal_sent_bytes", "Bodies of answers")
UPLOADS = Counter("portal_uploads", "What became of uploads", ["event"])
STREAMS = Gauge("portal_streams_open", "Answers on their way without a length", multiprocess_mode="livesum")
BUSY = Gauge("portal_threads_busy", "Threads that have a client", multiprocess_mode="livesum")
POOL = Gauge("portal_database_connections", "Connections to the database", ["state"], multiprocess_mode="livesum")
MOST = Gauge("portal_database_connections_most", "How many there may be", multiprocess_mode="livesum")


def count_request(environ: WSGIEnvironment, status: str, sent: int, seconds: float) -> None:
    said = environ.get("REQUEST_METHOD", "")
    method, route = said if said in METHODS else "other", environ.get(ROUTE) or "none"
    REQUESTS.labels(method, route, status).inc()
    SECONDS.labels(method, route).observe(seconds)
    SENT.inc(sent)


def watch_uploads() -> None:
    """Counts what is committed, and nothing twice."""

    @event.listens_for(Session, "after_flush")
    def note(session: Session, _context: object) -> None:
        events: list[str] = session.info.setdefault("upload_events", [])
        events += ["begun" for row in session.new if isinstance(row, Upload)]
        for row in session.dirty:
            if isinstance(row, Upload):
                added = db.inspect(row).attrs.status.history.added
                events += [str(status) for status in added or () if status not in UNFINISHED]

    @event.listens_for(Session, "after_commit")
    def count(session: Session) -> None:
        for each in session.info.pop("upload_events", ()):
            UPLOADS.labels(each).inc()

    @event.listens_for(Session, "after_rollback")
    def forget(session: Session) -> None:
        session.info.pop("upload_events", None)


def sampler(app: Flask) -> Callable[[int], None]:
    """What a worker calls once a second with the number of its busy threads."""
    with app.app_context():
        pool: Any = db.engine.pool
    MOST.set(pool.size() + pool._max_overflow)

    def sample(busy: int) -> None:
        BUSY.set(busy)
        POOL.labels("in use").set(pool.checkedout())
        POOL.labels("idle").set(pool.checkedin())

    return sample


def may_read(environ: WSGIEnvironment, token: str | None) -> bool:
    """Whoever has the token; without one, who asks from this very machine and not by way of a proxy."""
    if token is not None:
        said = environ.get("HTTP_AUTHORIZATION", "")
        return hmac.compare_digest(said.encode("latin-1", "replace"), f"Bearer {token}".encode())
    is_forwarded = any(name.startswith(("HTTP_X_FORWARDED", "HTTP_FORWARDED", "HTTP_VIA")) for name in environ)
    return environ.get("REMOTE_ADDR") in ("127.0.0.1", "::1") and not is_forwarded


def text(app: Flask) -> bytes:
    registry = REGISTRY
    if FOLDER in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry) + generate_latest(_Unfinished(app))


class _Unfinished(Collector):
    """Asked of the database at the moment; not told while it is away."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily("portal_uploads_unfinished", "Of the whole portal", labels=["status"])
        unfinished = (
            select(Upload.status, func.count().label("number"))
            .where(Upload.status.in_(UNFINISHED))
            .group_by(Upload.status)
        )
        with self._app.app_context():
            try:
                found = {row.status: row.number for row in db.session.execute(unfinished)}
            except SQLAlchemyError:
                return
        for status in UNFINISHED:
            family.add_metric([status], found.get(status, 0))
        yield family


class CountedBody:
    """A body whose length nobody has said."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, *size: int) -> bytes:
        data: bytes = self._body.read(*size)
        RECEIVED.inc(len(data))
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)


class CountedStream(Iterator[bytes]):
    """An answer of unknown length."""

    def __init__(self, body: Iterable[bytes]) -> None:
        self._body, self._pieces, self._is_open = body, iter(body), True
        STREAMS.inc()

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            STREAMS.dec()
        if hasattr(self._body, "close"):
            self._body.close()


def forget_worker(pid: int) -> None:
    """What it has open is closed; what it has counted stays."""
    if FOLDER in os.environ:
        multiprocess.mark_process_dead(pid)


def forget_all() -> None:
    if FOLDER in os.environ:
        shutil.rmtree(os.environ[FOLDER], ignore_errors=True)
