"""A large body arrives whole, in order and without eating the next request, under our server and under others."""

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, request

from portal.api.arriving import ArrivingBody

BODY = os.urandom(3_000_017)
DIGEST = hashlib.sha256(BODY).hexdigest()


def make_app() -> Flask:
    app = Flask(__name__)

    @app.post("/<int:piece>")
    def digest(piece: int) -> str:
        body, sha256, length = ArrivingBody(), hashlib.sha256(), 0
        buffer = memoryview(bytearray(piece))
        while count := body.readinto(buffer):
            sha256.update(buffer[:count])
            length += count
        return f"{length} {sha256.hexdigest()} direct={body.is_direct}"

    @app.post("/half")
    def half() -> str:
        body = ArrivingBody()
        body.readinto(memoryview(bytearray((request.content_length or 0) // 2)))
        return "enough"

    return app


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Where a gunicorn of the shipped kind answers for `make_app`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fd, address = listener.fileno(), listener.getsockname()
        command = [sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", "4", "--bind", f"fd://{fd}"]
        here = Path(__file__)
        server = subprocess.Popen(
            [*command, "--chdir", str(here.parent), f"{here.stem}:make_app()"],
            pass_fds=[fd],
            env={**os.environ, "PYTHONPATH": str(here.parents[2])},
        )
        try:
            yield address
        finally:
            server.terminate()
            server.wait(20)


def post(path: str, body: bytes, announced: int | None = None) -> bytes:
    length = len(body) if announced is None else announced
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode() + body


def answers(connection: socket.socket, count: int) -> list[str]:
    """The texts of the next `count` answers on this connection."""
    texts = []
    with connection.makefile("rb") as stream:
        for _ in range(count):
            assert stream.readline().split()[1] == b"200"
            length = 0
            while (line := stream.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            texts.append(stream.read(length).decode())
    return texts


@pytest.mark.parametrize("piece", [1, 4096, 65_537, 1 << 22])
def test_a_body_arrives_whole_straight_from_the_socket(address: tuple[str, int], piece: int) -> None:
    body = BODY if piece > 1 else BODY[:5000]
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(post(f"/{piece}", body))
        assert answers(connection, 1) == [f"{len(body)} {hashlib.sha256(body).hexdigest()} direct=True"]


def test_requests_sent_in_one_breath_keep_their_own_bodies(address: tuple[str, int]) -> None:
    bodies = [b"", b"a", BODY[:700], b"", BODY[:100]]
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(b"".join(post("/64", body) for body in bodies))
        expected = [f"{len(body)} {hashlib.sha256(body).hexdigest()} direct=True" for body in bodies]
        assert answers(connection, len(bodies)) == expected


def test_a_body_that_dribbles_in_is_waited_for(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=30) as connection:
        message = post("/4096", BODY[:3000])
        for start in range(0, len(message), 500):
            connection.sendall(message[start : start + 500])
            time.sleep(0.02)
        assert answers(connection, 1)[0].startswith("3000 ")


def test_a_body_cut_short_ends_early_and_is_seen_to(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(post("/4096", BODY[:1000], announced=1_000_000))
        connection.shutdown(socket.SHUT_WR)
        assert answers(connection, 1)[0].startswith("1000 ")


def test_what_nobody_read_of_a_body_is_not_taken_for_a_request(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(post("/half", BODY[:60_000]) + post("/4096", b"next"))
        assert answers(connection, 2)[1] == f"4 {hashlib.sha256(b'next').hexdigest()} direct=True"


def test_other_servers_hand_the_same_bytes_over() -> None:
    answer = make_app().test_client().post("/4096", data=BODY)
    assert answer.text == f"{len(BODY)} {DIGEST} direct=False"


def test_a_body_without_length_comes_by_the_ordinary_way(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(b"POST /64 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        assert answers(connection, 1) == [f"3 {hashlib.sha256(b'abc').hexdigest()} direct=False"]
