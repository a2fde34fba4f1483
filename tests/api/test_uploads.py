"""The chunked upload as a program sees it: beginning, how far it is, going on, giving up."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from portal.domain.kinds import MODEL, SCRIPT, Kind
from portal.storage.keys import version_key
from portal.uploads import sweep
from tests import make
from tests.api.sending import Sending
from tests.people import People
from tests.stored import file_bytes

DATA = bytes(range(256)) * 40
HUGE = 2**62
UNACCEPTABLE = [
    ({}, 422),
    ({"model_name": ""}, 422),
    ({"model_name": 7}, 422),
    ({"model_name": "a", "model_id": str(uuid4())}, 422),
    ({"model_name": "a", "colour": "red"}, 422),
    ({"script_name": "a"}, 422),
    ({"model_name": "a", "size": -1}, 422),
    ({"model_name": "a", "size": "10"}, 422),
    ({"model_name": "a", "size": 1.5}, 422),
    ({"model_name": "a", "size": True}, 422),
    ({"model_name": "a", "size": 2**63}, 422),
    ({"model_name": "a", "size": 10**400}, 400),
    ({"model_name": "a", "size": HUGE, "chunk_size": 2**20}, 422),  # too many chunks
    ({"model_name": "a", "size": 10**7, "chunk_size": 1}, 422),
    ({"model_name": "a", "size": 10, "chunk_size": 0}, 422),
    ({"model_name": "a", "size": 10, "chunk_size": 2**40}, 413),
    ({"model_name": "a", "sha256": "abc"}, 422),
    ({"model_name": "a", "sha256": "é" * 64}, 422),
    ({"model_name": "a", "attributes": {"a": 1}}, 422),
    ({"model_name": "a", "attributes": ["a"]}, 422),
    ({"model_name": "a", "dependencies": [str(uuid4())]}, 422),
    ({"model_name": "a", "dependencies": ["x"]}, 422),
    ({"model_name": "a", "dependencies": [7]}, 422),
    ({"model_name": "a", "description": "x" * 65_537}, 422),
    ({"model_id": str(uuid4())}, 404),
    ({"model_id": "not-a-uuid"}, 404),
    ({"model_id": "{" + str(uuid4()) + "}"}, 404),
    ({"model_id": 7}, 422),
    ({"model_name": "a", "size": HUGE}, 507),
]


def test_declared_chunks_in_any_order_become_version_one(people: People, kind: Kind) -> None:
    sending = Sending(people.owner, DATA, 4096, word=kind.word)
    assert sending.entry().json["train_status"] == "in_progress"
    for idx in (2, 0, 1):
        answer = sending.put(idx)
        assert (answer.status_code, answer.json) == (200, {})
    assert sending.download().status_code == 422
    done = sending.commit()
    expected = {"version": 1, "size": len(DATA), "sha256": make.sha256(DATA)}
    assert done.json == {f"{kind.word}_id": sending.entry_id, f"{kind.word}_type": "", **expected}
    assert sending.entry().json.items() >= {**expected, "train_status": "complete"}.items()
    assert sending.download().data == DATA
    assert sending.download(people.stranger).status_code == 404


def test_the_seeds_client_needs_no_more_than_name_type_and_raw_bytes(people: People) -> None:
    begun = people.owner.api.post("/api/v2/model/upload", json={"model_name": "wheat", "model_type": "ndb"}).json
    assert begun.keys() == {"token", "upload_id", "model_id", "chunk_size", "expires_at"}
    headers = {"Authorization": f"Bearer {begun['token']}"}
    for idx, chunk in ((1, b"b"), (0, b"aa"), (2, b"c")):
        assert people.anonymous.api.post(f"/api/v2/model/upload/{idx}", data=chunk, headers=headers).json == {}
    done = people.anonymous.api.post("/api/v2/model/upload/commit", headers=headers).json
    assert (done["model_id"], done["model_type"], done["size"]) == (begun["model_id"], "ndb", 4)
    assert people.owner.api.get(f"/api/v2/model/{begun['model_id']}/download").data == b"aabc"


def test_everything_that_may_be_said_at_the_beginning_is_kept(people: People) -> None:
    base = make.entry(people.owner, "base")
    sending = Sending(
        people.owner, DATA, 4096, model_name="wheat", model_type="ndb", file_name="../w.bin", sha256=make.sha256(DATA),
        description="Yields.", attributes={"crop": "wheat"}, dependencies=[base.upper()],
    )  # fmt: skip
    sending.put_all().commit()
    entry = sending.entry().json
    assert (entry["type"], entry["attributes"]) == ("ndb", {"crop": "wheat"})
    assert [other["model_id"] for other in entry["dependencies"]] == [base]
    assert 'filename="w.bin"' in sending.download().headers["Content-Disposition"]


def test_an_unacceptable_beginning_leaves_no_trace(people: People, subtests: pytest.Subtests) -> None:
    for body, status in UNACCEPTABLE:
        with subtests.test(str(body)[:80]):
            answer = people.owner.api.post("/api/v2/model/upload", json=body)
            assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.json
    assert people.owner.api.get("/api/v2/model/list").json == []
    assert list(people.owner.app.extensions["storage"].list_uploads()) == []


def test_complaints_name_the_fields_that_the_client_sent(people: People, kind: Kind) -> None:
    answer = people.owner.api.post(f"/api/v2/{kind.word}/upload", json={f"{kind.word}_name": "\x1b"})
    assert [error["field"] for error in answer.json["errors"]] == [f"{kind.word}_name"]


def test_a_name_that_the_caller_uses_is_409_and_anybody_elses_is_free(people: People) -> None:
    make.entry(people.owner, "Wheat")
    assert people.owner.api.post("/api/v2/model/upload", json={"model_name": " wheat "}).status_code == 409
    assert people.reader.api.post("/api/v2/model/upload", json={"model_name": "Wheat"}).status_code == 200
    assert people.owner.api.post("/api/v2/script/upload", json={"script_name": "Wheat"}).status_code == 200


def test_progress_says_what_is_held_and_what_is_over(people: People, kind: Kind) -> None:
    sending = Sending(people.owner, DATA, 1024, word=kind.word)
    for idx in (0, 1, 4, 9, 8):
        sending.put(idx)
    progress = sending.progress()
    assert (
        progress.items()
        >= {
            "upload_id": sending.id,
            f"{kind.word}_id": sending.entry_id,
            "status": "open",
            "size": len(DATA),
            "chunk_size": 1024,
            "received": [[0, 1], [4, 4], [8, 9]],
            "bytes_received": 5 * 1024,
        }.items()
    )
    assert timedelta(days=6.9) < datetime.fromisoformat(progress["expires_at"]) - datetime.now(UTC) < timedelta(days=7)
    by_id = people.owner.api.get(f"{sending.path}?upload_id={sending.id}")
    assert by_id.json == progress
    sending.put_all().commit()
    assert sending.progress().items() >= {"status": "done", "bytes_received": len(DATA)}.items()
    over = Sending(people.owner, DATA, 1024, word=kind.word).put_all()
    over.abort()
    assert over.progress().items() >= {"status": "aborted", "received": [], "bytes_received": 0}.items()


def test_an_undeclared_upload_says_how_much_it_became(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096, declared=False).put_all()
    assert sending.progress().items() >= {"size": None, "bytes_received": len(DATA), "received": [[0, 2]]}.items()
    sending.commit()
    assert sending.progress()["bytes_received"] == len(DATA)


def test_an_id_of_no_upload_is_404(people: People, subtests: pytest.Subtests) -> None:
    sending = Sending(people.owner, DATA, 4096)
    braced, urn = f"{{{sending.id}}}", f"urn:uuid:{sending.id}"
    for upload_id in ("x", "", "-" * 36, "\x7f", "\x00", str(uuid4()), sending.entry_id, braced, urn):
        with subtests.test(upload_id):
            for ask in (people.owner.api.get, people.owner.api.delete):
                assert ask(sending.path, query_string={"upload_id": upload_id}).status_code == 404
            answer = people.owner.api.post(f"{sending.path}/token", json={"upload_id": upload_id})
            assert answer.status_code == (422 if upload_id == "\x00" else 404)
    assert people.owner.api.get(f"/api/v2/model/upload?upload_id={sending.id.upper()}").status_code == 200
    assert people.owner.api.get(f"/api/v2/script/upload?upload_id={sending.id}").status_code == 404


def test_a_fresh_token_goes_on_where_the_lost_one_stopped(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096).put_all(1)
    renewed = people.owner.api.post("/api/v2/model/upload/token", json={"upload_id": sending.id})
    assert renewed.status_code == 200
    assert renewed.json["token"] != sending.begun["token"]
    assert {**renewed.json, "token": ""} == {**sending.begun, "token": ""}
    sending.headers = {"X-API-TOKEN": renewed.json["token"]}
    assert sending.progress()["received"] == [[0, 0], [2, 2]]
    sending.put(1)
    assert sending.commit().status_code == 200
    late = people.owner.api.post("/api/v2/model/upload/token", json={"upload_id": sending.id})
    assert late.status_code == 409


def test_abort_leaves_nothing_behind(people: People, kind: Kind) -> None:
    sending = Sending(people.owner, DATA, 4096, word=kind.word).put_all()
    assert (answer := sending.abort()).status_code == 200
    assert answer.json == {}
    assert sending.entry().status_code == 404
    assert list(people.owner.app.extensions["storage"].list_uploads()) == []
    for again in (sending.put(0), sending.commit(), sending.abort()):
        assert again.status_code == 410
    renewed = people.owner.api.post(f"{sending.path}/token", json={"upload_id": sending.id})
    assert renewed.status_code == 410
    Sending(people.owner, DATA, 4096, word=kind.word)


def test_abort_keeps_an_entry_to_which_something_was_added(people: People) -> None:
    def changed(field: str, value: object) -> Sending:
        sending = Sending(people.owner, DATA, 4096)
        answer = people.owner.api.patch(f"/api/models/id/{sending.entry_id}", json={field: value})
        assert answer.status_code == 200, answer.json
        return sending

    used = Sending(people.owner, DATA, 4096)
    with_version = Sending(people.owner, DATA, 4096)
    make.version(people.owner, with_version.entry_id)
    kept = [
        changed("model_url", "https://example.org/m"),
        changed("model_info", {"a": 1}),
        changed("experiment_name", "Trial"),
        with_version,
    ]
    for sending in kept:
        assert sending.abort().status_code == 200
        assert sending.entry().status_code == 200
    assert kept[0].entry().json["train_status"] == "not_started"
    second = Sending(people.owner, DATA, 4096, model_name=None, model_id=used.entry_id)
    assert used.abort().status_code == 200
    assert used.entry().json["train_status"] == "in_progress"
    assert second.abort().status_code == 200
    assert used.entry().status_code == 404


def test_an_upload_that_expired_is_410_and_once_forgotten_401(people: People) -> None:
    def reap() -> None:
        with people.owner.app.app_context():
            sweep.reap(timedelta(0))

    sending = Sending(people.owner, DATA, 4096).put_all()
    sending.age(6.9)
    reap()
    assert sending.put(0).status_code == 200, "every chunk gives it seven more days"
    sending.age(6.9)
    assert sending.progress()["status"] == "open"
    sending.age(0.2)
    for swept in (False, True):
        assert sending.progress()["status"] == "expired"
        for again in (sending.put(0), sending.commit(), sending.abort()):
            assert again.status_code == 410
        assert (sending.entry().status_code == 404) is swept
        reap()
    assert list(people.owner.app.extensions["storage"].list_uploads()) == []
    sending.age(8)
    reap()
    for again in (sending.put(0), sending.commit(), sending.abort(), sending.ask("GET")):
        assert again.status_code == 401


def test_a_commit_can_be_asked_for_again_for_days(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096).put_all()
    done = sending.commit().json
    sending.age(6.9)
    assert sending.commit().json == done


def test_twins_do_not_take_each_others_tokens(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096, word=MODEL.word)
    sending.path = sending.path.replace(MODEL.word, SCRIPT.word)
    for answer in (sending.put(0), sending.commit(), sending.abort(), sending.ask("GET")):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"]


def test_a_published_file_lies_under_a_key_of_ours(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096, file_name="../../etc/passwd", model_name="../../x").put_all()
    sending.commit()
    with people.owner.app.app_context():
        version = make.stored_version(sending.entry_id)
        assert file_bytes(people.owner.app.extensions["storage"], version_key(UUID(version.id))) == DATA
    assert version.file_name == "passwd"
