"""Clients that are slow on purpose, hundreds of them in one thread, and a probe that wants a page meanwhile."""

import http.client
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import NamedTuple

TICK = 0.5  # seconds between two bytes of a client, or two sips of a reader
ARRIVALS = 50  # a second, as slowhttptest has them come


class Slow(NamedTuple):
    """`head` is sent at once; after that, at each tick, `drip` is sent or, where there is none, a little is read."""

    head: bytes
    drip: bytes = b""


class Probed(NamedTuple):
    """Seconds that each page took, a failed one as long as it was waited for; and how many failed."""

    times: Sequence[float]
    failed: int

    @property
    def p50(self) -> float:
        return statistics.median(self.times)

    @property
    def p99(self) -> float:
        return statistics.quantiles([*self.times, *self.times], n=100, method="inclusive")[98]  # of one, too


def slow_headers() -> Slow:
    return Slow(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", b"x")


def slow_form() -> Slow:
    form = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    return Slow(form + b"Content-Length: 9000\r\n\r\nemail=", b"x")


def slow_chunk(path: str, token: str, length: int) -> Slow:
    """A piece of an upload."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
    )
    return Slow(head.encode(), b"x")


def slow_reader(path: str, token: str) -> Slow:
    return Slow(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())


@contextmanager
def crowd(port: int, slow: Sequence[Slow]) -> Iterator[Callable[[], int]]:
    """They come from eight addresses, ARRIVALS a second, and stay to the end of the block; says how many there are."""
    clients: dict[socket.socket, Slow] = {}
    over = threading.Event()

    def arrive_and_drip() -> None:
        coming = list(enumerate(slow))
        while not over.wait(TICK):
            for number, each in coming[: int(ARRIVALS * TICK)]:
                clients[_connected(port, number, each)] = each
            del coming[: int(ARRIVALS * TICK)]
            for client, each in list(clients.items()):
                if _has_ended(client, each):
                    del clients[client]

    thread = threading.Thread(target=arrive_and_drip)
    thread.start()
    try:
        yield lambda: len(clients)
    finally:
        over.set()
        thread.join()
        for client in clients:
            client.close()


def _has_ended(client: socket.socket, slow: Slow) -> bool:
    try:
        return client.send(slow.drip) == 0 if slow.drip else client.recv(256) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _connected(port: int, number: int, slow: Slow) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(10)
    client.bind((f"127.0.0.{2 + number % 8}", 0))
    client.connect(("127.0.0.1", port))
    client.sendall(slow.head)
    client.setblocking(False)
    return client


def probe(port: int, seconds: float, path: str = "/models", patience: float = 5) -> Probed:
    """Somebody who opens a page again and again, each time as if for the first time."""
    times, failed, until = [], 0, time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        status = 0
        with (
            suppress(OSError, http.client.HTTPException),
            closing(http.client.HTTPConnection("127.0.0.1", port, timeout=patience)) as connection,
        ):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        times.append(time.monotonic() - began)
        failed += status != 200
        time.sleep(0.02)
    return Probed(times, failed)
