"""Organizations, apps, models and environments, as each person sees and changes them."""

import threading
from typing import Any

import pytest

from portal.database import new_id
from portal.domain import access, teams, tokens
from portal.domain.entries import Entry
from portal.domain.teams import Team
from portal.extensions import db
from tests import make
from tests.apps import APP, ORGANIZATION, Model, app_of, model_in
from tests.people import People, Person, in_transaction

APPS = f"/api/v2/organizations/{ORGANIZATION}/apps"


def other_team(people: People, name: str = "Oat lab") -> str:
    """The id of a team with nobody of the people in it."""
    with in_transaction(people.admin.app):
        return teams.create(people.admin.actor, name).id


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json
    return [row["name"] for row in answer.json]


def test_everybody_sees_their_organizations(people: People) -> None:
    other_team(people)
    for person in (people.owner, people.teammate, people.team_admin):
        row = {"id": people.team_id, "name": ORGANIZATION, "display_name": ORGANIZATION}
        assert person.api.get("/api/v2/organizations").json == [row]
    assert people.stranger.api.get("/api/v2/organizations").json == []
    assert names(people.admin.api.get("/api/v2/organizations")) == [ORGANIZATION, "Oat lab"]
    assert people.anonymous.api.get("/api/v2/organizations").status_code == 401


def test_a_member_makes_an_app_and_a_model_in_it(people: People) -> None:
    app = people.teammate.api.post(APPS, json={"name": APP}).json
    assert set(app) == {"id", "name"}
    model = people.owner.api.post(f"{APPS}/{APP}/models", json={"name": "yield-net", "description": "Plots"}).json
    assert model == {
        "id": model["id"],
        "app_id": app["id"],
        "name": "yield-net",
        "description": "Plots",
        "public": False,
        "inserted_at": model["inserted_at"],
        "updated_at": model["inserted_at"],
    }
    assert people.teammate.api.get(APPS).json == [app]
    for switch in ("true", "True"):
        assert people.teammate.api.get(f"{APPS}?with_models={switch}").json == [app | {"models": [model]}]
    assert people.teammate.api.get(f"{APPS}?with_models=banana").status_code == 400
    shown = people.team_admin.api.get(f"/api/v2/model/{model['id']}").json
    assert (shown["access"], shown["team_id"], shown["username"]) == ("protected", people.team_id, "owner")


def test_outsiders_find_nothing(people: People) -> None:
    app_of(people)
    model = model_in(people.owner)
    for path in (APPS, f"/api/v2/organizations/{people.team_id}/apps"):
        assert people.stranger.api.get(path).status_code == 404
        assert people.stranger.api.post(path, json={"name": "theirs"}).status_code == 404
        assert people.stranger.api.post(f"{path}/{APP}/models", json={"name": "theirs"}).status_code == 404
    there, nowhere = Model(people.stranger), Model(people.stranger, new_id(), "no app", "no team")
    for ask in (
        lambda it: it.get("/model_versions"),
        lambda it: it.get("/environment_groups"),
        lambda it: it.download(),
        lambda it: it.post("/deploy", json={}),
        lambda it: it.post("/model_versions", json={}),
        lambda it: it.get(f"/model_versions/{model}"),
    ):
        assert ask(there).status_code == 404
        assert ask(there).json == ask(nowhere).json


def test_what_is_public_in_an_app_is_not_found_through_it_by_outsiders(people: People) -> None:
    app_of(people)
    entry_id = model_in(people.owner)
    with in_transaction(people.owner.app):
        access.set_access(people.owner.actor, db.session.get_one(Entry, entry_id), "public")
    assert people.stranger.api.get(f"/api/v2/model/{entry_id}").status_code == 200
    assert Model(people.stranger).get("/model_versions").status_code == 404
    assert people.owner.api.get(f"{APPS}?with_models=true").json[0]["models"][0]["public"] is True


