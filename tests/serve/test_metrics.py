"""What Prometheus is told of a real server with two workers, who may ask, and what the logs say as JSON."""

import hashlib
import http.client
import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from portal import create_app
from portal.domain import tokens
from portal.serve import metrics
from tests import databases, stored
from tests.people import in_transaction, make_people
from tests.served import Served

TOKEN = "a token that Prometheus has, long enough"
SERIES = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


class Server:
    def __init__(self, folder: Path, url: str, **given: object) -> None:
        app = create_app(databases.settings(folder, url, **given))
        people = make_people(app)
        with in_transaction(app):
            self.token = tokens.issue(people.owner.actor, people.owner.id, "laptop", "write")[1]
        self.owner_id = people.owner.id
        self.served = Served(app, folder / "server.log")

    def ask(self, path: str, body: Any = None, method: str = "GET", **headers: str) -> tuple[int, bytes]:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=30)) as connection:
            connection.request("POST" if body is not None and method == "GET" else method, path, body, said)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def api(self, path: str, body: Any = None, token: str | None = None) -> Any:
        sent = json.dumps(body).encode() if isinstance(body, dict) else body
        kind = "application/json" if isinstance(body, dict) else "application/octet-stream"
        status, said = self.ask(path, sent, Authorization=f"Bearer {token or self.token}", Content_Type=kind)
        assert status == 200, said
        return json.loads(said)

    def value(self, name: str, **labels: str) -> float:
        """The sum of the series of that name which have those labels."""
        _, text = self.ask("/metrics")
        wanted = {f'{label}="{value}"' for label, value in labels.items()}
        found = SERIES.findall(text.decode())
        return sum(float(value) for each, said, value in found if each == name and wanted <= set(said.split(",")))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sqlite_files: databases.SqliteFiles) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("measured")
    with sqlite_files.fresh(folder) as url:
        server = Server(folder, url, log_format="json", **stored.folder_settings(folder))
        yield server
        server.served.process.terminate()
        server.served.process.wait(60)


def eventually(seen: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 20
    while not (found := seen()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return found


def logged(server: Server, **members: object) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in server.served.log.read_text().splitlines()]
    return [line for line in lines if members.items() <= line.items()]


def test_requests_of_all_workers_are_counted_by_rule_and_status_and_outlive_a_worker(server: Server) -> None:
    route = "/<kind:kind>"
    before = server.value("portal_requests_total", route=route, status="200")
    for _ in range(20):
        server.ask("/models")
    assert eventually(lambda: server.value("portal_requests_total", route=route, status="200") == before + 20)
    assert server.value("portal_request_seconds_count", route=route, method="GET") == before + 20
    for worker in psutil.Process(server.served.process.pid).children():
        os.kill(worker.pid, signal.SIGKILL)
    eventually(lambda: len(psutil.Process(server.served.process.pid).children()) == 2)
    assert server.value("portal_requests_total", route=route, status="200") == before + 20
    assert server.value("portal_streams_open") == 0


def test_what_callers_make_up_makes_no_series(server: Server) -> None:
    _, before = server.ask("/metrics")
    for number in range(20):
        server.ask(f"/made-up-{number}")
        server.ask("/models", method=f"MADEUP{number}")
    eventually(lambda: server.value("portal_requests_total", method="other") >= 20)
    _, after = server.ask("/metrics")
    assert b"made-up" not in after.lower()
    assert b"MADEUP" not in after
    assert len(SERIES.findall(after.decode())) - len(SERIES.findall(before.decode())) < 60


def test_an_upload_is_counted_when_it_begins_and_ends_with_all_its_bytes(server: Server) -> None:
    data = os.urandom(3 << 20)
    names = ("portal_uploads_total", "portal_received_bytes_total", "portal_sent_bytes_total")
    begun, done, aborted = ({"event": event} for event in ("begun", "done", "aborted"))
    before = [server.value(names[0], **which) for which in (begun, done, aborted)]
    received, sent = server.value(names[1]), server.value(names[2])
    said = {"model_type": "x", "size": len(data), "chunk_size": len(data)}
    upload = server.api("/api/v2/model/upload", {"model_name": "counted", **said})
    assert server.value("portal_uploads_unfinished", status="open") == 1
    server.api("/api/v2/model/upload/0", data, upload["token"])
    server.api("/api/v2/model/upload/commit", b"", upload["token"])
    again = server.api("/api/v2/model/upload", {"model_name": "given up", **said})
    server.ask("/api/v2/model/upload", method="DELETE", Authorization=f"Bearer {again['token']}")
    after = [server.value(names[0], **which) for which in (begun, done, aborted)]
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1, 1]
    assert server.value("portal_uploads_unfinished", status="open") == 0
    eventually(lambda: len(data) <= server.value(names[1]) - received < len(data) + 10_000)

    path = f"/api/v2/model/{upload['model_id']}/download"
    _, got = server.ask(path, Authorization=f"Bearer {server.token}")
    assert hashlib.sha256(got).digest() == hashlib.sha256(data).digest()
    eventually(lambda: server.value(names[2]) - sent >= len(data))
    (line,) = eventually(lambda: logged(server, path=path))
    assert (line["status"], line["bytes"], line["user"]) == (200, len(data), server.owner_id)


