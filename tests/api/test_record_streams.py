"""Long streams of records: whole or seen to be cut, from one snapshot, and without leaks when their readers leave."""

import http.client
import json
import socket
import threading
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, text

from portal.database import new_ordered_ids
from portal.domain import record_reading, records, tally
from portal.domain.circumstances import Names
from portal.domain.entries import Entry
from portal.domain.kinds import MODEL
from portal.domain.record_csv import csv_lines
from portal.domain.record_reading import PIECE
from portal.domain.record_search import Wanted
from portal.domain.record_stream import lines
from portal.domain.records import NewRecord, Record, Writer
from portal.extensions import db
from tests import make
from tests.people import People, in_transaction
from tests.served import RESET, Served, served

__all__ = ["served"]

START = datetime(2020, 1, 1, tzinfo=UTC)


def fill(
    people: People,
    entry_id: str,
    number: int,
    *,
    start: datetime = START,
    number_from: int = 0,
    site: str = "Waseca",
    dataset: str = "D",
    ballast: str = "",
) -> list[str]:
    """Adds records, one a second, whose data counts them as `n`; their ids."""
    with in_transaction(people.owner.app):
        writer = Writer(db.session.get_one(Entry, entry_id))
        one = writer.row(NewRecord({}, names=Names(site=site), dataset=dataset, timestamp=start))
        rows = []
        for step, record_id in enumerate(new_ordered_ids(number)):
            data = {"n": number_from + step, "text": ballast}
            rows.append({**one, "id": record_id, "data": data, "timestamp": start + timedelta(seconds=step)})
        db.session.connection().execute(insert(Record.__table__), rows)  # type: ignore[arg-type]
        tally.change(Counter(records.cell(row) for row in rows))
        return [row["id"] for row in rows]


def delete(people: People, ids: list[str]) -> None:
    with in_transaction(people.owner.app):
        entry = db.session.scalars(select(Entry)).one()
        assert records.remove(people.owner.actor, entry, ids) == len(ids)


@pytest.fixture
def entry_id(people: People) -> str:
    return make.entry(people.owner)


class Call:
    """A request on a raw socket; `read` gives what has arrived, b"" at its end."""

    def __init__(self, served: Served, people: People, path: str, version: str = "1.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", served.port), 60)
        headers = {"Host": "x", **people.owner.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.socket.sendall(f"GET {path} HTTP/{version}\r\n{head}\r\n".encode())

    def read(self, size: int = 1 << 16) -> bytes:
        return self.socket.recv(size)

    def leave(self, how: str) -> None:
        if how == "RST":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()


def ask(served: Served, people: People, path: str) -> tuple[http.client.HTTPResponse, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=120)) as connection:
        connection.request("GET", path, headers=people.owner.headers)
        answer = connection.getresponse()
        return answer, answer.read()


def is_snapshot_held(app: Flask) -> bool:
    """Whether somebody else reads from a state of the database that is past."""
    with app.app_context(), db.engine.connect() as connection:
        if db.engine.dialect.name == "postgresql":
            others = "SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()"
            return bool(connection.scalar(text(f"{others} AND datname = current_database()")))
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA busy_timeout = 0")
        busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        driver.execute("PRAGMA busy_timeout = 8000")
        return bool(busy)


def connections(app: Flask) -> int:
    with app.app_context():
        return db.engine.pool.checkedout()  # type: ignore[attr-defined]


def numbers(pieces: Any) -> list[int]:
    return [json.loads(line)["model_data"]["n"] for piece in pieces for line in piece.splitlines()]


# The verbs, in this process


def test_what_arrives_is_what_was_there_at_the_beginning(people: People, entry_id: str) -> None:
    ids = fill(people, entry_id, 3 * PIECE)
    with people.owner.app.app_context():
        stream = lines(people.owner.actor, Wanted(entry_id=entry_id))
        first = next(stream)
        fill(people, entry_id, 10, start=START + timedelta(days=1), number_from=10_000)
        delete(people, ids[-5:])
        assert stream.reading.total.number == 3 * PIECE
        assert numbers([first, *stream]) == list(range(3 * PIECE))
        stream.close()
        again = lines(people.owner.actor, Wanted(entry_id=entry_id))
        assert again.reading.total.number == len(numbers(again)) == 3 * PIECE + 5
        again.close()


def test_who_reads_slowly_goes_on_in_a_new_snapshot(
    people: People, entry_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_reading, "SNAPSHOT_SECONDS", 0.0)
    ids = fill(people, entry_id, 3 * PIECE)
    with people.owner.app.app_context():
        stream = lines(people.owner.actor, Wanted(kind=MODEL))
    found = numbers([next(stream)])
    fill(people, entry_id, 1, start=START + timedelta(days=1), number_from=10_000, dataset="new")
    fill(people, entry_id, 1, start=START - timedelta(days=1), number_from=20_000)
    delete(people, ids[:5] + ids[-5:])
    found += numbers(stream)
    stream.close()
    assert found == [*range(3 * PIECE - 5), 10_000], "each once and in order: what was left, and what came behind"


@pytest.mark.parametrize("form", [lines, csv_lines])
@pytest.mark.parametrize("taken", [0, 1, 2])
def test_who_leaves_gives_the_connection_back(people: People, entry_id: str, form: Any, taken: int) -> None:
    app = people.owner.app
    fill(people, entry_id, 3 * PIECE)
    with app.app_context():
        actor = people.owner.actor
        db.session.rollback()
        stream = form(actor, Wanted(entry_id=entry_id))
        assert connections(app) == 1
        for _ in range(taken):
            next(stream)
        assert is_snapshot_held(app)
        stream.close()
        assert connections(app) == 0
        assert not is_snapshot_held(app)