def test_what_is_private_in_an_app_is_its_owners(people: People) -> None:
    app_of(people)
    entry_id = model_in(people.owner, name="secret-net")
    with in_transaction(people.owner.app):
        access.set_access(people.owner.actor, db.session.get_one(Entry, entry_id), "private")
    assert people.teammate.api.get(f"{APPS}?with_models=true").json[0]["models"] == []
    assert Model(people.teammate, "secret-net").get("/model_versions").status_code == 404
    assert Model(people.owner, "secret-net").get("/model_versions").status_code == 200


def test_readers_read_and_writers_write(people: People) -> None:
    app_of(people)
    entry_id = model_in(people.owner)
    Model(people.owner).upload()
    theirs = Model(people.teammate)
    assert theirs.get("/model_versions").status_code == 200
    assert theirs.download().data == b"weights"
    assert theirs.post("/model_versions", json={}).status_code == 403
    assert theirs.post("/deploy", json={}).status_code == 403
    assert Model(people.team_admin).post("/deploy", json={}).status_code == 200
    with in_transaction(people.owner.app):
        access.set_default_permission(people.owner.actor, db.session.get_one(Entry, entry_id), "write")
    assert theirs.upload()["version"] == 2
    assert theirs.post("/deploy", json={"version": 2, "environment": "prod"}).status_code == 200


def test_a_token_that_may_only_read_changes_nothing(people: People) -> None:
    app_of(people)
    model_in(people.owner)
    with in_transaction(people.owner.app):
        actor = people.owner.actor
        token = tokens.issue(actor, actor.user_id, "looker", "read")[1]
    looker = people.owner.app.test_client(use_cookies=False)
    headers = {"X-API-TOKEN": token}
    path = f"{APPS}/{APP}/models/yield-net"
    assert looker.get(f"{path}/model_versions", headers=headers).status_code == 200
    for changing in (APPS, f"{APPS}/{APP}/models"):
        assert looker.post(changing, json={"name": "another"}, headers=headers).status_code == 403
    assert looker.post(f"{path}/model_versions", json={}, headers=headers).status_code == 403
    assert looker.post(f"{path}/deploy", json={}, headers=headers).status_code == 403


@pytest.mark.parametrize("name", ["field", "FIELD", "  Field ", "Fie\u006cd"])
def test_a_name_is_taken_however_it_is_written(people: People, name: str) -> None:
    app_of(people)
    model_in(people.owner, name="Yield Net")
    taken = people.teammate.api.post(APPS, json={"name": name})
    assert (taken.status_code, taken.json["errors"][0]["field"]) == (409, "name")
    taken = people.teammate.api.post(f"{APPS}/{name}/models", json={"name": "yield net"})
    assert (taken.status_code, taken.json["errors"][0]["field"]) == (409, "name")
    assert Model(people.teammate, "YIELD NET", name).get("/model_versions").json == []


def test_names_are_an_apps_own(people: People) -> None:
    app_of(people)
    app_of(people, "Greenhouse")
    make.entry(people.owner, "yield-net")
    ids = {model_in(people.owner), model_in(people.owner, "Greenhouse")}
    assert len(ids) == 2
    again = people.owner.api.post("/api/v2/model/upload", json={"model_name": "yield-net", "model_type": "x"})
    assert again.status_code == 409
    other = other_team(people)
    assert people.admin.api.post(f"/api/v2/organizations/{other}/apps", json={"name": APP}).status_code == 200


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": 3}, {"name": "a\u0000"}, {"name": "x", "more": 1}])
def test_an_app_needs_a_name(people: People, body: dict[str, Any]) -> None:
    assert people.teammate.api.post(APPS, json=body).status_code == 422


def test_a_place_is_named_by_name_or_id(people: People) -> None:
    app_id = app_of(people)
    entry_id = model_in(people.owner)
    for org in (ORGANIZATION, "barley LAB", people.team_id, people.team_id.upper()):
        for app in (APP, app_id, app_id.upper()):
            for name in ("yield-net", "YIELD-net", entry_id):
                assert Model(people.teammate, name, app, org).get("/model_versions").status_code == 200


def test_names_of_any_letters_are_found(people: People) -> None:
    app_of(people, "Größe 50 % & mehr?")
    model_in(people.owner, "Größe 50 % & mehr?", "ÄHREN")
    path = "/api/v2/organizations/Barley%20lab/apps/Gr%C3%B6%C3%9Fe%2050%20%25%20%26%20mehr%3F/models/%C3%A4hren"
    assert people.teammate.api.get(f"{path}/model_versions").json == []


