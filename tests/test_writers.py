"""Thirty-two who write at once: nobody is refused because of another, and all that was acknowledged is there.

PORTAL_TEST_WRITER_SECONDS says for how long, a few seconds unless told; `-s` shows the figures.
"""

import http.client
import json
import os
import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal.domain.teams import Membership
from portal.domain.versions import Version
from portal.extensions import db
from tests import make
from tests.command import environ_of, portal
from tests.people import People, in_transaction, make_user
from tests.served import Served, served

__all__ = ["served"]

WRITERS = 32
SECONDS = float(os.environ.get("PORTAL_TEST_WRITER_SECONDS", "6"))


@dataclass
class Ledger:
    """What the portal said that it keeps."""

    records: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    raced: Counter[int] = field(default_factory=Counter)
    versions: list[tuple[int, str]] = field(default_factory=list)
    counter: int = 0
    is_member: bool = False
    seconds: list[tuple[str, float]] = field(default_factory=list)
    """Of each request, with what it was about."""
    refused: list[tuple[int, str, str]] = field(default_factory=list)


@dataclass
class Place:
    """Where all of them write."""

    people: People
    port: int
    shared_id: str
    began: float = field(default_factory=time.monotonic)


class Writer(threading.Thread):
    """One client with a connection of its own: its entry, its member of the team, and what all of them share."""

    def __init__(self, number: int, place: Place, member_id: str) -> None:
        super().__init__()
        self.number, self.place, self.member_id = number, place, member_id
        self.entry_id = make.entry(place.people.owner, f"of writer {number}")
        self.ledger = Ledger()
        self.turn = 0
        self.trouble: BaseException | None = None

    def run(self) -> None:
        doings: list[Callable[[], None]] = [self.add, self.add, self.edit, self.edit, self.team, self.upload]
        doings += [self.race, self.delete]
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self.place.port, timeout=60)) as self.connection:
                while time.monotonic() < self.place.began + SECONDS:
                    self.turn += 1
                    doing = random.choice(doings)
                    self.doing = doing.__name__
                    doing()
        except BaseException as trouble:
            self.trouble = trouble

    def call(self, method: str, path: str, body: Any = None, *, allowed: tuple[int, ...] = (), **headers: str) -> Any:
        """The answer's status and JSON."""
        its = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        person = self.place.people.admin if "/team/" in path else self.place.people.owner
        given = {**person.headers, "Content-Type": kind, **headers}
        began = time.monotonic()
        self.connection.request(method, path, its, given)
        answer = self.connection.getresponse()
        said = answer.read()
        self.ledger.seconds.append((self.doing, time.monotonic() - began))
        if answer.status != 200 and answer.status not in allowed:
            self.ledger.refused.append((answer.status, f"{method} {path}", said.decode()[:300]))
        return answer.status, json.loads(said)

    def record(self, entry_id: str, site: str) -> Any:
        record = {"model_data": {"turn": self.turn}, "site_name": site, "timestamp": "2026-11-21T12:00:00Z"}
        return self.call("POST", f"/api/models/id/{entry_id}/records", record, allowed=(409,))

    def add(self) -> None:
        """To the entry that all of them add to, at a place of its own."""
        status, said = self.record(self.place.shared_id, f"{self.number} {self.turn}")
        if status == 200:
            self.ledger.records.add(said["id"])

    def race(self) -> None:
        """For a record that the others want, too: one of them has it."""
        tenth = int((time.monotonic() - self.place.began) * 10)
        status, said = self.record(self.place.shared_id, f"tenth {tenth}")
        self.ledger.raced[status] += 1
        if status == 200:
            self.ledger.records.add(said["id"])

    def delete(self) -> None:
        if self.ledger.records:
            record_id = self.ledger.records.pop()
            if self.call("DELETE", f"/api/models/records/id/{record_id}")[0] == 200:
                self.ledger.deleted.add(record_id)

    def edit(self) -> None:
        said = {"model_info": {"counter": self.ledger.counter + 1}}
        if self.call("PATCH", f"/api/models/id/{self.entry_id}", said)[0] == 200:
            self.ledger.counter += 1

    def team(self) -> None:
        path = f"/api/v2/team/{self.place.people.team_id}/users/{self.member_id}"
        if self.call("DELETE" if self.ledger.is_member else "POST", path)[0] == 200:
            self.ledger.is_member = not self.ledger.is_member

    def upload(self) -> None:
        """A version of the entry that all of them share, in two chunks."""
        data = os.urandom(2000)
        declared = {"model_id": self.place.shared_id, "size": 2000, "chunk_size": 1000, "file_name": "small.bin"}
        status, begun = self.call("POST", "/api/v2/model/upload", declared)
        if status == 200:
            bearer = f"Bearer {begun['token']}"
            self.doing = "upload: a chunk"
            for index in (1, 0):
                piece = data[1000 * index : 1000 * index + 1000]
                self.call("POST", f"/api/v2/model/upload/{index}", piece, Authorization=bearer)
            self.doing = "upload: commit"
            status, done = self.call("POST", "/api/v2/model/upload/commit", b"", Authorization=bearer)
            if status == 200:
                self.ledger.versions.append((done["version"], done["sha256"]))


