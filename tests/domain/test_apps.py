"""Apps and environments: whose names they are, what becomes of them, and two who change them at once."""

from contextlib import suppress

import pytest
from flask import Flask

from portal.domain import access, app_pages, apps, entries, environments, people, teams
from portal.domain.apps import App
from portal.domain.entries import Entry
from portal.domain.kinds import MODEL
from portal.domain.teams import Team
from portal.errors import Conflict, NotFound
from portal.extensions import db
from tests import make
from tests.apps import APP, Model, app_of, model_in
from tests.people import People, in_transaction
from tests.racing import Call, at_once, meanwhile


def renamed(people: People, entry_id: str, name: str) -> None:
    with in_transaction(people.owner.app):
        entries.edit(people.owner.actor, db.session.get_one(Entry, entry_id), {"name": name})


def name_of(people: People, entry_id: str) -> str:
    with people.owner.app.app_context():
        return db.session.get_one(Entry, entry_id).name


def test_a_new_name_is_free_in_the_app_or_refused(people: People) -> None:
    app_of(people)
    make.entry(people.owner, "outside")
    inside, other = model_in(people.owner, name="inside"), model_in(people.teammate, name="other")
    renamed(people, inside, "outside")
    with pytest.raises(Conflict, match="This app already has a model with this name"):
        renamed(people, inside, "OTHER")
    assert (name_of(people, inside), name_of(people, other)) == ("outside", "other")


def test_a_new_name_outside_is_free_among_ones_own_or_refused(people: People) -> None:
    app_of(people)
    model_in(people.owner, name="inside")
    outside = make.entry(people.owner, "outside")
    make.entry(people.owner, "taken")
    renamed(people, outside, "inside")
    with pytest.raises(Conflict, match="You already have a model with this name"):
        renamed(people, outside, "Taken")


def test_a_model_in_an_app_is_handed_over_under_its_name(people: People) -> None:
    app_of(people)
    make.entry(people.teammate, "yield-net")
    entry_id = model_in(people.owner)
    with in_transaction(people.owner.app):
        access.set_owner(people.owner.actor, db.session.get_one(Entry, entry_id), people.teammate.id or "")
    assert name_of(people, entry_id) == "yield-net"
    assert Model(people.teammate).upload()["version"] == 1
    assert Model(people.owner).post("/model_versions", json={}).status_code == 403


def test_the_models_of_a_deleted_person_stay_in_their_apps(people: People) -> None:
    app_of(people)
    entry_id = model_in(people.owner)
    Model(people.owner).upload()
    Model(people.owner).post("/deploy", json={})
    make.entry(people.admin, "yield-net")
    with in_transaction(people.admin.app):
        people_removed(people)
    assert name_of(people, entry_id) == "yield-net"
    assert Model(people.teammate).download().data == b"weights"
    assert [row["version"] for row in Model(people.teammate).get("/environment_groups").json] == [1, None]


def people_removed(crowd: People) -> None:
    people.remove(crowd.admin.actor, crowd.owner.id or "")


def test_a_dissolved_app_renames_until_a_name_is_free(people: People) -> None:
    app_of(people)
    for name in ("yield-net", "yield-net (Field)", "yield-net (Field 2)"):
        make.entry(people.owner, name)
    entry_id = model_in(people.owner)
    removed(people)
    assert name_of(people, entry_id) == "yield-net (Field 3)"


def test_a_dissolved_app_keeps_names_within_bounds(people: People) -> None:
    app_of(people, "a" * 255)
    make.entry(people.owner, "n" * 255)
    entry_id = model_in(people.owner, "a" * 255, "n" * 255)
    removed(people)
    assert len(name_of(people, entry_id)) == 255
    assert name_of(people, entry_id).endswith(f" ({'a' * 100})")


def removed(people: People) -> None:
    with in_transaction(people.admin.app):
        teams.remove(people.admin.actor, db.session.get_one(Team, people.team_id))


def test_an_app_that_ends_leaves_its_models_shared(people: People) -> None:
    app_id = app_of(people)
    make.entry(people.owner, "yield-net")
    ids = [model_in(people.owner), model_in(people.teammate, name="lodging")]
    Model(people.owner).upload()
    Model(people.owner).post("/deploy", json={})
    with in_transaction(people.team_admin.app):
        apps.remove(people.team_admin.actor, db.session.get_one(App, app_id))
    assert [name_of(people, entry_id) for entry_id in ids] == ["yield-net (Field)", "lodging"]
    shown = people.teammate.api.get(f"/api/v2/model/{ids[0]}").json
    assert (shown["access"], shown["deploy_status"], shown["version"]) == ("protected", "complete", 1)
    assert Model(people.owner).get("/model_versions").status_code == 404


def test_a_team_that_goes_leaves_the_apps_of_others_alone(people: People) -> None:
    """Even where what is in them was shared with it."""
    app_of(people)
    entry_id = model_in(people.owner)
    with in_transaction(people.admin.app):
        other = teams.create(people.admin.actor, "Oat lab").id
        teams.add(people.admin.actor, db.session.get_one(Team, other), people.owner.id or "")
    with in_transaction(people.owner.app):
        access.set_access(people.owner.actor, db.session.get_one(Entry, entry_id), "protected", other)
    assert Model(people.teammate).get("/model_versions").status_code == 404
    with in_transaction(people.admin.app):
        teams.remove(people.admin.actor, db.session.get_one(Team, other))
    assert Model(people.owner).get("/model_versions").status_code == 200
    assert Model(people.teammate).get("/model_versions").status_code == 404