def test_an_id_goes_before_a_name_that_looks_like_it(people: People) -> None:
    app_id = app_of(people)
    entry_id = model_in(people.owner)
    imposter = app_of(people, app_id)
    model_in(people.teammate, imposter, entry_id)
    posing = model_in(people.teammate, name=entry_id)
    assert model_in(people.owner, app_id, "made by id") != posing
    assert names(people.teammate.api.get(f"{APPS}")) == sorted([APP, app_id], key=str.casefold)
    Model(people.owner, entry_id, app_id).upload(b"the real one")
    assert Model(people.owner).download().data == b"the real one"
    elsewhere = app_of(people, new_id())
    assert people.teammate.api.post(f"{APPS}/{elsewhere}/models", json={"name": "x"}).status_code == 200


def test_only_finished_versions_are_listed_in_order(people: People) -> None:
    app_of(people)
    model_in(people.owner)
    model = Model(people.owner)
    for number in (1, 2, 3):
        model.upload(str(number).encode(), description=f"number {number}")
    model.begin()
    listed = model.get("/model_versions?order_by=version").json
    assert [version["version"] for version in listed] == [1, 2, 3]
    assert [version["description"] for version in listed] == ["number 1", "number 2", "number 3"]
    assert model.get("/model_versions").json == listed
    assert model.get("/model_versions?order_by=size").status_code == 400
    for version in listed:
        for path in ("apps", "app"):
            there = model.path.replace("/apps/", f"/{path}/")
            one = people.teammate.api.get(f"/api/v2{there}/model_versions/{version['id']}/")
            assert one.data == str(version["version"]).encode()
            assert one.headers["ETag"] == f'"{version["sha256"]}"'
    assert model.get(f"/model_versions/{new_id()}").status_code == 404


def test_a_version_of_another_model_is_not_found_here(people: People) -> None:
    app_of(people)
    model_in(people.owner)
    model_in(people.owner, name="other")
    version = Model(people.owner, "other").upload()
    assert Model(people.owner).get(f"/model_versions/{version['id']}").status_code == 404


def test_the_download_is_of_the_newest_or_of_a_number(people: People) -> None:
    app_of(people)
    model_in(people.owner)
    model = Model(people.owner)
    assert model.download().status_code == 404
    model.upload(b"one")
    model.upload(b"two")
    assert model.download().data == b"two"
    assert model.download("?version=1").data == b"one"
    for missing in ("0", "3", "-1", "99999999999999999999"):
        assert model.download(f"?version={missing}").status_code == 404
    assert model.download("?version=one").status_code == 400


def test_versions_of_every_door_are_numbered_together(people: People) -> None:
    app_of(people)
    entry_id = model_in(people.owner)
    make.version(people.owner, entry_id, b"from a page")
    assert Model(people.owner).upload(b"from a program")["version"] == 2
    listed = Model(people.owner).get("/model_versions").json
    assert [(version["version"], version["name"]) for version in listed] == [(1, "model.bin"), (2, "yield-net.zip")]


def test_environments_point_at_versions(people: People) -> None:
    app_of(people)
    entry_id = model_in(people.owner)
    model = Model(people.owner)
    before = model.get("/environment_groups").json
    assert [(row["name"], row["version"], row["deployed_at"]) for row in before] == [
        ("dev", None, None),
        ("prod", None, None),
    ]
    assert people.owner.api.get(f"/api/v2/model/{entry_id}").json["deploy_status"] == "not_started"
    model.upload()
    model.upload()
    assert model.post("/deploy", json={"version": 1, "environment": "prod"}).json == {
        "success": "Deployed model version 1"
    }
    assert model.post("/deploy", json={"version": "latest", "environment": "dev"}).json == {
        "success": "Deployed model version 2"
    }
    after = model.get("/environment_groups?with_device_count=true").json
    assert [(row["name"], row["version"]) for row in after] == [("dev", 2), ("prod", 1)]
    assert [row["id"] for row in after] == [row["id"] for row in before]
    assert all(row["deployed_at"].endswith("Z") for row in after)
    assert people.owner.api.get(f"/api/v2/model/{entry_id}").json["deploy_status"] == "complete"
    assert [row["deploy_status"] for row in people.owner.api.get("/api/v2/model/list").json] == ["complete"]


