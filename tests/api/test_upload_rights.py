"""Who may begin an upload and go on with it, and what becomes of it when the right is lost on the way."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, update

import portal.uploads.finish
from portal.domain.entries import Entry
from portal.domain.teams import Membership
from portal.domain.users import User
from portal.extensions import db
from portal.storage.journal import _FINISHING
from portal.storage.locks import lock
from tests import make
from tests.api.sending import Sending
from tests.api.test_commit import staged
from tests.people import People, Person, in_transaction

DATA = bytes(range(256)) * 40


def test_nobody_and_readers_begin_nothing(people: People) -> None:
    body = {"model_name": "wheat"}
    assert people.anonymous.api.post("/api/v2/model/upload", json=body).status_code == 401
    token = people.owner.api.post("/api/v2/user/tokens", json={"name": "ci", "scope": "read"}).json["token"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = people.anonymous.api.post("/api/v2/model/upload", json=body, headers=headers)
    assert answer.status_code == 403
    assert people.owner.api.get("/api/v2/model/list").json == []


def test_a_token_that_may_only_read_gets_no_token_that_may_write(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096)
    token = people.owner.api.post("/api/v2/user/tokens", json={"name": "ci", "scope": "read"}).json["token"]
    headers = {"Authorization": f"Bearer {token}"}
    ask = people.anonymous.api
    assert ask.post(f"{sending.path}/token", json={"upload_id": sending.id}, headers=headers).status_code == 403
    assert ask.delete(f"{sending.path}?upload_id={sending.id}", headers=headers).status_code == 403
    assert ask.get(f"{sending.path}?upload_id={sending.id}", headers=headers).status_code == 200


def test_a_new_version_takes_the_right_to_write(people: People, subtests: pytest.Subtests) -> None:
    expected = {
        "public": {"read": 403, "write": 200},
        "protected": {"read": 403, "write": 200},
        "private": {"read": 404},
    }
    for access, permissions in expected.items():
        for permission, status in permissions.items():
            with subtests.test(access, permission=permission):
                team_id = people.team_id if access == "protected" else None
                entry_id = make.entry(
                    people.owner,
                    f"{access} {permission}",
                    access=access,
                    team_id=team_id,
                    default_permission=permission,
                )
                body = {"model_id": entry_id}

                def begin(person: Person, body: dict[str, str] = body) -> int:
                    return person.api.post("/api/v2/model/upload", json=body).status_code

                assert begin(people.teammate) == status
                assert begin(people.stranger) == (404 if access == "protected" else status)
                assert begin(people.owner) == begin(people.admin) == 200
                assert begin(people.anonymous) == 401
                assert people.owner.api.post("/api/v2/script/upload", json={"script_id": entry_id}).status_code == 404


def test_a_writers_version_is_a_version_like_any_other(people: People) -> None:
    entry_id = make.entry(people.owner, access="public", default_permission="write", type="ndb")
    make.version(people.owner, entry_id)
    sending = Sending(people.stranger, DATA, 4096, model_name=None, model_id=entry_id, model_type="ndb").put_all()
    assert sending.commit().json["version"] == 2
    assert sending.download(people.reader).data == DATA
    other = {"model_id": entry_id, "model_type": "other"}
    answer = people.owner.api.post("/api/v2/model/upload", json=other)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "model_type")


def test_another_persons_upload_looks_like_none(people: People, subtests: pytest.Subtests) -> None:
    entry_id = make.entry(people.owner, access="public", default_permission="write")
    sending = Sending(people.owner, DATA, 4096, model_name=None, model_id=entry_id).put_all()
    for person in (people.stranger, people.team_admin, people.admin):
        with subtests.test(person.name):
            by_id = f"{sending.path}?upload_id={sending.id}"
            assert person.api.get(by_id).status_code == 404
            assert person.api.delete(by_id).status_code == 404
            assert person.api.post(f"{sending.path}/token", json={"upload_id": sending.id}).status_code == 404
            assert person.api.post(f"{sending.path}/0", data=b"x").status_code == 401
            assert person.api.post(f"{sending.path}/commit").status_code == 401
    assert sending.commit().status_code == 200


def test_an_upload_token_is_good_for_its_upload_alone(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096).put_all()
    other = Sending(people.owner, DATA, 4096)
    ask, headers = people.anonymous.api, sending.headers
    assert ask.get("/api/v2/user/info", headers=headers).status_code == 401
    assert ask.get("/api/v2/model/list", headers=headers).status_code == 401
    assert ask.get(f"/api/v2/model/{sending.entry_id}", headers=headers).status_code == 401
    assert ask.delete(f"/api/v2/model/{sending.entry_id}", headers=headers).status_code == 401
    assert ask.post(sending.path, json={"model_name": "x"}, headers=headers).status_code == 401
    assert ask.get(f"{sending.path}?upload_id={other.id}", headers=headers).status_code == 401
    assert ask.post(f"{sending.path}/token", json={"upload_id": other.id}, headers=headers).status_code == 401
    assert ask.post(f"{sending.path}/token", json={"upload_id": sending.id}, headers=headers).status_code == 401


def test_a_bad_upload_token_is_401(people: People, subtests: pytest.Subtests) -> None:
    sending = Sending(people.owner, DATA, 4096)
    good = sending.begun["token"]
    for token in ("", "x", good[:-1], good + "x", good.upper(), f"{good} x", "é", "mp_" + "x" * 43, "x" * 5000):
        with subtests.test(token[:20]):
            sending.headers = {"Authorization": f"Bearer {token}"}
            for answer in (
                sending.put(0),
                sending.commit(),
                sending.abort(),
                sending.ask("GET"),
                sending.put("x", b""),
            ):
                assert answer.status_code == 401
                assert answer.headers["WWW-Authenticate"]
    sending.headers = {}
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Cookie": f"token={good}"}):
        assert sending.put(0, headers=headers).status_code == 401
    assert sending.ask("POST", f"/0?token={good}", data=b"x").status_code == 401


def lose_team(people: People) -> None:
    db.session.execute(delete(Membership).where(Membership.user_id == people.teammate.id))


def lose_access(people: People) -> None:
    db.session.execute(update(Entry).values(access="private", team_id=None))


def lose_write(people: People) -> None:
    db.session.execute(update(Entry).values(default_permission="read"))


LOSSES = [lose_team, lose_access, lose_write]


def shared_upload(people: People) -> Sending:
    entry_id = make.entry(people.owner, access="protected", team_id=people.team_id, default_permission="write")
    return Sending(people.teammate, DATA, 4096, model_name=None, model_id=entry_id)


@pytest.mark.parametrize("lose", LOSSES)
def test_a_right_lost_in_the_middle_ends_it(people: People, lose: Callable[[People], None]) -> None:
    sending = shared_upload(people).put_all()
    with in_transaction(people.owner.app):
        lose(people)
    for answer in (sending.put(0), sending.commit(), sending.abort(), sending.ask("GET")):
        assert answer.status_code == 403
    renewed = people.teammate.api.post(f"{sending.path}/token", json={"upload_id": sending.id})
    assert renewed.status_code == 403
    assert sending.entry(people.owner).json["version"] is None


@pytest.mark.disk
def test_a_right_lost_during_the_check_lets_nothing_become_visible(
    people: People, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    monkeypatch.setattr(portal.uploads.finish, "WAIT", 0.0)
    sending = shared_upload(people).put_all()
    with staged(sending, "journal").open("r+b") as journal:
        lock(journal.fileno(), *_FINISHING)
        assert sending.commit().status_code == 202
        with in_transaction(people.owner.app):
            lose_team(people)
        assert sending.commit().status_code == 403
    state = people.teammate.api.get(f"{sending.path}?upload_id={sending.id}")
    while state.json["status"] == "checking":
        state = people.teammate.api.get(f"{sending.path}?upload_id={sending.id}")
    assert state.json["status"] == "open"
    assert sending.entry(people.owner).json["version"] is None
    assert list(people.owner.app.extensions["storage"].list_keys()) == []


def test_a_deleted_person_and_a_deleted_entry_end_an_upload(people: People) -> None:
    sending = shared_upload(people).put_all()
    people.owner.api.delete(f"/api/v2/model/{sending.entry_id}")
    for answer in (sending.put(0), sending.commit(), sending.abort()):
        assert answer.status_code == 410
    own = Sending(people.teammate, DATA, 4096).put_all()
    with in_transaction(people.owner.app):
        db.session.execute(delete(Entry).where(Entry.owner_id == people.teammate.id))
        db.session.execute(delete(User).where(User.id == people.teammate.id))
    for answer in (own.put(0), own.commit(), own.abort(), own.ask("GET")):
        assert answer.status_code == 401


def test_a_token_that_expires_between_chunks_is_replaced_by_the_same_person(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096).put_all(1)
    with in_transaction(people.owner.app):
        db.session.execute(delete(User).where(User.id == people.reader.id))  # another's end is none of ours
    sending.headers = {"Authorization": "Bearer lost"}
    assert sending.put(1).status_code == 401
    renewed = people.owner.api.post(f"{sending.path}/token", json={"upload_id": sending.id}).json
    sending.headers = {"Authorization": f"Bearer {renewed['token']}"}
    assert sending.put(1).status_code == 200
    assert sending.commit().status_code == 200


def test_a_browser_needs_its_csrf_token_and_a_program_none(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096)
    browser = people.owner.client
    assert browser.post("/api/v2/model/upload", json={"model_name": "x"}).status_code == 400
    assert browser.delete(f"{sending.path}?upload_id={sending.id}").status_code == 400
    assert browser.get(f"{sending.path}?upload_id={sending.id}").status_code == 200
    assert sending.progress()["status"] == "open"
