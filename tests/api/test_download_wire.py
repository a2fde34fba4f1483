"""Downloads from the portal as it is served: by `sendfile`, over connections that break, without leaks."""

import http.client
import random
import re
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from flask import Flask

from tests import make
from tests.people import People
from tests.served import Served, served

pytestmark = pytest.mark.disk

__all__ = ["served"]

DATA = random.Random(7).randbytes(20_000_003)


@pytest.fixture
def path(people: People) -> str:
    entry_id = make.entry(people.owner)
    make.version(people.owner, entry_id, DATA)
    return f"/api/v2/model/{entry_id}/download"


def ask(served: Served, people: People, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.request(method, path, headers={**people.owner.headers, **headers})
    answer = connection.getresponse()
    status, body = answer.status, answer.read()
    connection.close()
    return status, body


def test_an_interrupted_download_goes_on_where_it_broke_off(served: Served, people: People, path: str) -> None:
    for _ in range(10):
        have = bytearray()
        tag = f'"{make.sha256(DATA)}"'
        while len(have) < len(DATA):
            with socket.create_connection(("127.0.0.1", served.port), 30) as raw:
                head = {**people.owner.headers, "Host": "x", "Range": f"bytes={len(have)}-", "If-Range": tag}
                raw.sendall(f"GET {path} HTTP/1.1\r\n".encode())
                raw.sendall("".join(f"{name}: {value}\r\n" for name, value in head.items()).encode() + b"\r\n")
                with raw.makefile("rb") as answer:
                    assert answer.readline().split()[1] == b"206"
                    while answer.readline() != b"\r\n":
                        pass
                    have += answer.read(min(random.randrange(1, 15_000_000), len(DATA) - len(have)))
        assert bytes(have) == DATA


def test_parts_are_exact_and_leave_the_connection_usable(served: Served, people: People, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    for _ in range(50):
        first = random.randrange(len(DATA))
        last = min(random.choice([first, first + 1, first + 300_000, len(DATA)]), len(DATA) - 1)
        method = random.choice(["GET", "HEAD"])
        connection.request(method, path, headers={**people.owner.headers, "Range": f"bytes={first}-{last}"})
        body = connection.getresponse().read()
        assert body == (DATA[first : last + 1] if method == "GET" else b"")
    connection.close()


def test_a_client_that_goes_away_leaves_no_open_file(served: Served, people: People, path: str) -> None:
    def open_files() -> list[str]:
        workers = psutil.Process(served.process.pid).children()
        return [file.path for worker in workers for file in worker.open_files() if "versions" in file.path]

    assert ask(served, people, path) == (200, DATA)
    for number in range(60):
        raw = socket.create_connection(("127.0.0.1", served.port), 30)
        part = f"Range: bytes={number}-\r\n" if number % 2 else ""
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {people.owner.headers['Authorization']}\r\n{part}\r\n"
        raw.sendall(head.encode())
        raw.recv(random.randrange(1, 100_000))
        if number % 3:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()
    for headers in ({"If-None-Match": "*"}, {"Range": "bytes=99999999999-"}):
        for method in ("GET", "HEAD"):
            ask(served, people, path, method, **headers)
    deadline = time.monotonic() + 20
    while open_files() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert open_files() == []
    assert '" 500 ' not in served.log.read_text()


def test_a_download_does_not_break_when_its_entry_is_deleted(served: Served, people: People, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.request("GET", path, headers=people.owner.headers)
    answer = connection.getresponse()
    start = answer.read(1000)
    entry = path.removesuffix("/download")
    assert people.owner.api.delete(entry).status_code == 200
    for stored in people.owner.app.extensions["storage"].list_keys():
        people.owner.app.extensions["storage"].delete(stored.key)
    assert start + answer.read() == DATA
    connection.close()
    assert ask(served, people, path)[0] == 404


class Traced(Served):
    """Every worker under strace, which writes down each call of sendfile."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.calls = folder / "calls"
        super().__init__(app, folder / "server.log")
        workers: list[psutil.Process] = []
        while len(workers) < 2:
            workers = psutil.Process(self.process.pid).children()
        watched = [option for worker in workers for option in ("-p", str(worker.pid))]
        command = ["strace", "-f", "-e", "trace=sendfile", "-o", str(self.calls), *watched]
        self.strace = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.strace.stderr is not None
        line = self.strace.stderr.readline()
        if "attached" not in line:
            self.kill()
            pytest.skip(f"strace may not look at processes here: {line}")

    def sent(self) -> int:
        """Bytes that left by sendfile until now."""
        return sum(int(sent) for sent in re.findall(r"sendfile.*= (\d+)$", self.calls.read_text(), re.MULTILINE))


@pytest.fixture
def traced(app: Flask, tmp_path: Path) -> Iterator[Traced]:
    if shutil.which("strace") is None:
        pytest.skip("There is no strace on this machine.")
    traced = Traced(app, tmp_path)
    yield traced
    traced.kill()
    traced.strace.wait(20)
    assert traced.strace.stderr is not None
    traced.strace.stderr.close()


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_kernel_sends_files_and_parts_of_files(traced: Traced, people: People, path: str) -> None:
    assert ask(traced, people, path) == (200, DATA)
    assert until(traced, len(DATA)) == len(DATA)
    status, part = ask(traced, people, path, Range="bytes=5-10000004")
    assert (status, part == DATA[5:10_000_005]) == (206, True)
    assert until(traced, len(DATA) + 10_000_000) == len(DATA) + 10_000_000


def until(traced: Traced, expected: int) -> int:
    """strace may be a moment behind."""
    deadline = time.monotonic() + 5
    while traced.sent() < expected and time.monotonic() < deadline:
        time.sleep(0.05)
    return traced.sent()
