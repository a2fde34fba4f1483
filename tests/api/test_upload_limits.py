"""How much may come: PORTAL_MAX_FILE_SIZE, PORTAL_MAX_CHUNK_SIZE, PORTAL_UPLOAD_TTL, and a full disk."""

import io
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from tests import make
from tests.api.sending import Sending
from tests.people import People, make_people

DATA = bytes(range(256)) * 40


def test_no_file_grows_past_the_largest_size_however_it_arrives(make_app: Callable[..., Flask]) -> None:
    people = make_people(make_app(max_file_size=10_000))
    begin = people.owner.api.post("/api/v2/model/upload", json={"model_name": "a", "size": 10_001})
    assert (begin.status_code, begin.content_type) == (413, "application/problem+json")
    sending = Sending(people.owner, DATA, 4096, declared=False).put_all(2)
    assert sending.put(2).status_code == 413
    assert sending.put(2, b"x" * (10_000 - 8192)).status_code == 200
    assert sending.put(2, b"x" * (10_001 - 8192)).status_code == 413
    assert sending.put(0, sending.piece(0)).status_code == 200
    assert sending.put(0, b"").status_code == 200
    assert sending.put(3, b"x").status_code == 200
    assert sending.commit().json["size"] == 10_000 - 4096 + 1
    exact = Sending(people.owner, DATA[:10_000], 5000).put_all()
    assert exact.commit().json["size"] == 10_000


def test_parallel_chunks_that_pass_the_largest_size_together_are_no_file(make_app: Callable[..., Flask]) -> None:
    people = make_people(make_app(max_file_size=10_000))
    sending = Sending(people.owner, DATA, 4096, declared=False)
    store = people.owner.app.extensions["storage"]
    for idx in range(3):  # as if all had been let in at once
        store.put_chunk(sending.id, idx, len(sending.piece(idx)), io.BytesIO(sending.piece(idx)))
    assert sending.commit().status_code == 413
    assert sending.progress()["status"] == "open"
    assert sending.put(2, b"x").status_code == 200
    assert sending.commit().json["size"] == 8193


def test_a_chunk_takes_at_most_the_largest_chunk_size(make_app: Callable[..., Flask]) -> None:
    people = make_people(make_app(max_chunk_size=4096))
    begun = Sending(people.owner, DATA, 5000, declared=False, size=len(DATA))
    assert begun.begun["chunk_size"] == 4096
    assert begun.put(0).status_code == 413
    answer = people.owner.api.post("/api/v2/model/upload", json={"model_name": "b", "size": 9, "chunk_size": 4097})
    assert answer.status_code == 413
    sending = Sending(people.owner, DATA, 4096).put_all()
    assert sending.put(0, b"x", length=2**40).status_code == 413
    assert sending.commit().json["sha256"] == make.sha256(DATA)


def test_the_suggested_chunk_size_leaves_no_file_with_more_than_ten_thousand_chunks(
    make_app: Callable[..., Flask],
) -> None:
    people = make_people(make_app(max_chunk_size=2**30))

    def suggested(size: int | None) -> int:
        body = {"model_name": f"{size}", "size": size}
        return people.owner.api.post("/api/v2/model/upload", json=body).json["chunk_size"]

    assert suggested(None) == suggested(0) == suggested(2**20) == 2**23
    with people.owner.app.app_context():
        from portal.uploads.machine import chunk_size_for
        from portal.uploads.session import Upload

        assert chunk_size_for(Upload(size=2**40)) == -(-(2**40) // 10_000)
        assert chunk_size_for(Upload(size=2**62)) == 2**30


def test_an_upload_lives_as_long_as_it_is_told_to_from_its_last_chunk(make_app: Callable[..., Flask]) -> None:
    people = make_people(make_app(upload_ttl=timedelta(seconds=2)))
    sending = Sending(people.owner, DATA, 4096)
    for idx in (0, 1, 2):
        time.sleep(0.9)
        assert sending.put(idx).status_code == 200
    time.sleep(2.2)
    assert sending.put(0).status_code == 410
    assert sending.commit().status_code == 410
    assert sending.progress()["status"] == "expired"


@pytest.mark.disk
def test_a_full_disk_is_507_and_what_was_acknowledged_stays(people: People) -> None:
    free = people.owner.app.extensions["storage"].free_space()
    sending = Sending(people.owner, DATA, 4096).put_all(2)
    too_large = people.owner.api.post("/api/v2/model/upload", json={"model_name": "a", "size": free * 2})
    assert (too_large.status_code, too_large.json["title"]) == (507, "No space left")
    assert people.owner.api.post("/api/v2/model/upload", json={"model_name": "a", "size": 1}).status_code == 200
    sending.put(2)
    assert sending.commit().json["sha256"] == make.sha256(DATA)
