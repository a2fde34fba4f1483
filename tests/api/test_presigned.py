"""Versions by presigned upload: begun, sent once to a signed address, finished."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from portal.database import new_id
from portal.domain import access
from portal.domain.entries import Entry
from portal.domain.teams import Membership
from portal.domain.users import User
from portal.extensions import db
from portal.uploads import presigned
from portal.uploads.session import Upload
from tests import make
from tests.apps import Model, app_of, model_in
from tests.people import People, in_transaction, make_people

pytestmark = pytest.mark.disk  # a bucket has addresses of its own

HIDDEN: dict[str, Any] = {  # the length, as the server has it that reads the body for us
    "headers": {"Transfer-Encoding": "chunked"},
    "environ_overrides": {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
}


@pytest.fixture
def entry_id(people: People) -> str:
    app_of(people)
    return model_in(people.owner)


@pytest.fixture
def model(people: People, entry_id: str) -> Model:
    return Model(people.owner)


def test_no_file_is_as_large_as_no_number_may_be(model: Model) -> None:
    endless = {"environ_overrides": {"CONTENT_LENGTH": str(2**63)}}

    assert model.put(model.begin(), b"weights", **endless).status_code == 413


def test_a_version_is_begun_sent_and_finished(model: Model, entry_id: str) -> None:
    begun = model.begin(description="Fitted on 2026")
    assert set(begun) == {"filepath", "model_version_id", "presigned_url"}
    sent = model.put(begun)
    assert (sent.status_code, sent.data) == (200, b"")
    version = model.finish(begun).json
    assert version == {
        "id": begun["model_version_id"],
        "version": 1,
        "name": "yield-net.zip",
        "description": "Fitted on 2026",
        "model": "yield-net",
        "filepath": begun["filepath"],
        "size": 7,
        "sha256": make.sha256(b"weights"),
        "created_at": version["created_at"],
        "updated_at": version["created_at"],
    }
    assert model.get("/model_versions?order_by=version").json == [version]
    assert model.finish(begun).json == version


def test_nothing_is_a_version_before_it_is_finished(model: Model, entry_id: str) -> None:
    begun = model.begin()
    assert model.get("/model_versions").json == []
    assert model.get(f"/model_versions/{begun['model_version_id']}").status_code == 404
    model.put(begun)
    assert model.get("/model_versions").json == []
    assert model.download().status_code == 404
    assert model.person.api.get(f"/api/v2/model/{entry_id}").json["version"] is None


def test_it_is_not_finished_before_its_bytes_are_there(model: Model) -> None:
    begun = model.begin()
    answer = model.finish(begun)
    assert (answer.status_code, answer.json["error"]) == (409, "Conflict")
    model.put(begun)
    assert model.finish(begun).json["version"] == 1


def test_an_address_takes_bytes_once(model: Model) -> None:
    begun = model.begin()
    assert model.put(begun, b"first").status_code == 200
    assert model.put(begun, b"later").status_code == 409
    assert model.finish(begun).json["sha256"] == make.sha256(b"first")
    assert model.put(begun, b"later").status_code == 409
    assert model.download().data == b"first"


def test_an_empty_file_is_a_file(model: Model) -> None:
    begun = model.begin()
    assert model.put(begun, b"").status_code == 200
    assert model.put(begun, b"more").status_code == 409
    assert model.finish(begun).json["size"] == 0


def test_a_body_cut_short_leaves_nothing_and_the_address_is_good_still(model: Model) -> None:
    begun = model.begin()
    cut = model.put(begun, b"half", environ_overrides={"CONTENT_LENGTH": "8"})
    assert cut.status_code == 400
    assert model.finish(begun).status_code == 409
    assert model.put(begun, b"all of it").status_code == 200
    assert model.finish(begun).json["sha256"] == make.sha256(b"all of it")


def test_a_body_may_hide_its_length(model: Model) -> None:
    begun = model.begin()
    data = b"weights" * 400_000
    assert model.put(begun, data, **HIDDEN).status_code == 200
    assert model.finish(begun).json["sha256"] == make.sha256(data)


def test_a_body_without_any_length_is_none(model: Model) -> None:
    begun = model.begin()
    assert model.put(begun, b"", environ_overrides={"CONTENT_LENGTH": ""}).status_code == 411
    assert model.finish(begun).status_code == 409


@pytest.mark.parametrize(
    "headers", [{"Content-Encoding": "gzip"}, {"Content-Type": "multipart/form-data; boundary=x"}], ids=str
)
def test_a_body_that_is_wrapped_is_refused(model: Model, headers: dict[str, str]) -> None:
    assert model.put(model.begin(), headers=headers).status_code == 415


@pytest.mark.parametrize("length", ["known", "hidden"])
def test_a_file_is_no_larger_than_files_may_be(make_app: Any, length: str) -> None:
    people = make_people(make_app(max_file_size=10))
    app_of(people)
    model_in(people.owner)
    model = Model(people.owner)
    begun = model.begin()
    assert model.put(begun, b"eleven byte", **HIDDEN if length == "hidden" else {}).status_code == 413
    assert model.finish(begun).status_code == 409
    assert model.put(begun, b"ten bytes.").status_code == 200


def test_the_caller_at_the_address_does_not_matter(people: People, model: Model) -> None:
    """The first clients send their token there as well, and storage of others never looked at it."""
    for headers in (people.stranger.headers, {"X-API-TOKEN": "no such token"}, {"Authorization": "Basic eDp5"}):
        assert model.put(model.begin(), headers=headers).status_code == 200


def test_a_signature_is_for_one_version(model: Model) -> None:
    one, other = model.begin(), model.begin()
    url = one["presigned_url"].replace(one["model_version_id"], other["model_version_id"])
    assert url != one["presigned_url"]
    for wrong in (url, one["presigned_url"] + "x", one["presigned_url"].partition("?")[0], f"{url}&signature="):
        answer = model.sender.put(wrong, data=b"weights")
        assert (answer.status_code, answer.json["error"]) == (403, "Not allowed")
    unknown = one["presigned_url"].replace(one["model_version_id"], new_id())
    assert model.sender.put(unknown, data=b"weights").status_code == 403


def test_an_address_ends(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = model.begin()
    monkeypatch.setattr(presigned, "LIFE", timedelta(seconds=-1))
    assert model.put(begun).status_code == 410


def test_an_upload_past_its_time_is_over(model: Model) -> None:
    begun = model.begin()
    with in_transaction(model.person.app):
        db.session.get_one(Upload, begun["model_version_id"]).expires_at -= timedelta(days=8)
    assert model.put(begun).status_code == 410
    assert model.finish(begun).status_code == 410


def test_who_may_not_write_any_more_neither_sends_nor_finishes(people: People, entry_id: str) -> None:
    with in_transaction(people.owner.app):
        access.set_default_permission(people.owner.actor, db.session.get_one(Entry, entry_id), "write")
    theirs = Model(people.teammate)
    sent, unsent = theirs.begin(), theirs.begin()
    theirs.put(sent)
    with in_transaction(people.owner.app):
        access.set_default_permission(people.owner.actor, db.session.get_one(Entry, entry_id), "read")
    assert theirs.put(unsent).status_code == 403
    assert theirs.finish(sent).status_code == 403
    with in_transaction(people.owner.app):
        db.session.delete(db.session.get_one(Membership, (people.team_id, people.teammate.id)))
    assert theirs.put(unsent).status_code == 403
    assert theirs.finish(sent).status_code == 404
    assert Model(people.owner).get("/model_versions").json == []


def test_the_bytes_of_a_deleted_person_go_nowhere(people: People, entry_id: str) -> None:
    with in_transaction(people.owner.app):
        access.set_default_permission(people.owner.actor, db.session.get_one(Entry, entry_id), "write")
    theirs = Model(people.teammate)
    begun = theirs.begin()
    with in_transaction(people.owner.app):
        db.session.delete(db.session.get_one(User, people.teammate.id))
    assert theirs.put(begun).status_code == 410
    assert theirs.finish(begun).status_code == 401


def test_nobody_finishes_what_another_began(people: People, model: Model) -> None:
    begun = model.begin()
    model.put(begun)
    for other in (people.teammate, people.team_admin, people.stranger, people.admin):
        assert Model(other).finish(begun).status_code == 404
    assert model.finish(begun).status_code == 200


def test_a_version_is_finished_where_it_was_begun(people: People, model: Model) -> None:
    model_in(people.owner, name="other")
    begun = model.begin()
    model.put(begun)
    assert Model(people.owner, "other").finish(begun).status_code == 404
    wrong = model.finish(begun, filepath="elsewhere")
    assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "filepath")
    assert model.finish(begun).status_code == 200


@pytest.mark.parametrize(
    ("body", "name"),
    [({"file_name": "a.bin"}, "a.bin"), ({"filename": "b.bin"}, "b.bin"), ({}, "yield-net")],
    ids=["seed", "package", "none"],
)
def test_the_file_has_the_name_that_was_given(model: Model, body: dict[str, str], name: str) -> None:
    begun = model.post("/model_versions", json=body).json
    model.put(begun)
    assert model.finish(begun).json["name"] == name
    assert f'filename="{name}"' in model.download().headers["Content-Disposition"]


def test_the_seed_names_the_model_in_the_body_too(model: Model, entry_id: str) -> None:
    assert model.post("/model_versions", json={"model_id": entry_id, "file_name": "a"}).status_code == 200
    assert model.post("/model_versions", json={"model_id": new_id(), "file_name": "a"}).status_code == 422
    assert model.post("/model_versions", json={"fle_name": "a"}).status_code == 422


def test_thirty_two_at_once_get_the_numbers_from_1_to_32(app: Flask, people: People, model: Model) -> None:
    begun = [model.begin(filename=f"{number}.bin") for number in range(32)]
    for number, each in enumerate(begun):
        assert model.put(each, str(number).encode()).status_code == 200
    assert people.owner.headers
    answers: list[Any] = [None] * 32

    def finish(number: int) -> None:
        answers[number] = Model(people.owner).finish(begun[number])

    threads = [threading.Thread(target=finish, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 32
    assert sorted(answer.json["version"] for answer in answers) == list(range(1, 33))
    listed = model.get("/model_versions?order_by=version").json
    assert [version["version"] for version in listed] == list(range(1, 33))
    for answer in answers:
        assert model.download(f"?version={answer.json['version']}").data.decode() + ".bin" == answer.json["name"]


def test_of_many_that_finish_one_version_all_get_it(people: People, model: Model) -> None:
    begun = model.begin()
    model.put(begun)
    assert people.owner.headers
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(Model(people.owner).finish(begun))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.json.get("version") for answer in answers] == [1] * 8
