"""Two servers over one PostgreSQL and one bucket, killed in turn while people upload to both.

The suite kills twenty times. `PORTAL_TEST_KILLS=1000 pytest tests/test_two_servers.py` kills a thousand.
"""

import hashlib
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from http.client import HTTPException
from pathlib import Path

import pytest
from flask import Flask

from portal.uploads import sweep
from tests import make, stored
from tests.api.wire import Wire, is_held
from tests.people import People, Person, make_people
from tests.served import Served

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

KILLS = int(os.environ.get("PORTAL_TEST_KILLS", "20"))
SHAPES = [(20_000, 25), (5 << 20, 2)]  # chunk, number: of the first we make parts, of the second the store
PEOPLE = 3


@pytest.fixture
def app(make_app: Callable[..., Flask], tmp_path: Path) -> Flask:
    return make_app(**stored.bucket_settings(tmp_path))


@pytest.fixture
def people(app: Flask) -> People:
    return make_people(app)


@pytest.fixture
def servers(app: Flask, tmp_path: Path) -> Iterator[list[Served]]:
    servers = [Served(app, tmp_path / f"server-{number}.log") for number in (1, 2)]
    yield servers
    for server in servers:
        if server.process.poll() is None:
            server.kill()


class Uploader(threading.Thread):
    """Uploads one file after the other, each chunk to either server, and keeps book of what was acknowledged."""

    def __init__(self, owner: Person, entry_id: str, servers: list[Served], enough: threading.Event) -> None:
        super().__init__()
        self.owner, self.entry_id, self.servers, self.enough = owner, entry_id, servers, enough
        self.versions: dict[int, str] = {}
        self.complaints: list[str] = []

    def run(self) -> None:
        try:
            while not self.enough.is_set():
                self.upload()
        except Exception as error:
            self.complaints.append(repr(error))

    def upload(self) -> None:
        chunk, count = random.choice(SHAPES)
        data = random.randbytes(chunk * count - 7)
        begun = make.begin(self.owner, data, chunk_size=chunk, model_name=None, model_id=self.entry_id)
        acknowledged: set[int] = set()
        for idx in random.sample(range(count), count):
            piece = data[idx * chunk : (idx + 1) * chunk]
            assert self.insist(begun["token"], lambda wire, idx=idx, piece=piece: wire.put(idx, piece)) == 200
            acknowledged.add(idx)
            if random.random() < 0.1:
                progress = self.insist(begun["token"], Wire.progress)
                lost = [each for each in acknowledged if not is_held(progress, each)]
                if lost:
                    self.complaints.append(f"acknowledged and not there: {lost}")
        made = self.insist(begun["token"], Wire.commit)
        assert made.status == 200, made.json
        self.versions[made.json["version"]] = hashlib.sha256(data).hexdigest()

    def insist(self, token: str, ask: Callable[[Wire], object]) -> object:
        """Asks one of the servers, and the other one when that has just been killed, until there is an answer."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            wire = Wire(random.choice(self.servers), token)
            with suppress(OSError, HTTPException), closing(wire):
                answer = ask(wire)
                if not is_busy(answer):
                    return answer
            time.sleep(0.05)
        raise AssertionError("neither server answers")


def is_busy(answer: object) -> bool:
    """503: what the killed server held in the database is not free yet."""
    return 503 in (answer, getattr(answer, "status", 0), answer.get("status") if isinstance(answer, dict) else 0)


def fetched(server: Served, owner: Person, entry_id: str, number: int) -> bytes:
    return stored.fetched(f"{server.address}/api/v2/model/{entry_id}/download?version={number}", owner.headers)


def test_begun_on_one_continued_on_the_other(servers: list[Served], people: People) -> None:
    first, second = servers
    data = random.randbytes(30_000)
    begun = make.begin(people.owner, data, chunk_size=10_000)
    for idx, server in enumerate((first, second, second)):
        with closing(Wire(server, begun["token"])) as wire:
            assert wire.put(idx, data[idx * 10_000 : (idx + 1) * 10_000]) == 200
    with closing(Wire(first, begun["token"])) as wire:
        made = wire.commit()
    assert made.json["sha256"] == make.sha256(data)
    assert fetched(second, people.owner, begun["model_id"], 1) == data


@pytest.mark.slow
def test_nothing_is_lost_however_often_either_is_killed(servers: list[Served], people: People) -> None:
    enough = threading.Event()
    uploaders = [Uploader(people.owner, make.entry(people.owner, f"m{n}"), servers, enough) for n in range(PEOPLE)]
    for uploader in uploaders:
        uploader.start()
    for _ in range(KILLS):
        time.sleep(random.uniform(0, 0.6))
        victim = random.choice(servers)
        victim.kill()
        victim.start()
    enough.set()
    for uploader in uploaders:
        uploader.join()
        assert uploader.complaints == []
        numbers = sorted(uploader.versions)
        assert numbers == list(range(1, len(numbers) + 1))
        for number, sha256 in uploader.versions.items():
            assert make.sha256(fetched(servers[1], people.owner, uploader.entry_id, number)) == sha256
    with people.owner.app.app_context():
        sweep.reap(timedelta(0))
    store = people.owner.app.extensions["storage"]
    assert list(store.list_uploads()) == []
    assert len(list(store.list_keys())) == sum(len(uploader.versions) for uploader in uploaders)
