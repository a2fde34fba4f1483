"""gunicorn's threaded worker, with an end to everything that a client can leave hanging."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gunicorn.util import close_graceful
from gunicorn.workers.gthread import TConn, ThreadWorker

HEADER_SECONDS = 30  # from the first byte of a request to the end of its headers
MOST_DRAINED = 128 << 20  # bytes, read within 2 s: who sends them is told why not before the connection breaks
SILENT_SECONDS = 120  # without a byte of a body arriving, or for one piece of an answer to leave


class Worker(ThreadWorker):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.header_deadlines: dict[TConn, float] = {}
        self.notified = 0.0
        self.every_second: list[Callable[[int], None]] = []

    def notify(self) -> None:
        """Tells the arbiter, which waits a minute, once a second; gunicorn writes its file twice for every request."""
        now = time.monotonic()
        if now - self.notified >= 1:
            self.notified = now
            super().notify()
            for each in self.every_second:
                each(self.busy())

    def busy(self) -> int:
        """Threads that have a client."""
        return int(self.nr_conns) - len(self.keepalived_conns) - len(self.pending_conns)

    def set_accept_enabled(self, enabled: bool) -> None:
        """A worker whose threads are all taken leaves new connections to the others."""
        super().set_accept_enabled(enabled and self.busy() < self.cfg.threads)

    def handle(self, conn: TConn) -> Any:
        """In a thread: one request, or nothing where the client did not send one."""
        self.header_deadlines[conn] = time.monotonic() + HEADER_SECONDS
        try:
            keep = super().handle(conn)
        finally:
            self.header_deadlines.pop(conn, None)
        if not keep:
            self.linger(conn)
        return keep

    def handle_request(self, req: Any, conn: TConn) -> Any:
        self.header_deadlines.pop(conn, None)
        conn.sock.settimeout(SILENT_SECONDS)
        return super().handle_request(req, conn)

    def linger(self, conn: TConn) -> None:
        """Waits for the client to close in this thread; gunicorn would wait in the loop that serves everybody."""
        with suppress(OSError):
            close_graceful(conn.sock.dup(), max_drain=MOST_DRAINED)
            conn.sock.shutdown(socket.SHUT_RDWR)

    def murder_pending(self) -> None:
        """Every second or sooner, in the loop that accepts: ends late headers and looks how many threads are taken."""
        super().murder_pending()
        now = time.monotonic()
        for conn, deadline in list(self.header_deadlines.items()):
            if deadline < now:
                with suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RDWR)
        if self.alive:
            self.set_accept_enabled(self.nr_conns < self.worker_connections)
