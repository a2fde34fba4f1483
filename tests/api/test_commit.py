"""The commit: missing chunks, digests, twice, at once, while it checks, after its checker died."""

import time
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import update

import portal.uploads.finish
from portal.database import now
from portal.extensions import db
from portal.storage.base import Stopped
from portal.storage.journal import _FINISHING
from portal.storage.keys import version_key
from portal.storage.locks import lock
from portal.uploads.finish import claim_check
from portal.uploads.session import LEASE, Upload
from tests import make
from tests.api.sending import Sending
from tests.people import People, in_transaction

DATA = bytes(range(256)) * 40


def test_missing_chunks_are_named(people: People) -> None:
    for declared in (True, False):
        sending = Sending(people.owner, DATA, 1000, declared=declared)
        answer = sending.commit()
        held = "0–10" if declared else "0"
        assert (answer.status_code, answer.json["detail"]) == (400, f"Chunks are missing: {held}.")
        sending.put_all(0, 3, 4, 7)
        answer = sending.commit()
        assert (answer.status_code, answer.json["detail"]) == (400, "Chunks are missing: 0, 3–4, 7.")
        assert sending.progress()["status"] == "open"
        assert sending.entry().json["train_status"] == "in_progress"
        sending.put_all()
        assert sending.commit().json["version"] == 1


def test_a_size_without_a_chunk_size_is_checked_at_the_end_and_never_passed(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096, declared=False, size=len(DATA))
    sending.put_all(2)
    answer = sending.commit()
    assert answer.status_code == 422
    assert sending.put(2, sending.piece(2) + b"!").status_code == 413
    assert sending.put(7, b"x" * 4096).status_code == 413
    assert sending.put(1, sending.piece(1)).status_code == 200, "sent again it counts once"
    sending.put(2)
    assert sending.commit().json["sha256"] == make.sha256(DATA)


def test_a_sha256_that_does_not_match_leaves_the_upload_open_for_the_right_bytes(people: People) -> None:
    for declared in (True, False):
        sending = Sending(people.owner, DATA, 4096, declared=declared, sha256=make.sha256(DATA).upper())
        sending.put_all().put(1, b"?" * 4096)
        for _ in range(2):
            answer = sending.commit()
            assert answer.status_code == 422
            assert make.sha256(DATA) in answer.json["detail"]
            assert sending.progress()["status"] == "open"
            assert sending.download().status_code == 422
        assert sending.put(1).status_code == 200
        assert sending.commit().json.items() >= {"version": 1, "sha256": make.sha256(DATA)}.items()
        assert sending.download().data == DATA


def test_a_commit_may_say_the_sha256_and_be_wrong_about_it(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096).put_all()
    for _ in range(2):
        assert sending.commit(sha256=make.sha256(b"other")).status_code == 422
    assert sending.put(0).status_code == 200
    assert sending.commit(sha256=make.sha256(b"another")).status_code == 422
    assert sending.commit(sha256=make.sha256(DATA).upper()).status_code == 200
    assert sending.commit().status_code == 200
    assert sending.commit(sha256=make.sha256(DATA)).status_code == 200
    assert sending.commit(sha256=make.sha256(b"other")).status_code == 422
    declared = Sending(people.owner, DATA, 4096, sha256=make.sha256(DATA)).put_all()
    assert declared.commit(sha256=make.sha256(b"other")).status_code == 422
    assert declared.commit().status_code == 200


def test_what_a_commit_takes(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096).put_all()
    for body, status in (({"sha256": "abc"}, 422), ({"sha256": 7}, 422), ({"sha": "abc"}, 422), ([], 422)):
        assert sending.ask("POST", "/commit", json=body).status_code == status
    assert sending.ask("POST", "/commit", data=b"{", content_type="application/json").status_code == 400
    assert sending.ask("POST", "/commit", data=b"{}", content_type="text/plain").status_code == 415
    assert sending.ask("POST", "/commit", data=b"", content_type="application/json").status_code == 200


def test_committing_again_gives_the_same_answer(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096).put_all()
    answers = [sending.commit() for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].json == answers[1].json == answers[2].json
    people.owner.api.delete(f"/api/v2/model/{sending.entry_id}")
    assert sending.commit().status_code == 410


def test_versions_are_numbered_in_the_order_of_their_commits(people: People) -> None:
    first = Sending(people.owner, b"one", 10).put_all()
    second = Sending(people.owner, b"two", 10, model_name=None, model_id=first.entry_id.upper()).put_all()
    third = Sending(people.owner, b"three", 10, model_name=None, model_id=first.entry_id).put_all()
    assert [sending.commit().json["version"] for sending in (third, first, second)] == [1, 2, 3]
    assert first.download().data == b"two"
    assert [first.download(query=f"?version={number}").data for number in (1, 2, 3)] == [b"three", b"one", b"two"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal.uploads.finish, "WAIT", 0.0)


@pytest.mark.disk
@pytest.mark.usefixtures("impatient")
def test_while_a_file_is_checked_the_answer_is_202_and_nothing_is_visible(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096).put_all()
    with staged(sending, "journal").open("r+b") as journal:
        assert lock(journal.fileno(), *_FINISHING), "as another process that works on the end of this upload"
        answer = sending.commit()
        assert (answer.status_code, answer.headers["Retry-After"]) == (202, "1")
        assert answer.json.items() >= {"status": "checking", "size": len(DATA)}.items()
        assert sending.commit().status_code == 202
        assert sending.progress().items() >= {"status": "checking", "received": [[0, 2]]}.items()
        assert sending.put(0).status_code == 409
        assert sending.abort().status_code == 409
        assert sending.download().status_code == 422
        assert sending.entry().json["train_status"] == "in_progress"
    deadline = time.monotonic() + 20
    while (answer := sending.commit()).status_code == 202:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert answer.json["version"] == 1
    assert sending.download().data == DATA


