"""Presigned uploads over real sockets: bodies of every form, that break off, that race."""

import http.client
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from portal.uploads import machine
from tests import make
from tests.apps import Model, app_of, model_in
from tests.people import People
from tests.served import RESET, Served, served

pytestmark = pytest.mark.disk  # a bucket has addresses of its own

__all__ = ["served"]

DATA = random.Random(11).randbytes(3_000_000)
HIDDEN = "Transfer-Encoding: chunked"


@pytest.fixture
def model(people: People) -> Model:
    app_of(people)
    model_in(people.owner)
    return Model(people.owner)


def path_of(begun: dict[str, str]) -> str:
    parts = urlsplit(begun["presigned_url"])
    return f"{parts.path}?{parts.query}"


def send(served: Served, begun: dict[str, str], body: bytes | Iterator[bytes]) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)) as connection:
        headers = {"Content-Type": "application/octet-stream", "X-API-TOKEN": "portal_of_somebody"}
        connection.request("PUT", path_of(begun), body, headers, encode_chunked=not isinstance(body, bytes))
        answer = connection.getresponse()
        answer.read()
        return answer.status


def in_pieces(data: bytes, pause: float = 0) -> Iterator[bytes]:
    for start in range(0, len(data), 700_001):
        yield data[start : start + 700_001]
        time.sleep(pause)


def break_off(served: Served, begun: dict[str, str], length: str, body: bytes, how: str) -> bytes:
    head = f"PUT {path_of(begun)} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode()
    with closing(socket.create_connection(("127.0.0.1", served.port), 30)) as raw:
        raw.sendall(head + body)
        if how == "half-close":
            raw.shutdown(socket.SHUT_WR)
            with raw.makefile("rb") as answer:
                return answer.readline()
        if how == "reset":
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    return b""


def staged(model: Model) -> int:
    """How many bytes of unfinished uploads the storage holds."""
    with model.person.app.app_context():
        return sum(
            machine.store().received(upload.upload_id).bytes_received for upload in machine.store().list_uploads()
        )


@pytest.mark.parametrize("form", ["known", "hidden"])
def test_a_body_arrives_whole(served: Served, model: Model, form: str) -> None:
    begun = model.begin()
    assert send(served, begun, DATA if form == "known" else in_pieces(DATA)) == 200
    assert send(served, begun, DATA) == 409
    assert model.finish(begun).json["sha256"] == make.sha256(DATA)
    assert send(served, begun, DATA) == 409


def test_a_body_that_breaks_off_leaves_nothing(served: Served, model: Model) -> None:
    begun = model.begin()
    known = f"Content-Length: {len(DATA)}"
    piece = b"%x\r\n" % len(DATA)
    for how in ("close", "reset", "half-close"):
        for length, body in (
            (known, b""),
            (known, DATA[:-1]),
            (HIDDEN, b""),
            (HIDDEN, piece + DATA[:-1]),
            (HIDDEN, piece + DATA + b"\r\n"),
        ):
            answer = break_off(served, begun, length, body, how)
            assert answer.startswith(b"HTTP/1.1 400 ") or (how != "half-close" and not answer), (length, how)
    time.sleep(0.3)
    assert staged(model) == 0
    assert model.finish(begun).status_code == 409
    assert send(served, begun, DATA) == 200
    assert model.finish(begun).json["sha256"] == make.sha256(DATA)
    log = served.log.read_text()
    assert "Traceback" not in log
    assert '" 500 ' not in log
    assert "signature" not in log
    assert "portal_of_somebody" not in log


@pytest.mark.parametrize("form", ["known", "hidden"])
def test_of_two_that_race_one_is_kept_whole(served: Served, model: Model, form: str) -> None:
    for attempt in range(5):
        begun = model.begin()
        bodies = [bytes([65 + attempt, who]) * 1_000_000 for who in range(4)]
        statuses: dict[int, int] = {}

        def race(
            who: int,
            begun: dict[str, str] = begun,
            bodies: list[bytes] = bodies,
            statuses: dict[int, int] = statuses,
        ) -> None:
            statuses[who] = send(served, begun, bodies[who] if form == "known" else in_pieces(bodies[who], 0.02))

        threads = [threading.Thread(target=race, args=(who,)) for who in range(len(bodies))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses.values()) == [200, 409, 409, 409]
        (winner,) = (who for who, status in statuses.items() if status == 200)
        assert model.finish(begun).json["sha256"] == make.sha256(bodies[winner])


def test_what_is_acknowledged_outlives_the_server(served: Served, model: Model) -> None:
    begun = model.begin()
    assert send(served, begun, DATA) == 200
    served.kill()
    served.start()
    assert send(served, begun, b"later") == 409
    assert model.finish(begun).json["sha256"] == make.sha256(DATA)


def test_thirty_two_finish_at_once_over_two_processes(served: Served, model: Model) -> None:
    begun = [model.begin(filename=f"{number}.bin") for number in range(32)]
    for number, each in enumerate(begun):
        assert send(served, each, str(number).encode()) == 200
    headers = {**model.person.headers, "Content-Type": "application/json"}
    answers: list[tuple[int, dict[str, Any]]] = []

    def finish(each: dict[str, str]) -> None:
        path = quote(f"/api/v2{model.path}/model_versions/{each['model_version_id']}")
        with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)) as connection:
            connection.request("PATCH", path, json.dumps({"filepath": each["filepath"]}), headers)
            answer = connection.getresponse()
            answers.append((answer.status, json.loads(answer.read())))

    threads = [threading.Thread(target=finish, args=(each,)) for each in begun]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status for status, _ in answers] == [200] * 32
    assert sorted(version["version"] for _, version in answers) == list(range(1, 33))
    for _, version in answers:
        assert model.download(f"?version={version['version']}").data.decode() + ".bin" == version["name"]
