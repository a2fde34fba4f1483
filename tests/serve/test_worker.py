"""Clients that are slow, silent or rude, all at once, and somebody else who only wants a page."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

SETTINGS = """
import portal.serve.worker
from portal.serve.gunicorn_settings import *
portal.serve.worker.HEADER_SECONDS = 1
portal.serve.worker.SILENT_SECONDS = 1
timeout = 3
graceful_timeout = 5
workers = 1
post_worker_init = lambda worker: None  # the application below has nothing to sweep
"""
APPLICATION = """
def app(environ, start_response):
    if environ["PATH_INFO"] == "/refused":
        start_response("413 Content Too Large", [("Content-Length", "0"), ("Connection", "close")])
        return []
    try:
        size = len(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    except TimeoutError:
        start_response("400 Bad Request", [("Content-Length", "0"), ("Connection", "close")])
        return []
    start_response("200 OK", [("Content-Length", str(len(str(size)))), ("X-Request-Id", "abc")])
    return [str(size).encode()]
"""


class Server:
    def __init__(self, folder: Path) -> None:
        (folder / "settings.py").write_text(SETTINGS)
        (folder / "application.py").write_text(APPLICATION)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = folder / "log"
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "-c",
            "settings.py",
            "-b",
            f"127.0.0.1:{self.port}",
            "application:app",
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment())

    def wait(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                return self.ask()
            except OSError:
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)

    def ask(self, path: str = "/") -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)) as connection:
            connection.request("GET", path)
            with closing(connection.getresponse()) as answer:
                assert answer.read() == b"0"

    def send(self, head: str) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), timeout=15)
        client.sendall(head.replace("\n", "\r\n").encode())
        return client


def trickle(client: socket.socket, piece: bytes, times: int) -> None:
    for _ in range(times):
        time.sleep(0.1)
        client.sendall(piece)


def time_to_ask(server: Server, times: int) -> float:
    began = time.monotonic()
    for _ in range(times):
        server.ask()
    return time.monotonic() - began


def answer_to(client: socket.socket) -> tuple[int, bytes]:
    with closing(http.client.HTTPResponse(client)) as answer:
        answer.begin()
        return answer.status, answer.read()


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    server = Server(folder)
    try:
        server.wait()
        yield server
    finally:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as server:
        yield server


def test_forty_slow_bodies_leave_everybody_else_served(server):
    with ExitStack() as slow:
        for _ in range(40):
            slow.enter_context(server.send("PUT / HTTP/1.1\nHost: x\nContent-Length: 100\n\n"))
        assert time_to_ask(server, 20) < 2


def test_a_slow_client_that_goes_on_sending_outlives_the_worker_timeout(server):
    with server.send("PUT / HTTP/1.1\nHost: x\nContent-Length: 50\n\n") as client:
        trickle(client, b"x", 50)
        status, size = answer_to(client)
    assert (status, size) == (200, b"50")


def test_a_body_that_stalls_ends_at_last(server):
    with server.send("PUT / HTTP/1.1\nHost: x\nContent-Length: 100\n\nhalf") as client:
        status, _ = answer_to(client)
    assert status == 400


def test_headers_that_never_end_are_cut_off_even_when_they_trickle(server):
    with server.send("GET / HTTP/1.1\nHost: x\n") as client, pytest.raises(ConnectionError):
        trickle(client, b"X-More: 1\r\n", 60)


def test_clients_that_do_not_close_hold_up_nobody(server):
    with ExitStack() as rude:
        for _ in range(24):
            rude.enter_context(server.send("GET / HTTP/1.1\nHost: x\nConnection: close\n\n"))
        time.sleep(0.2)
        assert time_to_ask(server, 20) < 1.5
        time.sleep(4)
    assert "WORKER TIMEOUT" not in server.log.read_text()


def test_a_body_that_is_refused_before_it_is_read_does_not_break_the_answer(server):
    with server.send("PUT /refused HTTP/1.1\nHost: x\nContent-Length: 20000000\n\n") as client:
        client.sendall(bytes(20_000_000))
        status, _ = answer_to(client)
    assert status == 413


def test_the_access_log_has_the_request_id_and_neither_query_nor_line_breaks_of_the_client(server):
    server.ask("/files/a%0Ab?signature=hidden")
    deadline = time.monotonic() + 5
    while "/files/" not in server.log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    (line,) = [line for line in server.log.read_text().splitlines() if "/files/" in line]
    assert '"GET /files/a%0Ab" 200' in line
    assert line.endswith("[abc]")
    assert "hidden" not in server.log.read_text()


def test_sigterm_lets_a_running_request_finish(tmp_path):
    with running(tmp_path) as server:
        with server.send("PUT / HTTP/1.1\nHost: x\nContent-Length: 4\n\nab") as client:
            time.sleep(0.2)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.4)
            client.sendall(b"cd")
            status, size = answer_to(client)
        assert (status, size) == (200, b"4")
        assert server.process.wait(10) == 0
