"""The database goes, falls silent, is locked or too slow while the portal serves: 503 in time, and back again."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from portal import create_app
from tests import databases
from tests.frail import FrailServer
from tests.people import People, make_people
from tests.served import Served

WITHIN = 10.0  # seconds
BACK_WITHIN = 5.0


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrailServer]:
    """A server that no other test has."""
    server = FrailServer(tmp_path_factory.mktemp("postgresql"))
    yield server
    server.stop()


@dataclass
class Answer:
    status: int
    seconds: float
    headers: dict[str, str]
    body: str


def ask(port: int, path: str, people: People | None = None, method: str = "GET", **given: Any) -> Answer:
    headers = {**(people.owner.headers if people else {}), **given.pop("headers", {})}
    began = time.monotonic()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, headers=headers, **given)
        answer = connection.getresponse()
        body = answer.read().decode()
        return Answer(answer.status, time.monotonic() - began, dict(answer.headers), body)


@dataclass
class Portal:
    """Served on a PostgreSQL of its own."""

    server: FrailServer
    served: Served
    people: People
    home: Path
    answers: list[tuple[str, Answer]] = field(default_factory=list)

    def ask(self, path: str, **given: Any) -> Answer:
        return ask(self.served.port, path, self.people, **given)

    def register(self, name: str) -> Answer:
        body = f'{{"model_name": "{name}"}}'
        return self.ask("/api/models/", method="POST", body=body, headers={"Content-Type": "application/json"})

    def require_unavailable(self) -> None:
        """Whoever needs the database hears so in time; who needs none is served."""
        paths = ["/models", "/api/models/all", "/", "/records", "/api/models/records?limit=1", "/readyz"]
        found: dict[str, Answer] = {}

        def ask_for(path: str) -> None:
            found[path] = self.ask(path)

        threads = [threading.Thread(target=ask_for, args=(path,)) for path in [*paths, *paths]]
        threads.append(threading.Thread(target=lambda: found.update(post=self.register("while it is away"))))
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for free in ("/healthz", "/static/css/page.css"):
                answer = ask(self.served.port, free)
                assert (answer.status, answer.seconds < 1) == (200, True), free
            time.sleep(0.2)
        for path, answer in found.items():
            assert answer.status == 503, (path, answer)
            assert answer.seconds < WITHIN, (path, answer.seconds)
            assert 0 < int(answer.headers["Retry-After"]) <= 10
            kind = answer.headers["Content-Type"]
            assert kind.startswith("application/problem+json" if path.startswith("/api") or path == "post" else "")

    def require_back(self) -> None:
        deadline = time.monotonic() + BACK_WITHIN
        while self.ask("/api/models/all").status not in (200, 404) or self.ask("/readyz").status != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert self.register(f"model {time.monotonic_ns()}").status == 200

    def require_nothing_leaked(self) -> None:
        time.sleep(0.5)
        with psycopg.connect(self.server.url("postgres").replace("+psycopg", "")) as connection:
            query = "SELECT state, query FROM pg_stat_activity WHERE datname LIKE 'portal_%' AND state <> 'idle'"
            assert connection.execute(query).fetchall() == []
        log = self.served.log.read_text()
        assert "Traceback" not in log, log[log.index("Traceback") :][:4000]


@pytest.fixture
def portal(postgresql: FrailServer, tmp_path: Path) -> Iterator[Portal]:
    with postgresql.fresh(tmp_path) as url:
        app = create_app(databases.settings(tmp_path, url))
        people = make_people(app)
        _ = people.owner.headers
        with app.app_context():
            from portal.extensions import db

            db.engine.dispose()
        served = Served(app, tmp_path / "server.log")
        yield Portal(postgresql, served, people, tmp_path)
        postgresql.resume()
        served.kill()


def test_a_server_that_is_down_and_back(portal: Portal) -> None:
    portal.require_back()
    portal.server.halt()
    try:
        portal.require_unavailable()
    finally:
        portal.server.restart()
    portal.require_back()
    portal.require_nothing_leaked()


def test_a_server_that_stands_still(portal: Portal) -> None:
    portal.require_back()
    portal.server.pause()
    try:
        portal.require_unavailable()
        portal.require_unavailable()
    finally:
        portal.server.resume()
    portal.require_back()
    portal.require_nothing_leaked()