def test_more_readers_than_snapshots_hold_nothing(
    people: People, entry_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = people.owner.app
    with app.app_context():
        monkeypatch.setattr(db.engine.pool, "long_stays", threading.BoundedSemaphore(2))
    fill(people, entry_id, 3 * PIECE)
    with app.app_context():
        actor = people.owner.actor
        streams = [lines(actor, Wanted(entry_id=entry_id)) for _ in range(5)]
    assert connections(app) == 2
    found = [[next(stream), next(stream)] for stream in streams]
    assert connections(app) == 2
    for stream, pieces in zip(streams, found, strict=True):
        assert numbers([*pieces, *stream]) == list(range(3 * PIECE))
        stream.close()
    assert connections(app) == 0
    with app.app_context():
        whole = lines(actor, Wanted(entry_id=entry_id))
        assert connections(app) == 1, "turns come back"
        whole.close()


@pytest.mark.parametrize("limit", [1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 1])
def test_a_limit_is_kept_over_pieces_and_snapshots(
    people: People, entry_id: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fill(people, entry_id, 2 * PIECE)
    expected = list(range(2 * PIECE))[:limit]
    with people.owner.app.app_context():
        for seconds in (10.0, 0.0):
            monkeypatch.setattr(record_reading, "SNAPSHOT_SECONDS", seconds)
            stream = lines(people.owner.actor, Wanted(entry_id=entry_id), limit=limit)
            assert numbers(stream) == expected
            assert stream.reading.after == (ids[limit - 1] if limit < 2 * PIECE else None)
            stream.close()
            newest = lines(people.owner.actor, Wanted(entry_id=entry_id), limit=limit, newest=True)
            assert numbers(newest) == list(range(2 * PIECE))[::-1][:limit]
            newest.close()


def test_many_are_walked_to_and_few_are_fetched_alike(
    people: People, entry_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(people, entry_id, 20)
    fill(people, entry_id, 10, start=START + timedelta(milliseconds=500), number_from=100, site="Morris")
    wanted = Wanted(kind=MODEL, sites=("morris",), start=START + timedelta(seconds=2), end=START + timedelta(seconds=8))
    with people.owner.app.app_context():
        for most in (1000, 0):
            monkeypatch.setattr(record_reading, "MOST_SORTED", most)
            stream = lines(people.owner.actor, wanted)
            assert numbers(stream) == [102, 103, 104, 105, 106, 107]
            stream.close()


# Over the wire

LONG = 5 * PIECE
BALLAST = "x" * 4000  # so that no socket's buffers hold the whole


def test_a_stream_is_whole_and_says_so(served: Served, people: People, entry_id: str) -> None:
    fill(people, entry_id, LONG, ballast=BALLAST)
    answer, body = ask(served, people, f"/api/models/id/{entry_id}/records")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.headers["X-Total-Count"] == str(LONG)
    assert "Content-Encoding" not in answer.headers
    assert numbers([body]) == list(range(LONG))


@pytest.mark.parametrize("how", ["FIN", "RST"])
def test_a_hundred_clients_that_leave_midway_leak_nothing(
    served: Served, people: People, entry_id: str, how: str
) -> None:
    app, path = people.owner.app, "/api/models/records"
    fill(people, entry_id, LONG, ballast=BALLAST)
    ask(served, people, path)
    for number in range(100):
        call = Call(served, people, path)
        if number % 3:
            call.read(number * 1000)
        call.leave(how)
    deadline = time.monotonic() + 10
    while is_snapshot_held(app):
        assert time.monotonic() < deadline, "a query goes on for nobody"
        time.sleep(0.1)
    answer, body = ask(served, people, path)
    assert len(body.splitlines()) == LONG == int(answer.headers["X-Total-Count"])
    assert "Traceback" not in served.log.read_text()


def test_readers_that_do_not_read_leave_the_portal_to_others(served: Served, people: People, entry_id: str) -> None:
    fill(people, entry_id, LONG, ballast=BALLAST)
    slow = [Call(served, people, "/api/models/records") for _ in range(120)]  # a pool has 48 connections at most
    for call in slow:
        assert call.read(12) == b"HTTP/1.1 200"
    for _ in range(20):
        began = time.monotonic()
        answer, body = ask(served, people, "/api/models/records?limit=1")
        assert (answer.status, len(body.splitlines())) == (200, 1)
        assert time.monotonic() - began < 5
    for call in slow:
        call.leave("RST")


def test_a_stream_that_fails_is_seen_to_be_cut(served: Served, people: People, entry_id: str) -> None:
    """What has arrived must not look like all of it."""
    app, ids = people.owner.app, fill(people, entry_id, LONG, ballast=BALLAST)
    is_sqlite = served.environ["PORTAL_DATABASE_URL"].startswith("sqlite")
    if is_sqlite:
        damage(app, ids[-2])
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)) as connection:
        connection.request("GET", "/api/models/records", headers=people.owner.headers)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["X-Total-Count"]) == (200, str(LONG))
        assert answer.read(1000)
        if not is_sqlite:
            end_sessions(app)
        with pytest.raises(http.client.IncompleteRead):
            answer.read()
    assert ask(served, people, "/api/models/records?limit=1")[0].status == 200, "the next one is served again"


def damage(app: Flask, record_id: str) -> None:
    """Bytes that are no text."""
    with in_transaction(app):
        spoilt = text("UPDATE record SET data = CAST(X'7BFF7D' AS TEXT) WHERE id = :id")
        db.session.execute(spoilt, {"id": record_id})


def end_sessions(app: Flask) -> None:
    """As the end of the database server would."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with app.app_context():
        db.session.execute(text(f"{others} AND datname = current_database()"))