def test_a_deploy_without_words_is_of_the_newest_to_dev(people: People) -> None:
    app_of(people)
    model_in(people.owner)
    Model(people.owner).upload()
    assert Model(people.owner).post("/deploy", json={}).json["success"].endswith(" 1")
    assert [row["version"] for row in Model(people.owner).get("/environment_groups").json] == [1, None]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"version": 7}, "No such version"),
        ({"version": 0}, "No such version"),
        ({"version": -1}, "No such version"),
        ({"version": 2**40}, "No such version"),
        ({"version": -(10**30)}, "No such version"),
        ({"version": "newest"}, "No such version"),
        ({"environment": "staging"}, "No such environment"),
        ({"environment": ""}, "No such environment"),
    ],
    ids=str,
)
def test_an_unknown_version_or_environment_says_so(people: People, body: dict[str, Any], error: str) -> None:
    app_of(people)
    model_in(people.owner)
    Model(people.owner).upload()
    answer = Model(people.owner).post("/deploy", json=body)
    assert (answer.status_code, answer.json["error"]) == (400, error)
    assert answer.content_type == "application/problem+json"


def test_nothing_is_deployed_before_there_is_a_version(people: People) -> None:
    app_of(people)
    model_in(people.owner)
    Model(people.owner).begin()
    answer = Model(people.owner).post("/deploy", json={"version": "latest", "environment": "dev"})
    assert (answer.status_code, answer.json["error"]) == (400, "No such version")


@pytest.mark.parametrize("body", [{"version": 1.5}, {"version": True}, {"version": None}, {"versions": 1}], ids=str)
def test_a_deploy_takes_what_it_takes(people: People, body: dict[str, Any]) -> None:
    app_of(people)
    model_in(people.owner)
    Model(people.owner).upload()
    assert Model(people.owner).post("/deploy", json=body).status_code == 422


def test_of_many_who_make_the_same_app_one_does(people: People) -> None:
    assert sorted(at_once(people.teammate, APPS, {"name": APP})) == [200, *[409] * 7]
    assert names(people.teammate.api.get(APPS)) == [APP]


def test_of_many_who_make_the_same_model_one_does(people: People) -> None:
    app_of(people)
    assert sorted(at_once(people.teammate, f"{APPS}/{APP}/models", {"name": "yield-net"})) == [200, *[409] * 7]


def at_once(person: Person, path: str, body: dict[str, Any]) -> list[int]:
    """The statuses of eight such posts."""
    assert person.headers
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(person.api.post(path, json=body).status_code)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def test_a_team_that_goes_takes_its_apps_along_and_leaves_the_models(people: People) -> None:
    app_of(people)
    app_of(people, "Greenhouse")
    outside = make.entry(people.owner, "yield-net")
    inside = [model_in(people.owner), model_in(people.owner, "Greenhouse"), model_in(people.owner, name="only here")]
    theirs = model_in(people.teammate, name="theirs")
    Model(people.owner).upload()
    with in_transaction(people.admin.app):
        teams.remove(people.admin.actor, db.session.get_one(Team, people.team_id))
    shown = {row["model_id"]: row for row in people.owner.api.get("/api/v2/model/list").json}
    assert {entry_id: row["model_name"] for entry_id, row in shown.items()} == {
        outside: "yield-net",
        inside[0]: "yield-net (Field)",
        inside[1]: "yield-net (Greenhouse)",
        inside[2]: "only here",
    }
    assert {row["access"] for row in shown.values()} == {"private"}
    assert people.owner.api.get(f"/api/v2/model/{inside[0]}/download").data == b"weights"
    assert people.teammate.api.get("/api/v2/model/list").json[0]["model_id"] == theirs
    assert people.owner.api.get(APPS).status_code == 404
