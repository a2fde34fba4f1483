"""The database goes, falls silent, is locked or too slow while the portal serves: 503 in time, and back again."""

import http.client
import random
import socket
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from portal import create_app
from portal.extensions import db
from tests import databases
from tests.frail import FrailServer
from tests.people import People, make_people
from tests.served import Served

WITHIN = 10.0  # seconds
BACK_WITHIN = 5.0
PAGES = ["/models", "/api/models/all", "/", "/records", "/api/models/records?limit=1"]
FREE = ["/healthz", "/static/css/page.css"]


@dataclass
class Answer:
    status: int
    seconds: float
    headers: dict[str, str]
    body: str


@dataclass
class Portal:
    """Served to its owner, with every answer in time."""

    served: Served
    people: People
    server: FrailServer | None = None

    @property
    def url(self) -> str:
        return self.served.environ["PORTAL_DATABASE_URL"]

    def ask(self, path: str, method: str = "GET", body: str | None = None) -> Answer:
        headers = {**self.people.owner.headers, **({"Content-Type": "application/json"} if body else {})}
        began = time.monotonic()
        with closing(http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=30)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        seconds = time.monotonic() - began
        assert seconds < (1 if path in FREE else WITHIN), (path, answer.status)
        return Answer(answer.status, seconds, dict(answer.headers), text)

    def register(self, name: str) -> Answer:
        return self.ask("/api/models/", "POST", f'{{"model_name": "{name}"}}')

    def require_unavailable(self, paths: list[str], *, writes: bool = True) -> None:
        """All at once. Who needs no database is served meanwhile."""
        calls = [(lambda path=path: self.ask(path)) for path in [*paths, *paths]]
        calls += [lambda: self.register("while it is away")] * 2 if writes else []
        answers: list[Answer] = []
        threads = [threading.Thread(target=lambda call=call: answers.append(call())) for call in calls]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for path in FREE:
                assert self.ask(path).status == 200
            time.sleep(0.2)
        assert Counter(answer.status for answer in answers) == {503: len(calls)}
        for answer in answers:
            assert 0 < int(answer.headers["Retry-After"]) <= 10

    def require_back(self) -> None:
        deadline = time.monotonic() + BACK_WITHIN
        while self.ask("/readyz").status != 200 or any(self.ask(path).status not in (200, 404) for path in PAGES):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert self.register(f"model {random.random()}").status == 200

    def require_calm(self) -> None:
        """Nothing has been left behind, and nothing was a surprise."""
        log = self.served.log.read_text()
        assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:5000]
        if self.server:
            deadline = time.monotonic() + 2
            while self._busy():
                assert time.monotonic() < deadline, self._busy()
                time.sleep(0.1)

    def _busy(self) -> list[Any]:
        query = "SELECT state, query FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
        with foreign(self.url) as connection:
            return [row for row in connection.execute(query) if "pg_stat_activity" not in row[1]]


@contextmanager
def foreign(url: str) -> Iterator[Any]:
    """A connection of somebody else to the portal's database."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            yield connection
    else:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as other:
            yield other


@contextmanager
def serving(url: str, home: Path, server: FrailServer | None = None, **given: Any) -> Iterator[Portal]:
    app = create_app(databases.settings(home, url, **given))
    people = make_people(app)
    _ = people.owner.headers
    with app.app_context():
        db.engine.dispose()
    served = Served(app, home / "server.log")
    yield Portal(served, people, server)
    served.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrailServer]:
    """A PostgreSQL that no other test has."""
    server = FrailServer(tmp_path_factory.mktemp("postgresql"))
    yield server
    server.stop()


@pytest.fixture
def on_postgresql(server: FrailServer, tmp_path: Path) -> Iterator[Portal]:
    with server.fresh(tmp_path) as url, serving(url, tmp_path, server) as portal:
        yield portal


@pytest.fixture
def on_sqlite(sqlite_files: databases.SqliteFiles, tmp_path: Path) -> Iterator[Portal]:
    with sqlite_files.fresh(tmp_path) as url, serving(url, tmp_path) as portal:
        yield portal


@pytest.fixture(params=["on_sqlite", "on_postgresql"])
def portal(request: pytest.FixtureRequest) -> Portal:
    return request.getfixturevalue(request.param)


def test_a_server_that_is_down(on_postgresql: Portal, server: FrailServer) -> None:
    on_postgresql.require_back()
    server.halt()
    try:
        on_postgresql.require_unavailable([*PAGES, "/readyz"])
    finally:
        server.restart()
    on_postgresql.require_back()
    on_postgresql.require_calm()


def test_a_server_that_stands_still(on_postgresql: Portal, server: FrailServer) -> None:
    """It has connections that were good, and takes new ones, but answers none."""
    on_postgresql.require_back()
    server.pause()
    try:
        on_postgresql.require_unavailable([*PAGES, "/readyz"])
        on_postgresql.require_unavailable([*PAGES, "/readyz"])
    finally:
        server.resume()
    on_postgresql.require_back()
    on_postgresql.require_calm()


@pytest.mark.slow
def test_a_server_that_crashes_under_load(on_postgresql: Portal, server: FrailServer) -> None:
    """What is on its way may be refused; what was acknowledged stays, and nobody sees a mistake of the portal's."""
    on_postgresql.require_back()
    kept: list[str] = []
    found: Counter[int] = Counter()
    is_over = threading.Event()

    def visit(number: int) -> None:
        turn = 0
        while not is_over.is_set():
            name = f"{number} {turn}"
            turn += 1
            if turn % 3:
                found[on_postgresql.ask(PAGES[turn % len(PAGES)]).status] += 1
            elif (status := on_postgresql.register(name).status) == 200:
                kept.append(name)
            else:
                found[status] += 1

    visitors = [threading.Thread(target=visit, args=(number,)) for number in range(8)]
    for visitor in visitors:
        visitor.start()
    try:
        for _ in range(6):
            time.sleep(random.uniform(0.2, 0.8))
            server.halt()
            server.restart()
            on_postgresql.require_back()
    finally:
        is_over.set()
        for visitor in visitors:
            visitor.join()
    assert found.keys() <= {200, 503}
    with foreign(on_postgresql.url) as connection:
        there = {name for (name,) in connection.execute("SELECT name FROM entry")}
    assert not set(kept) - there
    assert len(kept) > 20
    on_postgresql.require_calm()


