"""Teams in the bazaar dialect: made, filled, emptied and deleted by programs."""

from typing import Any

import pytest
from flask import Flask

from portal.database import new_id
from portal.domain.kinds import Kind
from tests import make
from tests.people import People, Person


def make_team(admin: Person, name: str = "Oat lab") -> str:
    answer = admin.api.post("/api/v2/team/create", json={"name": name})
    assert answer.status_code == 200, answer.json
    return answer.json["team_id"]


def members(person: Person, team_id: str) -> Any:
    return {row["username"]: row["team_admin"] for row in person.api.get(f"/api/v2/team/{team_id}/users").json}


def test_a_team_from_its_making_to_its_end(people: People, kind: Kind) -> None:
    """Made by an administrator, left to somebody, who lets another in; what they share goes with it."""
    admin, lead, member = people.admin, people.stranger, people.reader
    team_id = make_team(admin)
    path = f"/api/v2/team/{team_id}"
    assert admin.api.post(f"{path}/admins/{lead.id}").json == {}
    assert lead.api.post(f"{path}/users/{member.id}").json == {}
    assert members(lead, team_id) == {"reader": False, "stranger": True}
    assert lead.api.get("/api/v2/team/list").json == [{"id": team_id, "name": "Oat lab"}]
    assert member.api.get("/api/v2/user/info").json["teams"] == [
        {"team_id": team_id, "team_name": "Oat lab", "team_admin": False}
    ]

    entry_id = make.entry(member, "oats", kind=kind)
    share = {"access": "protected", "team_id": team_id}
    assert member.api.post(f"/api/v2/{kind.word}/{entry_id}/access", json=share).status_code == 200
    own = f"/api/v2/{kind.word}/{entry_id}"
    assert [row[f"{kind.word}_id"] for row in lead.api.get(f"{path}/{kind.slug}").json] == [entry_id]
    assert lead.api.get(f"{path}/{kind.slug}").json == [lead.api.get(own).json]

    assert lead.api.delete(f"{path}/admins/{lead.id}").json == {}
    assert lead.api.post(f"{path}/users/{people.owner.id}").status_code == 403
    assert admin.api.delete(path).json == {}
    assert lead.api.get("/api/v2/team/list").json == []
    assert lead.api.get(own).status_code == 404
    assert (member.api.get(own).json["access"], member.api.get(own).json["team_id"]) == ("private", None)
    assert admin.api.delete(path).status_code == 404


def test_everything_about_members_may_be_said_twice(people: People) -> None:
    path, someone = f"/api/v2/team/{people.team_id}", people.reader.id
    for method, where in (
        ("post", "admins"),
        ("post", "users"),
        ("delete", "admins"),
        ("delete", "users"),
        ("delete", "admins"),
    ):
        for _ in range(2):
            answer = getattr(people.team_admin.api, method)(f"{path}/{where}/{someone}")
            assert (answer.status_code, answer.json) == (200, {}), (method, where)
    assert "reader" not in members(people.team_admin, people.team_id)


def test_a_removed_member_sees_nothing_in_the_very_next_call(people: People, kind: Kind) -> None:
    entry_id = make.entry(
        people.owner, kind=kind, access="protected", team_id=people.team_id, default_permission="write"
    )
    own, edit = f"/api/v2/{kind.word}/{entry_id}", {f"{kind.word}_info": {}}
    path = f"/api/v2/team/{people.team_id}/users/{people.teammate.id}"
    for _ in range(2):
        assert people.teammate.api.get(own).status_code == 200
        assert people.teammate.client.get(f"/{kind.slug}").text.count(entry_id) > 0
        assert people.team_admin.api.delete(path).status_code == 200
        assert people.teammate.api.get(own).status_code == 404
        assert people.teammate.api.patch(f"/api/{kind.slug}/id/{entry_id}", json=edit).status_code == 404
        assert people.teammate.client.get(f"/{kind.slug}").text.count(entry_id) == 0
        assert people.teammate.api.get(f"/api/v2/{kind.word}/list").json == []
        assert people.team_admin.api.post(path).status_code == 200


def test_team_rows(people: People) -> None:
    rows = people.team_admin.api.get(f"/api/v2/team/{people.team_id}/users").json
    assert rows[0] == {
        "user_id": people.owner.id,
        "username": "owner",
        "email": "owner@example.org",
        "team_admin": False,
    }
    assert [row["username"] for row in rows] == ["owner", "team_admin", "teammate"]
    make_team(people.admin)
    assert [row["name"] for row in people.admin.api.get("/api/v2/team/list").json] == ["Barley lab", "Oat lab"]
    assert people.teammate.api.get("/api/v2/team/list").json == [{"id": people.team_id, "name": "Barley lab"}]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "barley LAB "}, 409),
        ({"name": ""}, 422),
        ({"name": 7}, 422),
        ({}, 422),
        ({"name": "x", "id": new_id()}, 422),
        ({"name": "x" * 256}, 422),
    ],
)
def test_teams_that_are_not_made(people: People, body: dict[str, Any], status: int) -> None:
    answer = people.admin.api.post("/api/v2/team/create", json=body)
    assert answer.status_code == status
    assert answer.json["errors"][0]["field"] in ("name", "id")


def test_ids_that_nothing_has(app: Flask, people: People) -> None:
    """Another's id is none: of an entry, where a team is asked for."""
    entry_id = make.entry(people.owner)
    for team_id in (new_id(), entry_id, "x", "-" * 36):
        for person in (people.admin, people.stranger):
            assert person.api.get(f"/api/v2/team/{team_id}/users").status_code == 404
            assert person.api.delete(f"/api/v2/team/{team_id}").status_code == 404
            assert person.api.post(f"/api/v2/team/{team_id}/users/{people.reader.id}").status_code == 404
    for user_id in (new_id(), people.team_id, "x"):
        for where in ("users", "admins"):
            path = f"/api/v2/team/{people.team_id}/{where}/{user_id}"
            assert people.team_admin.api.post(path).status_code == 404
            assert people.team_admin.api.delete(path).status_code == 404