def test_a_renamed_app_is_found_by_its_new_name(people: People) -> None:
    app_id = app_of(people)
    app_of(people, "Greenhouse")
    model_in(people.owner)
    with in_transaction(people.team_admin.app):
        apps.rename(people.team_admin.actor, db.session.get_one(App, app_id), "FIELD trials")
    assert Model(people.owner, app="field Trials").get("/model_versions").status_code == 200
    assert Model(people.owner).get("/model_versions").status_code == 404
    with pytest.raises(Conflict), in_transaction(people.team_admin.app):
        apps.rename(people.team_admin.actor, db.session.get_one(App, app_id), "greenhouse")


def test_a_model_made_while_its_app_ends(app: Flask, people: People) -> None:
    app_id = app_of(people)
    person, headers = people.team_admin, {"X-CSRFToken": people.team_admin.csrf_token}
    path = f"/teams/{people.team_id}/apps/{app_id}/delete"
    end = lambda: person.client.post(path, headers=headers)  # noqa: E731
    made, ended = meanwhile(app, "INSERT INTO entry", posting(people, f"/{app_id}/models", name="late"), end)
    assert (made.status_code, ended.status_code) == (200, 302)
    assert name_of(people, made.json["id"]) == "late"
    assert names_of_apps(app) == []
    app_id = app_of(people)
    path = path.replace(path.split("/")[4], app_id)
    ended, made = meanwhile(app, "DELETE FROM app", end, posting(people, f"/{app_id}/models", name="later"))
    assert (ended.status_code, made.status_code) == (302, 404)


def test_deleting_a_model_forgets_what_was_deployed(people: People) -> None:
    app_of(people)
    entry_id = model_in(people.owner)
    Model(people.owner).upload()
    Model(people.owner).post("/deploy", json={})
    assert people.owner.api.delete(f"/api/v2/model/{entry_id}").status_code == 200
    again = model_in(people.owner)
    assert [row["version"] for row in Model(people.owner, again).get("/environment_groups").json] == [None, None]


def test_lists_and_single_questions_agree_for_everybody(people: People) -> None:
    app_id = app_of(people)
    hidden, shown = model_in(people.owner, name="hidden"), model_in(people.teammate, name="shown")
    with in_transaction(people.owner.app):
        access.set_access(people.owner.actor, db.session.get_one(Entry, hidden), "private")
    for person in (people.owner, people.teammate, people.team_admin, people.admin):
        with person.app.app_context():
            app = db.session.get_one(App, app_id)
            rows, total = app_pages.entries(person.actor, app, 100, 0)
            listed = {row.id for row in rows}
            found = set()
            for entry_id in (hidden, shown):
                with suppress(NotFound):
                    found.add(apps.get_entry(person.actor, app, MODEL, entry_id).id)
            assert listed == found == {each.id for each in apps.entries_of(person.actor, [app], MODEL)[app_id]}
            assert (len(listed), app_pages.overview(person.actor, app.team)[0].entries) == (total, total)


def test_what_is_deployed_is_written_down(people: People) -> None:
    app_of(people)
    entry_id = model_in(people.owner)
    Model(people.owner).upload()
    Model(people.owner).post("/deploy", json={"environment": "prod"})
    with people.owner.app.app_context():
        entry = db.session.get_one(Entry, entry_id)
        (row,) = environments.history(people.owner.actor, entry)
        assert (row.environment, row.number, row.username) == ("prod", 1, "owner")


@pytest.fixture
def remove_team(people: People) -> Call:
    headers = people.admin.headers
    return lambda: people.admin.app.test_client().delete(f"/api/v2/team/{people.team_id}", headers=headers)


def posting(people: People, path: str, by: str = "teammate", **body: object) -> Call:
    person = getattr(people, by)
    headers = person.headers
    path = f"/api/v2/organizations/{people.team_id}/apps{path}"
    return lambda: person.app.test_client().post(path, json=body, headers=headers)


def test_an_app_made_while_its_team_is_deleted(app: Flask, people: People, remove_team: Call) -> None:
    made, gone = meanwhile(app, "INSERT INTO app", posting(people, "", name=APP), remove_team)
    assert (made.status_code, gone.status_code) == (200, 200)
    assert names_of_apps(app) == []


def test_a_model_made_while_the_team_is_deleted_stays(app: Flask, people: People, remove_team: Call) -> None:
    app_id = app_of(people)
    made, gone = meanwhile(app, "INSERT INTO entry", posting(people, f"/{app_id}/models", name="late"), remove_team)
    assert (made.status_code, gone.status_code) == (200, 200)
    shown = people.teammate.api.get(f"/api/v2/model/{made.json['id']}").json
    assert (shown["model_name"], shown["access"], shown["team_id"]) == ("late", "private", None)


def test_a_team_deleted_while_a_model_is_made(app: Flask, people: People, remove_team: Call) -> None:
    app_id = app_of(people)
    gone, made = meanwhile(app, "DELETE FROM team", remove_team, posting(people, f"/{app_id}/models", name="late"))
    assert (gone.status_code, made.status_code) == (200, 404)


def test_an_app_is_made_once(app: Flask, people: People) -> None:
    answers = at_once(app, "INSERT INTO app", posting(people, "", name=APP), posting(people, "", name=APP.upper()))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


def test_a_model_is_made_once_by_two_people(app: Flask, people: People) -> None:
    app_of(people)
    calls = [
        posting(people, f"/{APP}/models", by=by, name=name) for by, name in (("owner", "One"), ("teammate", "one"))
    ]
    answers = at_once(app, "INSERT INTO entry", *calls)
    assert sorted(answer.status_code for answer in answers) == [200, 409]


def names_of_apps(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(db.select(App.name)))