def test_an_address_that_nobody_answers_at(tmp_path: Path, on_sqlite: Portal) -> None:
    """Not even a refusal comes: packets are lost, or the machine hangs."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent, closing(socket.socket()) as filling:
        filling.setblocking(False)
        with suppress(BlockingIOError):
            filling.connect(silent.getsockname())  # whoever comes next is not even shaken hands with
        url = f"postgresql+psycopg://portal@127.0.0.1:{silent.getsockname()[1]}/portal"
        nowhere = create_app(databases.settings(tmp_path, url))
        served = Served(nowhere, tmp_path / "nowhere.log")
        try:
            Portal(served, on_sqlite.people).require_unavailable([*PAGES, "/readyz"])
        finally:
            served.kill()
    assert "Traceback" not in (tmp_path / "nowhere.log").read_text()


def test_a_table_that_somebody_else_has_locked(portal: Portal) -> None:
    """On SQLite that is the whole database, for who writes."""
    portal.require_back()
    with foreign(portal.url) as connection:
        if portal.server:
            connection.execute("BEGIN")
            connection.execute("LOCK TABLE entry IN ACCESS EXCLUSIVE MODE")
            portal.require_unavailable(["/models", "/api/models/all"])
            assert portal.ask("/readyz").status == portal.ask("/api/v2/team/list").status == 200
        else:
            connection.execute("BEGIN IMMEDIATE")
            portal.require_unavailable([])
            assert all(portal.ask(path).status in (200, 404) for path in PAGES)
        connection.execute("ROLLBACK")
    portal.require_back()
    portal.require_calm()


@pytest.mark.parametrize("how", ["moved away", "garbled"])
def test_a_file_that_cannot_be_read(on_sqlite: Portal, how: str) -> None:
    on_sqlite.require_back()
    file = Path(on_sqlite.url.removeprefix("sqlite:///"))
    away = file.rename(file.with_name("away.db"))
    if how == "garbled":
        file.write_bytes(b"no database" * 1000)
    on_sqlite.require_unavailable([*PAGES, "/readyz"])
    assert (how == "garbled") == file.exists(), "nobody makes an empty one in its place"
    away.rename(file)
    on_sqlite.require_back()
    on_sqlite.require_calm()


def test_more_callers_than_connections(server: FrailServer, tmp_path: Path) -> None:
    """Who waits for a connection that others keep waiting hears so in time."""
    with server.fresh(tmp_path) as url, serving(url, tmp_path, server, database_connections=2) as portal:
        with foreign(portal.url) as connection, connection.transaction():
            connection.execute("LOCK TABLE entry IN ACCESS EXCLUSIVE MODE")
            portal.require_unavailable(["/models"] * 10)
        portal.require_back()
        portal.require_calm()


def test_a_server_that_takes_no_more_clients(server: FrailServer, tmp_path: Path) -> None:
    with server.fresh(tmp_path) as url, serving(url, tmp_path, server) as portal:
        with foreign(portal.url) as connection:
            connection.execute("DO $$ BEGIN CREATE ROLE visitor LOGIN; EXCEPTION WHEN duplicate_object THEN END $$")
            connection.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO visitor")
            connection.execute("ALTER ROLE visitor CONNECTION LIMIT 0")
            portal.served.kill()
            portal.served.environ["PORTAL_DATABASE_URL"] = url.replace("postgres:@", "visitor:@")
            portal.served.start()
            portal.require_unavailable([*PAGES, "/readyz"])
            connection.execute("ALTER ROLE visitor CONNECTION LIMIT -1")
        assert portal.ask("/readyz").status == 200
        portal.require_calm()
