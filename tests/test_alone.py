"""What two processes at once must not do twice, and numbers that two servers give out side by side."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text, update

from portal.alone import Work, alone
from portal.database import now
from portal.extensions import db
from portal.uploads import sweep
from portal.uploads.session import Upload
from tests import make
from tests.command import environ_of, portal, start, surroundings
from tests.databases import PostgresqlServer
from tests.people import People, in_transaction
from tests.served import Served


def expire_one(app: Flask, people: People) -> None:
    make.begin(people.owner, b"data", chunk_size=4)
    with in_transaction(app):
        db.session.execute(update(Upload).values(expires_at=now()))


def test_one_sweeps_at_a_time(app: Flask, people: People) -> None:
    """Or several, where nobody could tell the difference: on SQLite."""
    expire_one(app, people)
    with app.app_context():
        is_postgresql = db.engine.dialect.name == "postgresql"
        with alone(Work.SWEEP, wait=False) as is_alone:
            assert is_alone
            swept: list[sweep.Swept] = []

            def reap() -> None:
                with app.app_context():
                    swept.append(sweep.reap(unattended=True))

            other = threading.Thread(target=reap)
            other.start()
            other.join(20)
            assert swept[0].expired == (0 if is_postgresql else 1)
        assert sweep.reap(unattended=True).expired == (1 if is_postgresql else 0)


def test_who_asks_for_a_sweep_waits_for_another(app: Flask, people: People) -> None:
    expire_one(app, people)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            pytest.skip("any number sweep at once")
        with alone(Work.SWEEP, wait=False):
            asked = start(environ_of(app), "uploads", "reap")
            time.sleep(3)
            assert asked.poll() is None
    said, complained = asked.communicate(timeout=30)
    assert (asked.returncode, said.splitlines()[0]) == (0, "1 upload expired"), complained


@contextmanager
def empty(server: PostgresqlServer) -> Iterator[str]:
    """The URL of a database without tables."""
    server._run("CREATE DATABASE nothing_yet")
    yield server.url("nothing_yet")
    server._run("DROP DATABASE nothing_yet WITH (FORCE)")


def test_two_that_upgrade_at_once(postgresql_server: PostgresqlServer, tmp_path: Path) -> None:
    with empty(postgresql_server) as url:
        environ = surroundings(tmp_path, PORTAL_DATABASE_URL=url)
        both = [start(environ, "db", "upgrade") for _ in range(2)]
        for each in both:
            _said, complained = each.communicate(timeout=60)
            assert each.returncode == 0, complained
        checked = portal(environ, "db", "check")
        assert checked.returncode == 0, checked.stderr


def test_an_upgrade_waits_as_long_as_another_takes(postgresql_server: PostgresqlServer, tmp_path: Path) -> None:
    with empty(postgresql_server) as url:
        environ = surroundings(tmp_path, PORTAL_DATABASE_URL=url)
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute(f"SELECT pg_advisory_xact_lock({Work.UPGRADE.value})")
            waiting = start(environ, "db", "upgrade")
            time.sleep(10)  # longer than anybody else waits for a lock
            assert waiting.poll() is None
        _said, complained = waiting.communicate(timeout=60)
        assert waiting.returncode == 0, complained


def test_two_servers_number_versions_without_gaps(app: Flask, people: People, tmp_path: Path) -> None:
    """And every one of them answers with the number that it is."""
    entry_id = make.entry(people.owner)
    _ = people.owner.headers
    numbers: list[int] = []
    with ExitStack() as stack:
        ports = []
        for number in range(2):
            served = Served(app, tmp_path / f"{number}.log")
            stack.callback(served.kill)
            ports.append(served.port)

        def add(number: int) -> None:
            for turn in range(4):
                numbers.append(_new_version(ports, people, entry_id, f"{number} {turn}".encode()))

        adding = [threading.Thread(target=add, args=(number,)) for number in range(6)]
        for each in adding:
            each.start()
        for each in adding:
            each.join()
    assert sorted(numbers) == list(range(1, 25))
    with app.app_context():
        rows = db.session.execute(text("SELECT number, size FROM version ORDER BY number")).all()
    assert [row[0] for row in rows] == list(range(1, 25))


def _new_version(ports: list[int], people: People, entry_id: str, data: bytes) -> int:
    """Begun on the one, sent to the other, committed on the one."""

    def call(port: int, path: str, body: bytes, headers: dict[str, str]) -> Any:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            connection.request("POST", f"/api/v2/model/upload{path}", body, headers)
            answer = connection.getresponse()
            said = json.loads(answer.read())
            assert answer.status == 200, said
            return said

    one, other = ports if len(data) % 2 else reversed(ports)
    declared = {"model_id": entry_id, "size": len(data), "chunk_size": 100, "file_name": "model.bin"}
    its_json = {**people.owner.headers, "Content-Type": "application/json"}
    begun = call(one, "", json.dumps(declared).encode(), its_json)
    bearer = {"Authorization": f"Bearer {begun['token']}", "Content-Type": "application/octet-stream"}
    call(other, "/0", data, bearer)
    committed: int = call(one, "/commit", b"", bearer)["version"]
    return committed
