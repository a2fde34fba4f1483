"""One client's requests to a server, timed one by one."""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import NamedTuple

from tests.bench.process import Server
from tests.bench.rounds import Figures

Around = tuple[Callable[[], None], Callable[[], None]]
REQUESTS, COLD_REQUESTS, SECONDS = 100, 25, 3.0


class Request(NamedTuple):
    """`shows` is in every right answer."""

    path: str
    shows: bytes
    body: bytes | None = None


class Visits(NamedTuple):
    """Requests made in turn over one kept-alive connection.

    `around` is done before and after each of them, untimed; without it each is made once before any is timed.
    """

    server: Server
    requests: Sequence[Request]
    headers: Mapping[str, str] = {}
    around: Around | None = None

    def play(self) -> Figures:
        """p50 and p99 in ms, of as many requests as some seconds take."""
        before, after = self.around or (_nothing, _nothing)
        times: list[float] = []
        with closing(http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)) as connection:
            until = time.monotonic() + SECONDS
            for request in () if self.around else self.requests:
                self._ask(connection, request)
            for number in range(COLD_REQUESTS if self.around else REQUESTS):
                before()
                times.append(self._ask(connection, self.requests[number % len(self.requests)]))
                after()
                if time.monotonic() > until and len(times) > 1:
                    break
        p99 = statistics.quantiles(times, n=100, method="inclusive")[98]
        return {"p50": statistics.median(times), "p99": p99}

    def _ask(self, connection: http.client.HTTPConnection, request: Request) -> float:
        headers = dict(self.headers) | ({"Content-Type": "application/json"} if request.body else {})
        began = time.perf_counter()
        connection.request("POST" if request.body else "GET", request.path, request.body, headers)
        answer = connection.getresponse()
        said = answer.read()
        took = time.perf_counter() - began
        if answer.status != 200 or request.shows not in said:
            raise SystemExit(f"{request.path}: {answer.status} {said[:500]!r}")
        return took * 1000


def _nothing() -> None:
    pass