def test_a_stream_is_open_until_its_reader_leaves(server: Server) -> None:
    entry_id = server.api("/api/models", {"model_name": "streamed"})["id"]
    line = json.dumps(
        {"site_name": "Waseca", "model_data": {"note": "x" * 2000}, "timestamp": "2026-01-01T00:00:00.%06dZ"}
    )
    body = "\n".join(line % number for number in range(20_000)).encode()
    received = server.value("portal_received_bytes_total")
    kind, bearer = "application/x-ndjson", f"Bearer {server.token}"
    path = f"/api/models/id/{entry_id}/records"
    pieces = (body[at : at + (1 << 20)] for at in range(0, len(body), 1 << 20))
    status, said = server.ask(path, pieces, Content_Type=kind, Authorization=bearer)
    assert (status, json.loads(said)["inserted"]) == (200, 20_000)
    eventually(lambda: server.value("portal_received_bytes_total") - received >= len(body))
    with closing(http.client.HTTPConnection("127.0.0.1", server.served.port, timeout=30)) as connection:
        connection.request("GET", path, headers={"Authorization": bearer})
        answer = connection.getresponse()
        answer.readline()
        assert eventually(lambda: server.value("portal_streams_open") == 1)
        assert eventually(lambda: server.value("portal_threads_busy") >= 1)
        answer.close()
    assert eventually(lambda: server.value("portal_streams_open") == 0)
    assert server.value("portal_database_connections_most") == 2 * 48


def test_nobody_but_this_machine_may_read_it_and_not_by_way_of_a_proxy(server: Server) -> None:
    assert server.ask("/metrics")[0] == 200
    for name in ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Via"):
        assert server.ask("/metrics", **{name: "x"})[0] == 404
    assert server.ask("/metrics/")[0] == 404


@pytest.mark.parametrize(
    ("token", "environ", "may"),
    [
        (None, {"REMOTE_ADDR": "127.0.0.1"}, True),
        (None, {"REMOTE_ADDR": "::1"}, True),
        (None, {"REMOTE_ADDR": "10.0.0.1"}, False),
        (None, {}, False),
        (None, {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": ""}, False),
        (TOKEN, {"REMOTE_ADDR": "127.0.0.1"}, False),
        (TOKEN, {"REMOTE_ADDR": "10.0.0.1", "HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}, True),
        (TOKEN, {"REMOTE_ADDR": "10.0.0.1", "HTTP_AUTHORIZATION": f"Bearer {TOKEN}x"}, False),
        (TOKEN, {"REMOTE_ADDR": "10.0.0.1", "HTTP_AUTHORIZATION": "Bearer \xe9\u2028"}, False),
    ],
)
def test_a_token_once_there_is_one_is_the_only_way(token: str | None, environ: dict[str, str], may: bool) -> None:
    assert metrics.may_read(environ, token) is may


def test_a_denied_access_is_logged_with_who_and_whence_and_no_secret(server: Server) -> None:
    server.ask(
        "/api/v2/team/create",
        b'{"name": "Soy"}',
        Authorization=f"Bearer {server.token}",
        Content_Type="application/json",
    )
    server.ask("/api/models/all", Authorization="Bearer mp_not-a-token")
    server.ask("/api/v2/user/login", Authorization="Basic YUBiLmM6aHVudGVyMg==")
    server.ask("/models?x=%0Ainjected%E2%80%A8line&password=hunter2")
    server.ask("/nothing%0Ainjected")
    denied = eventually(lambda: [line for line in logged(server, level="WARNING") if "403 for user" in line["message"]])
    assert f"user {server.owner_id}: POST '/api/v2/team/create' from '127.0.0.1'" in denied[0]["message"]
    (request,) = logged(server, path="/api/v2/team/create")
    assert request["request_id"] == denied[0]["request_id"]
    assert (request["user"], request["address"], request["status"]) == (server.owner_id, "127.0.0.1", 403)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", request["time"])
    eventually(
        lambda: [
            line for line in logged(server) if "log-in of nobody known from '127.0.0.1' refused" in line["message"]
        ]
    )
    assert [
        line for line in logged(server) if line["message"].startswith("401 for user unknown: GET '/api/models/all'")
    ]
    said = server.served.log.read_text()
    for secret in (server.token, "not-a-token", "hunter2", "YUBiLmM"):
        assert secret not in said
