"""People in the bazaar dialect: seen by others, and looked after by administrators."""

from typing import Any

import pytest

from portal.database import new_id
from portal.domain.kinds import Kind
from tests import make
from tests.people import PASSWORD, People, Person, in_transaction, make_user

ADA = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}


def log_in(person: Person, email: str) -> int:
    return person.app.test_client().get("/api/v2/user/login", auth=(email, PASSWORD)).status_code


def test_an_administrator_makes_an_account(people: People) -> None:
    answer = people.admin.api.post("/api/v2/user/create", json=ADA)
    assert answer.json.keys() == {"user_id"}
    assert log_in(people.admin, "ada@example.org") == 200
    row = next(row for row in people.admin.api.get("/api/v2/user/list").json if row["username"] == "ada")
    assert row == {
        "id": answer.json["user_id"],
        "username": "ada",
        "email": "ada@example.org",
        "admin": False,
        "teams": [],
    }


@pytest.mark.parametrize(
    ("given", "status"),
    [({"username": "OWNER"}, 409), ({"password": "short"}, 422), ({"admin": True}, 422), ({"email": None}, 422)],
)
def test_accounts_that_are_not_made(people: People, given: dict[str, Any], status: int) -> None:
    answer = people.admin.api.post("/api/v2/user/create", json={**ADA, **given})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (status, next(iter(given)))


def test_whom_one_sees(people: People) -> None:
    def names(person: Person) -> list[str]:
        return [row["username"] for row in person.api.get("/api/v2/user/list").json]

    assert names(people.admin) == ["admin", "owner", "reader", "stranger", "team_admin", "teammate"]
    assert names(people.teammate) == ["owner", "team_admin", "teammate"]
    assert names(people.reader) == ["reader"]
    own = people.teammate.api.get("/api/v2/user/info").json
    assert own in people.teammate.api.get("/api/v2/user/list").json


def test_other_teams_of_a_teammate_are_not_told(people: People) -> None:
    team_id = people.admin.api.post("/api/v2/team/create", json={"name": "Secret lab"}).json["team_id"]
    for person in (people.teammate, people.stranger):
        people.admin.api.post(f"/api/v2/team/{team_id}/users/{person.id}")
    assert "Secret lab" not in people.owner.api.get("/api/v2/user/list").text
    assert people.stranger.api.get("/api/v2/user/list").text.count("Secret lab") == 2
    assert "Barley lab" not in people.stranger.api.get("/api/v2/user/list").text


def test_an_account_waits_for_its_verification(people: People) -> None:
    with in_transaction(people.admin.app):
        user_id = make_user("waiting", is_verified=False)
    assert log_in(people.admin, "waiting@example.org") == 401
    for _ in range(2):
        assert people.admin.api.post(f"/api/v2/user/{user_id}/verify").json == {}
    assert log_in(people.admin, "waiting@example.org") == 200


def test_administrators_come_and_go_but_one_stays(people: People) -> None:
    def ask(person: Person, method: str, of: Person) -> int:
        return getattr(person.api, method)(f"/api/v2/user/{of.id}/admin").status_code

    assert ask(people.admin, "delete", people.admin) == 422
    assert people.admin.api.delete(f"/api/v2/user/{people.admin.id}").status_code == 422
    assert [ask(people.admin, "post", people.owner) for _ in range(2)] == [200, 200]
    assert people.owner.api.get("/api/v2/user/info").json["admin"] is True
    assert [ask(people.owner, "delete", people.admin), ask(people.owner, "delete", people.admin)] == [200, 200]
    assert ask(people.admin, "post", people.admin) == 403
    assert ask(people.owner, "delete", people.owner) == 422


def test_an_administrator_deletes_somebody(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, "Wheat", kind=kind)
    make.version(people.owner, entry_id, b"kept")
    make.entry(people.admin, "wheat", kind=kind)
    path, token = f"/api/v2/user/{people.owner.id}", people.owner.headers
    assert people.admin.api.delete(path).json == {}
    assert people.admin.app.test_client().get("/api/v2/user/info", headers=token).status_code == 401
    assert log_in(people.admin, "owner@example.org") == 401
    row = people.admin.api.get(f"/api/v2/{kind.word}/{entry_id}").json
    assert (row[f"{kind.word}_name"], row["username"], row["version"]) == ("Wheat (owner)", "admin", 1)
    assert people.admin.api.delete(path).status_code == 404


def test_nobody_else_looks_after_people_existing_or_not(people: People) -> None:
    for user_id in (people.reader.id, new_id()):
        for method, what in (("post", "/verify"), ("post", "/admin"), ("delete", "/admin"), ("delete", "")):
            answer = getattr(people.team_admin.api, method)(f"/api/v2/user/{user_id}{what}")
            assert answer.status_code == 403
            assert getattr(people.admin.api, method)(f"/api/v2/user/x{what}").status_code == 404


def test_an_owner_hands_an_entry_over(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, "wheat", kind=kind)
    own = f"/api/v2/{kind.word}/{entry_id}"

    def give(person: Person, **body: Any) -> Any:
        return person.api.post(f"{own}/owner", json=body)

    for user_id in (new_id(), "x", people.team_id):
        assert give(people.owner, user_id=user_id).status_code == 404
    for body in ({}, {"user_id": None}, {"user_id": people.reader.id, "team_id": None}):
        assert give(people.owner, **body).status_code == 422
    make.entry(people.reader, "WHEAT", kind=kind)
    assert give(people.owner, user_id=people.reader.id).status_code == 409
    assert give(people.owner, user_id=people.stranger.id).json == {}
    assert people.stranger.api.get(own).json["username"] == "stranger"
    assert people.owner.api.get(own).status_code == 404
    assert give(people.owner, user_id=people.owner.id).status_code == 404
