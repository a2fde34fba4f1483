"""The server is killed in the middle of an upload and started again; nothing acknowledged is asked for again.

The suite kills a few times. `PORTAL_TEST_KILLS=500 pytest tests/api/test_upload_killed.py` kills 500 on each database.
"""

import os
import random
import threading
import time
from contextlib import suppress
from datetime import timedelta
from http.client import HTTPException

from portal.uploads import sweep
from tests import make
from tests.api.sending import Sending
from tests.api.wire import Wire, is_held
from tests.people import People
from tests.served import Served, served

__all__ = ["served"]

KILLS = int(os.environ.get("PORTAL_TEST_KILLS", "4"))
CHUNK, COUNT = 20_000, 60


class Client(threading.Thread):
    """Sends what is missing, then commits; until the server goes away. Keeps its own book of what was acknowledged."""

    def __init__(self, served: Served, sending: Sending, missing: list[int]) -> None:
        super().__init__()
        self.wire = Wire(served, sending.begun["token"])
        self.sending, self.missing = sending, missing
        self.acknowledged: set[int] = set()
        self.version: int | None = None

    def run(self) -> None:
        with suppress(OSError, HTTPException):
            for idx in self.missing:
                assert self.wire.put(idx, self.sending.piece(idx)) == 200
                self.acknowledged.add(idx)
            answer = self.wire.commit()
            assert answer.status == 200
            self.version = answer.json["version"]
        self.wire.close()


def test_an_upload_survives_the_death_of_its_server(served: Served, people: People) -> None:
    data, number, kills = random.randbytes(CHUNK * COUNT - 7), 0, 0
    entry_id = make.entry(people.owner)
    while kills < KILLS:
        declared = random.random() < 0.5
        number += 1
        sending = Sending(people.owner, data, CHUNK, declared=declared, model_name=None, model_id=entry_id)
        acknowledged: set[int] = set()
        missing = random.sample(range(COUNT), COUNT)
        while True:
            client = Client(served, sending, missing)
            client.start()
            if kills < KILLS:
                time.sleep(random.uniform(0, 0.4))
                served.kill()
                kills += 1
                client.join()
                served.start()
            else:
                client.join()
            acknowledged |= client.acknowledged
            wire = Wire(served, sending.begun["token"])
            progress = wire.progress()
            wire.close()
            if client.version is not None:
                assert client.version == number
            if progress["status"] == "done":
                break
            assert all(is_held(progress, idx) for idx in acknowledged), "what was acknowledged is there"
            missing = [idx for idx in missing if not is_held(progress, idx)]
        assert make.sha256(sending.download(query=f"?version={number}").data) == make.sha256(data)
    with people.owner.app.app_context():
        sweep.reap(timedelta(0))
    store = people.owner.app.extensions["storage"]
    assert list(store.list_uploads()) == []
    assert len(list(store.list_keys())) == number


def test_a_beginning_that_was_killed_leaves_nothing_after_one_sweep(served: Served, people: People) -> None:
    for _ in range(max(2, KILLS // 4)):
        wire = Wire(served, "", "model")
        wire.headers = {**people.owner.headers, "Content-Type": "application/json"}
        begun: list[str] = []

        def begin(wire: Wire = wire, begun: list[str] = begun) -> None:
            with suppress(OSError, HTTPException):
                while True:
                    body = b'{"model_name": "%d", "size": 1000000, "chunk_size": 100000}' % random.getrandbits(60)
                    begun.append(wire.ask("POST", "", body).json["upload_id"])

        thread = threading.Thread(target=begin)
        thread.start()
        time.sleep(random.uniform(0.02, 0.3))
        served.kill()
        thread.join()
        served.start()
    with people.owner.app.app_context():
        sweep.reap(timedelta(0))
    listed = {staged.upload_id for staged in people.owner.app.extensions["storage"].list_uploads()}
    assert listed >= set(begun)
    for upload_id in listed:
        assert people.owner.api.get(f"/api/v2/model/upload?upload_id={upload_id}").json["status"] == "open"