def test_whoever_asks_next_takes_over_from_a_checker_that_died(people: People, subtests: pytest.Subtests) -> None:
    store = people.owner.app.extensions["storage"]
    for after in ("claim", "assemble", "hash", "publish"):
        with subtests.test(after):
            sending = claimed(Sending(people.owner, DATA, 4096, declared=after != "assemble"))
            if after != "claim":
                store.assemble(sending.id, lambda _: None, bool)
            if after in ("hash", "publish"):
                store.hash_staged(sending.id, lambda _: None, bool)
            if after == "publish":
                store.publish(sending.id, version_key(UUID(sending.id)), make.sha256(DATA))
            assert sending.put(0).status_code == 409
            assert sending.progress()["status"] == "checking"
            end_leases(people)
            assert sending.commit().json.items() >= {"version": 1, "sha256": make.sha256(DATA)}.items()
            assert sending.download().data == DATA


def test_a_file_whose_row_could_not_be_written_is_found_by_the_next_commit(people: People) -> None:
    sending = claimed(Sending(people.owner, DATA, 4096))
    store = people.owner.app.extensions["storage"]
    store.assemble(sending.id, lambda _: None, bool)
    store.hash_staged(sending.id, lambda _: None, bool)
    store.publish(sending.id, version_key(UUID(sending.id)), make.sha256(DATA))
    with in_transaction(people.owner.app):  # what a checker does whose last transaction failed
        db.session.execute(update(Upload).values(status="open"))
    assert sending.progress()["status"] == "open"
    assert sending.put(0).status_code == 410
    assert sending.commit(sha256=make.sha256(b"other")).status_code == 422
    assert sending.commit().json.items() >= {"version": 1, "sha256": make.sha256(DATA)}.items()
    assert sending.download().data == DATA


def test_an_upload_whose_checker_died_can_be_given_up(people: People) -> None:
    sending = claimed(Sending(people.owner, DATA, 4096))
    assert sending.abort().status_code == 409
    end_leases(people)
    assert sending.abort().status_code == 200
    assert sending.commit().status_code == 410
    assert sending.entry().status_code == 404


@pytest.mark.disk
def test_a_fault_of_the_storage_is_told_as_it_is_and_the_upload_stays_open(people: People) -> None:
    sending = Sending(people.owner, b"", 1, declared=False)
    for idx in (1, 0):
        sending.put(idx, b"%d" % idx)
    staged(sending, "whole.part").mkdir()
    answer = sending.commit()
    assert (answer.status_code, answer.json["title"]) == (503, "Temporarily unavailable")
    assert sending.progress()["status"] == "open"
    staged(sending, "whole.part").rmdir()
    assert sending.put(2, b"2").status_code == 200
    assert sending.commit().json["size"] == 3
    assert sending.download().data == b"012"


def claimed(sending: Sending) -> Sending:
    """A complete upload that somebody has just begun to check."""
    sending.put_all()
    with sending.person.app.app_context():
        assert claim_check(sending.person.actor, db.session.get_one(Upload, sending.id))
    return sending


def end_leases(people: People) -> None:
    """As if nobody who was checking had given a sign of life for a while."""
    with in_transaction(people.owner.app):
        db.session.execute(update(Upload).values(checked_at=now() - LEASE - timedelta(seconds=1)))


def test_a_checker_that_was_only_thought_dead_changes_nothing_any_more(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096).put_all()
    with sending.person.app.app_context():
        first = claim_check(sending.person.actor, db.session.get_one(Upload, sending.id))
        end_leases(people)
        second = claim_check(sending.person.actor, db.session.get_one(Upload, sending.id))
        assert first
        assert second
        first._tell()
        assert (first.is_lost(), second.is_lost()) == (True, False)
        with pytest.raises(Stopped):
            portal.uploads.finish._publish(sending.person.actor, first, None)
        portal.uploads.finish._give_back(first)
        assert db.session.get_one(Upload, sending.id, populate_existing=True).state == "checking"
        portal.uploads.finish._publish(sending.person.actor, second, None)
    assert sending.commit().json["version"] == 1
    assert sending.download().data == DATA


def test_a_long_publication_is_a_sign_of_life(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several who ask for it meanwhile get told that it is being checked, and nobody begins a second check."""
    monkeypatch.setattr(portal.uploads.finish, "_TELL_EVERY", 0.05)
    store = people.owner.app.extensions["storage"]
    publish, signs = store.publish, []

    def slowly(upload_id: str, key: str, sha256: str) -> None:
        for _ in range(2):
            time.sleep(0.4)
            with people.owner.app.app_context():
                signs.append(db.session.get_one(Upload, upload_id).checked_at)
        publish(upload_id, key, sha256)

    monkeypatch.setattr(store, "publish", slowly)
    sending = Sending(people.owner, DATA, 4096).put_all()
    assert sending.commit().json["version"] == 1
    assert signs[0] < signs[1]


def staged(sending: Sending, name: str) -> Path:
    (folder,) = Path(sending.person.app.extensions["portal"].data_dir).rglob(sending.id)
    return folder / name
