"""The shipped nginx configuration before a real `portal serve`: what is slow stays with nginx, what is large flows."""

import http.client
import json
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any, NamedTuple

import pytest
from flask import Flask

from portal import create_app
from portal.domain import tokens
from tests import databases, nginx
from tests.nginx import Nginx
from tests.people import in_transaction, make_people
from tests.served import Served
from tests.slow_clients import crowd, probe, slow_chunk, slow_form, slow_headers, slow_reader

CHUNK = 1 << 20
LINES = 40_000
LINE = json.dumps({"site_name": "Waseca", "model_data": {"note": "x" * 1000}, "timestamp": "{}"})


class Place(NamedTuple):
    app: Flask
    served: Served
    plain: Nginx
    secure: Nginx
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def ask(self, method: str, path: str, body: Any = None, headers: Any = None, **how: Any) -> tuple[Any, bytes]:
        """Through nginx, in plain HTTP; the answer and all of its body."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.plain.port, timeout=60)) as connection:
            connection.request(method, path, body, headers or {}, **how)
            answer = connection.getresponse()
            return answer, answer.read()

    def call(self, path: str, body: object) -> Any:
        answer, said = self.ask("POST", path, json.dumps(body), self.bearer | {"Content-Type": "application/json"})
        assert answer.status == 200, said
        return json.loads(said)

    def begin(self, name: str, chunk_size: int, chunks: int = 1) -> Any:
        said = {"model_name": name, "model_type": "x", "size": chunk_size * chunks, "chunk_size": chunk_size}
        return self.call("/api/v2/model/upload", said)

    def count(self, entry_id: str) -> int:
        answer, said = self.ask("GET", f"/api/models/id/{entry_id}/records/facets", headers=self.bearer)
        return int(json.loads(said)["total"]) if answer.status == 200 else 0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, sqlite_files: databases.SqliteFiles) -> Iterator[Place]:
    nginx.require()
    folder = tmp_path_factory.mktemp("place")
    with ExitStack() as running:
        url = running.enter_context(sqlite_files.fresh(folder))
        app = create_app(databases.settings(folder, url, max_chunk_size=8 << 20))
        people = make_people(app)
        with in_transaction(app):
            token = tokens.issue(people.owner.actor, people.owner.id, "laptop", "write")[1]
        served = Served(app, folder / "server.log")
        running.callback(lambda: served.process.poll() is None and served.kill())
        plain = running.enter_context(Nginx(folder, served.port))
        (folder / "tls").mkdir()
        secure = running.enter_context(Nginx(folder / "tls", served.port, tls=True))
        yield Place(app, served, plain, secure, token)


@pytest.fixture(scope="module")
def flights(place: Place) -> str:
    """An entry with so many records that a stream of them fits into no buffer."""
    entry_id: str = place.call("/api/models", {"model_name": "flights"})["id"]
    body = b"".join(line(number) for number in range(LINES))
    headers = place.bearer | {"Content-Type": "application/x-ndjson"}
    answer, said = place.ask("POST", f"/api/models/id/{entry_id}/records", body, headers)
    assert (answer.status, json.loads(said)["inserted"]) == (200, LINES)
    return entry_id


def line(number: int) -> bytes:
    moment = f"2026-01-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.{number:06}Z"
    return (LINE.replace("{}", moment) + "\n").encode()


def eventually(seen: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := seen()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return found


def test_nginx_takes_the_file_without_a_warning(place: Place) -> None:
    said = subprocess.run(
        ["nginx", "-t", "-c", place.secure.folder / "nginx.conf", "-e", "/dev/stderr"], capture_output=True, text=True
    )
    assert said.returncode == 0, said.stderr
    assert "[warn]" not in said.stderr


def test_behind_tls_an_answer_has_one_hsts_and_one_request_id_and_the_portal_knows_who_asks(place: Place) -> None:
    context = ssl.create_default_context(cafile=place.secure.folder / "certificate.pem")
    said = {"X-Forwarded-For": "203.0.113.9", "X-Request-Id": "mine"}
    source = ("127.0.0.77", 0)
    with closing(
        http.client.HTTPSConnection("127.0.0.1", place.secure.port, context=context, source_address=source)
    ) as connection:
        connection.request("GET", "/login?next=%2Fmodels", headers=said)
        answer = connection.getresponse()
        page = answer.read().decode()
    assert answer.status == 200, page
    assert answer.headers.get_all("Strict-Transport-Security") == ["max-age=31536000"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Cookie" in answer.headers["Vary"]
    (request_id,) = answer.headers.get_all("X-Request-Id") or []
    assert re.fullmatch("[0-9a-f]{32}", request_id)
    (ours,) = eventually(lambda: [each for each in place.served.log.read_text().splitlines() if request_id in each])
    assert "127.0.0.77" in ours
    (theirs,) = eventually(lambda: [each for each in place.secure.log().splitlines() if request_id in each])
    assert "next" not in theirs


def test_browsers_are_offered_http_2(place: Place) -> None:
    context = ssl.create_default_context(cafile=place.secure.folder / "certificate.pem")
    context.set_alpn_protocols(["h2", "http/1.1"])
    with closing(http.client.HTTPSConnection("127.0.0.1", place.secure.port, context=context)) as connection:
        connection.connect()
        assert connection.sock.selected_alpn_protocol() == "h2"


def test_plain_http_is_sent_to_https(place: Place) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", place.secure.plain_port)) as connection:
        connection.request("GET", "/models?q=x", headers={"Host": "models.example.org"})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Location"]) == (308, "https://models.example.org/models?q=x")


def test_a_piece_of_the_largest_size_goes_through_and_a_larger_one_is_refused_by_the_portal(place: Place) -> None:
    data = bytes(8 << 20)
    begun = place.begin("largest", len(data))
    bearer = {"Authorization": f"Bearer {begun['token']}"}
    answer, said = place.ask("POST", "/api/v2/model/upload/0", data, bearer)
    assert answer.status == 200, said
    answer, said = place.ask("POST", "/api/v2/model/upload/0", data + b"x", bearer)
    assert (answer.status, json.loads(said)["title"]) == (413, "Too large")
    version = json.loads(place.ask("POST", "/api/v2/model/upload/commit", headers=bearer)[1])
    assert version["size"] == len(data)


def test_a_piece_arrives_at_the_portal_while_it_is_sent_and_nginx_keeps_none_of_it(place: Place) -> None:
    begun = place.begin("flowing", 8 << 20)
    with closing(http.client.HTTPConnection("127.0.0.1", place.plain.port, timeout=20)) as connection:
        connection.putrequest("POST", "/api/v2/model/upload/0")
        connection.putheader("Authorization", f"Bearer {begun['token']}")
        connection.putheader("Content-Length", str(8 << 20))
        connection.endheaders(bytes(7 << 20))
        time.sleep(0.3)
        assert place.plain.on_disk() == 0
        connection.send(bytes(1 << 20))
        assert connection.getresponse().status == 200


@pytest.mark.parametrize("length", ["known", "unknown"])
def test_lines_of_any_number_are_loaded_while_they_come(place: Place, length: str) -> None:
    entry_id = place.call("/api/models", {"model_name": f"loaded, length {length}"})["id"]
    lines = [line(number) for number in range(20_000)]
    half, rest = b"".join(lines[:16_000]), b"".join(lines[16_000:])
    assert len(half + rest) > 4 << 20, "more than a form may have"
    with closing(http.client.HTTPConnection("127.0.0.1", place.plain.port, timeout=60)) as connection:
        connection.putrequest("POST", f"/api/models/id/{entry_id}/records")
        connection.putheader("Authorization", f"Bearer {place.token}")
        connection.putheader("Content-Type", "application/x-ndjson")
        is_known = length == "known"
        if is_known:
            connection.putheader("Content-Length", str(len(half + rest)))
        else:
            connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        connection.send(half if is_known else b"%x\r\n%s\r\n" % (len(half), half))
        eventually(lambda: place.count(entry_id))
        assert place.plain.on_disk() == 0
        connection.send(rest if is_known else b"%x\r\n%s\r\n0\r\n\r\n" % (len(rest), rest))
        answer = connection.getresponse()
        assert json.loads(answer.read())["inserted"] == len(lines)


def test_a_stream_begins_at_once_stays_off_the_disk_and_ends_with_its_reader(place: Place, flights: str) -> None:
    path = f"/api/models/id/{flights}/records"
    with closing(http.client.HTTPConnection("127.0.0.1", place.plain.port, timeout=20)) as connection:
        began = time.monotonic()
        connection.request("GET", path, headers=place.bearer)
        answer = connection.getresponse()
        first = answer.readline()
        assert time.monotonic() - began < 2
        assert json.loads(first)["model_name"] == "flights"
        assert answer.headers["X-Total-Count"] == str(LINES)
        time.sleep(0.5)
        assert place.plain.on_disk() == 0
        answer.close()
    told = eventually(lambda: re.findall(rf'"GET {path}" 200 (\d+) bytes', place.served.log.read_text()))
    assert int(told[0]) < LINES * len(first), "the portal wrote all of it for nobody"


def test_an_early_no_reaches_a_client_that_is_still_sending(place: Place) -> None:
    answer, said = place.ask("POST", "/api/v2/model/upload/0", bytes(6 << 20), {"Authorization": "Bearer wrong"})
    assert (answer.status, json.loads(said)["status"]) == (401, 401)


def test_a_form_larger_than_forms_are_stays_outside(place: Place) -> None:
    answer, _ = place.ask("POST", "/login", bytes(5 << 20))
    assert answer.status == 413


def test_what_is_measured_is_not_for_the_public(place: Place) -> None:
    for path in ("/metrics", "//metrics", "/static/../metrics", "/%6detrics"):
        assert place.ask("GET", path)[0].status == 404


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 6\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked, identity",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: +6",
        "Content-Length: 0x6",
    ],
)
def test_a_body_of_two_lengths_is_one_request_at_most(place: Place, head: str) -> None:
    """None is answered twice: `GET /smuggled` never is a request."""

    body = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", place.plain.port), timeout=3) as client:
        client.sendall(f"POST /api/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}\r\n\r\n{body}".encode())
        said = b""
        while data := client.recv(1 << 16):
            said += data
    assert said.count(b"HTTP/1.1 ") <= 1
    if said:
        assert said.split()[1] in (b"400", b"401", b"501")
    assert "/smuggled" not in place.served.log.read_text()


def test_forty_slow_clients_of_each_kind_keep_nobody_waiting(place: Place, flights: str) -> None:
    begun = place.begin("slow", CHUNK, 40)
    chunks = [slow_chunk(f"/api/v2/model/upload/{index}", begun["token"], CHUNK) for index in range(20)]
    streams = [slow_reader(f"/api/models/id/{flights}/records", place.token)] * 4
    slow = [slow_headers()] * 40 + [slow_form()] * 20 + chunks + streams
    with crowd(place.plain.port, slow) as there:
        eventually(lambda: there() == len(slow))
        probed = probe(place.plain.port, seconds=3)
        assert there() == len(slow)
    assert probed.failed == 0
    assert probed.p50 < 1


def test_who_asks_too_much_at_once_is_told_to_wait_and_others_are_not(place: Place) -> None:
    begun = place.begin("many", CHUNK, 300)
    with ExitStack() as many:
        clients = []
        for index in range(270):
            slow = slow_chunk(f"/api/v2/model/upload/{index}", begun["token"], CHUNK)
            client = many.enter_context(socket.create_connection(("127.0.0.1", place.plain.port), timeout=10))
            client.sendall(slow.head)
            clients.append(client)
        answer, said = eventually(
            lambda: next((each for each in [place.ask("GET", "/api/models/all")] if each[0].status == 503), None)
        )
        assert answer.headers["Retry-After"] == "5"
        assert json.loads(said)["status"] == 503
        with closing(
            http.client.HTTPConnection("127.0.0.1", place.plain.port, timeout=20, source_address=("127.0.0.99", 0))
        ) as other:
            other.request("GET", "/models")
            assert other.getresponse().status == 200


def test_while_the_portal_is_away_pages_and_programs_are_told_so_each_in_their_way(place: Place) -> None:
    place.served.kill()
    try:
        for path, kind in (("/models", "text/plain"), ("/api/models/all", "application/problem+json")):
            answer, said = place.ask("GET", path)
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
            assert answer.headers["Content-Type"] == kind
            assert answer.headers.get_all("Strict-Transport-Security") == ["max-age=31536000"]
            assert kind == "text/plain" or json.loads(said)["error"] == "Unavailable"
    finally:
        place.served.start()
    assert eventually(lambda: place.ask("GET", "/models")[0].status == 200)
