"""Two requests at once about one entry or person: each gets the answer it would have got, one after the other."""

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from portal.domain.entries import Entry
from portal.domain.kinds import Kind
from portal.extensions import db
from tests import make
from tests.people import People, Person
from tests.racing import Call, at_once, meanwhile


def post(person: Person, kind: Kind, **fields: object) -> Call:
    body = {f"{kind.word}_{name}": value for name, value in fields.items()}
    headers = person.headers
    return lambda: person.app.test_client().post(f"/api/{kind.slug}/", json=body, headers=headers)


def patch(person: Person, kind: Kind, entry_id: str, **body: object) -> Call:
    headers = person.headers
    path = f"/api/{kind.slug}/id/{entry_id}"
    return lambda: person.app.test_client().patch(path, json=body, headers=headers)


def delete(person: Person, kind: Kind, entry_id: str) -> Call:
    headers = person.headers
    return lambda: person.app.test_client().delete(f"/api/{kind.slug}/id/{entry_id}", headers=headers)


def begin(person: Person, kind: Kind, base: str) -> Call:
    """The upload of something that is built on `base`."""
    body, headers = {f"{kind.word}_name": "built", "dependencies": [base]}, person.headers
    return lambda: person.app.test_client().post(f"/api/v2/{kind.word}/upload", json=body, headers=headers)


def test_the_same_entry_registered_twice_at_once_is_one(app: Flask, people: People, kind: Kind) -> None:
    call = post(people.owner, kind, name="One", url="https://example.org/1")
    answers = at_once(app, "INSERT INTO entry", call, call)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json["id"] == answers[1].json["id"]


def test_registered_again_while_it_is_deleted(app: Flask, people: People, kind: Kind) -> None:
    again = post(people.owner, kind, name="One", url="https://example.org/1")
    entry_id = again().json["id"]
    body = {f"{kind.word}_name": "One", f"{kind.word}_url": "https://example.org/1", "experiment_name": "Trial"}
    headers = people.owner.headers
    tied, deleted = meanwhile(
        app,
        "INSERT INTO entry_experiment",
        lambda: app.test_client().post(f"/api/{kind.slug}/", json=body, headers=headers),
        delete(people.owner, kind, entry_id),
    )
    assert (tied.status_code, deleted.status_code) == (200, 200)
    assert tied.json["id"] == entry_id


def test_of_one_name_for_two_addresses_one_is_refused(app: Flask, people: People, kind: Kind) -> None:
    calls = [post(people.owner, kind, name="One", url=f"https://example.org/{number}") for number in range(2)]
    answers = at_once(app, "INSERT INTO entry", *calls)
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json["errors"][0]["field"] == f"{kind.word}_name"


def test_of_two_that_take_one_name_one_is_refused(app: Flask, people: People, kind: Kind) -> None:
    entries = [make.entry(people.owner, name, kind=kind) for name in ("one", "two")]
    calls = [patch(people.owner, kind, entry_id, **{f"{kind.word}_name": "three"}) for entry_id in entries]
    answers = at_once(app, "UPDATE entry", *calls)
    assert sorted(answer.status_code for answer in answers) == [200, 409]


@pytest.mark.parametrize("field", ["url", "experiment_name"])
def test_changed_while_it_is_deleted(app: Flask, people: People, kind: Kind, field: str) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    body = {f"{kind.word}_url": "https://example.org/1"} if field == "url" else {field: "Trial"}
    statement = "UPDATE entry" if field == "url" else "INSERT INTO entry_experiment"
    changed, deleted = meanwhile(
        app, statement, patch(people.owner, kind, entry_id, **body), delete(people.owner, kind, entry_id)
    )
    assert (changed.status_code, deleted.status_code) == (200, 200)
    assert people.owner.api.get(f"/api/{kind.slug}/id/{entry_id}").status_code == 404


def test_shown_while_it_is_deleted(app: Flask, people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    headers, path = people.owner.headers, f"/api/v2/{kind.word}/{entry_id}"
    shown, deleted = meanwhile(
        app,
        "SELECT dependency",
        lambda: app.test_client().get(path, headers=headers),
        delete(people.owner, kind, entry_id),
    )
    assert deleted.status_code == 200
    assert shown.status_code in (200, 404)


def test_deleted_while_it_is_changed(app: Flask, people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    changes = patch(people.owner, kind, entry_id, **{f"{kind.word}_url": "https://example.org/1"})
    answers = at_once(app, "DELETE FROM entry", delete(people.owner, kind, entry_id), changes)
    assert answers[0].status_code == 200
    assert answers[1].status_code in (200, 404)


def test_deleted_while_another_is_built_on_it(app: Flask, people: People, kind: Kind) -> None:
    """Whoever comes first; never a dependency on what is gone, never a fault."""
    base = make.entry(people.owner, "base", kind=kind)
    deleted, built = meanwhile(
        app, "DELETE FROM entry", delete(people.owner, kind, base), begin(people.owner, kind, base)
    )
    assert (deleted.status_code, built.status_code) == (200, 422)


def test_built_on_while_it_is_deleted(app: Flask, people: People, kind: Kind) -> None:
    base = make.entry(people.owner, "base", kind=kind)
    built, deleted = meanwhile(
        app, "INSERT INTO dependency", begin(people.owner, kind, base), delete(people.owner, kind, base)
    )
    assert (built.status_code, deleted.status_code) == (200, 422)
    assert "depends on this" in deleted.json["detail"]


def test_of_two_who_sign_up_under_one_name_one_is_refused(app: Flask, people: People) -> None:
    def sign_up(number: int) -> Call:
        body = {"username": "twin", "email": f"twin{number}@example.org", "password": "a horse, stapled again"}
        return lambda: app.test_client().post("/api/v2/user/signup", json=body)

    answers = at_once(app, 'INSERT INTO "user"', sign_up(1), sign_up(2))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


def test_a_conflict_that_nobody_foresaw_is_said_and_logged(
    app: Flask, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/api/v2/collision")
    def collide() -> str:
        db.session.add(Entry(kind="model", name="x", name_key="x", owner_id=people.team_id))
        db.session.flush()
        return ""

    answer = people.owner.api.get("/api/v2/collision")
    assert answer.status_code == 409
    assert IntegrityError.__name__ in caplog.text