@pytest.mark.slow
def test_thirty_two_writers(app: Flask, people: People, served: Served, tmp_path: Path) -> None:
    with in_transaction(app):
        members = [make_user(f"member {number}") for number in range(WRITERS)]
    _ = people.owner.headers, people.admin.headers
    place = Place(people, served.port, make.entry(people.owner, "shared"))
    writers = [Writer(number, place, member) for number, member in enumerate(members)]
    place.began = time.monotonic()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.trouble for writer in writers if writer.trouble] == []
    ledgers = [writer.ledger for writer in writers]
    p99 = show([each for ledger in ledgers for each in ledger.seconds])
    assert [refused for ledger in ledgers for refused in ledger.refused] == []
    assert p99 < 10, "whoever waits longer was forgotten; the figure that counts is measured on a quiet machine"
    require_all_kept(app, place, writers)
    checked = portal(environ_of(app), "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def show(seconds: list[tuple[str, float]]) -> float:
    """Prints the figures, of all and of each kind of request; p99 of all in seconds."""
    found = []
    for doing in ("", *sorted({doing for doing, _ in seconds})):
        some = [each for its, each in seconds if doing in ("", its)]
        p99 = statistics.quantiles(some, n=100)[98] if len(some) > 1 else some[0]
        found.append(p99)
        figures = f"p50 {statistics.median(some):.3f} s, p99 {p99:.3f} s, slowest {max(some):.3f} s"
        print(f"\n{doing or 'all'}: {len(some)} requests, {len(some) / SECONDS:.0f} a second, {figures}")  # noqa: T201
    return found[0]


def require_all_kept(app: Flask, place: Place, writers: list[Writer]) -> None:
    ledgers = [writer.ledger for writer in writers]
    with app.app_context():
        there = {str(each) for each in db.session.scalars(text("SELECT id FROM record"))}
        assert there == set().union(*(ledger.records for ledger in ledgers))
        assert not there & set().union(*(ledger.deleted for ledger in ledgers))
        rows = db.session.execute(select(Version.number, Version.sha256).order_by(Version.number)).all()
        said = sorted(version for ledger in ledgers for version in ledger.versions)
        assert [tuple(row) for row in rows] == said
        assert [number for number, _ in said] == list(range(1, len(said) + 1))
        in_team = set(db.session.scalars(select(Membership.user_id).where(Membership.team_id == place.people.team_id)))
        for writer in writers:
            assert (writer.member_id in in_team) == writer.ledger.is_member
    for writer in writers:
        found = place.people.owner.api.get(f"/api/models/id/{writer.entry_id}").json
        assert found["model_info"].get("counter", 0) == writer.ledger.counter
    facets = place.people.owner.api.get("/api/models/records/facets").json
    assert facets["total"] == len(there)
