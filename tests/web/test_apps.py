"""The pages of apps and environments, as people use them without JavaScript."""

import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from portal.domain import access
from portal.domain.entries import Entry
from portal.domain.kinds import SCRIPT
from portal.domain.users import User
from portal.extensions import db
from tests import make
from tests.apps import APP, Model, app_of, model_in
from tests.people import People, Person, in_transaction


def send(person: Person, path: str, **data: Any) -> TestResponse:
    return person.client.post(path, data={"csrf_token": person.csrf_token, **data})


def words(answer: TestResponse) -> str:
    """The page's text, its tags taken out."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2]).split())


def test_a_member_makes_an_app_and_a_model(people: People) -> None:
    team = f"/teams/{people.team_id}"
    assert "New app" in words(people.teammate.client.get(team))
    made = send(people.teammate, f"{team}/apps/new", name="Field")
    app = made.headers["Location"]
    assert made.status_code == 302
    assert re.fullmatch(f"{team}/apps/[0-9a-f-]+", app)
    assert "Field" in words(people.owner.client.get(team))
    registered = send(people.owner, f"{app}/new", name="yield-net", description="From plots")
    shown = people.teammate.client.get(registered.headers["Location"])
    assert "yield-net" in words(shown)
    assert f'href="{app}"' in shown.text
    assert "1 model" in words(people.teammate.client.get(app))


@pytest.mark.parametrize("where", ["app", "model"])
def test_a_taken_name_is_said_beside_the_field_and_kept(people: People, where: str) -> None:
    app_id = app_of(people)
    model_in(people.owner)
    team = f"/teams/{people.team_id}/apps"
    path, name = (f"{team}/new", "FIELD") if where == "app" else (f"{team}/{app_id}/new", "Yield-Net")
    answer = send(people.teammate, path, name=name)
    assert answer.status_code == 409
    assert "with this name. Choose another." in words(answer)
    assert f'value="{name}"' in answer.text
    assert send(people.teammate, path, name="").status_code == 422


def test_an_outsider_sees_neither_app_nor_its_name(people: People) -> None:
    app_id = app_of(people, "Secret crop")
    entry_id = model_in(people.owner, "Secret crop")
    with in_transaction(people.owner.app):
        access.set_access(people.owner.actor, db.session.get_one(Entry, entry_id), "public")
    page = people.stranger.client.get(f"/models/{entry_id}")
    assert page.status_code == 200
    assert "Secret crop" not in page.text
    assert app_id not in page.text
    for path in (f"/teams/{people.team_id}/apps/{app_id}", f"/teams/{people.team_id}/apps/new"):
        assert people.stranger.client.get(path).status_code == 404
    assert "Secret crop" in people.teammate.client.get(f"/models/{entry_id}").text


def test_what_a_member_may_not_see_is_not_counted(people: People) -> None:
    app_id = app_of(people)
    entry_id = model_in(people.owner, name="hidden-net")
    with in_transaction(people.owner.app):
        access.set_access(people.owner.actor, db.session.get_one(Entry, entry_id), "private")
    page = f"/teams/{people.team_id}/apps/{app_id}"
    assert "hidden-net" not in people.teammate.client.get(page).text
    assert "1 model" not in words(people.teammate.client.get(page))
    assert "1 model" in words(people.owner.client.get(page))


def test_a_version_is_deployed_with_one_button(people: People) -> None:
    app_id = app_of(people)
    entry_id = model_in(people.owner)
    for data in (b"one", b"two"):
        make.version(people.owner, entry_id, data)
    path = f"/models/{entry_id}"
    assert "not deployed yet" in words(people.owner.client.get(f"{path}/versions"))
    for environment, version in (("dev", "2"), ("prod", "1"), ("prod", "2")):
        answer = send(people.owner, f"{path}/environments", environment=environment, version=version)
        assert answer.headers["Location"] == f"{path}/versions"
    page = words(people.teammate.client.get(f"{path}/versions"))
    assert "prod became v1 by owner" in page
    assert page.index("prod became v2") < page.index("prod became v1")
    app = words(people.teammate.client.get(f"/teams/{people.team_id}/apps/{app_id}"))
    assert "yield-net owner v2 v2 v2" in app
    assert [row["version"] for row in Model(people.owner).get("/environment_groups").json] == [2, 2]


def test_the_newest_version_is_deployed_from_the_app(people: People) -> None:
    app_id = app_of(people)
    entry_id = model_in(people.owner)
    page = f"/teams/{people.team_id}/apps/{app_id}"
    assert "Deploy" not in words(people.owner.client.get(page))
    Model(people.owner).upload()
    assert "Deploy v1 of yield-net to prod" in words(people.owner.client.get(page))
    assert "Deploy" not in words(people.teammate.client.get(page))
    answer = send(people.owner, f"/models/{entry_id}/environments", environment="prod", version="1", from_app="y")
    assert answer.headers["Location"] == page
    shown = words(people.owner.client.get(page))
    assert "prod of yield-net is version 1 now." in shown
    assert "to prod" not in shown
    assert "Deploy v1 of yield-net to dev" in shown


def test_the_same_version_again_is_no_news(people: People) -> None:
    entry_id = make.entry(people.owner)
    make.version(people.owner, entry_id)
    for _ in range(3):
        send(people.owner, f"/models/{entry_id}/environments", environment="dev", version="1")
    assert people.owner.client.get(f"/models/{entry_id}/versions").text.count("dev became") == 1


def test_scripts_have_environments_too(people: People) -> None:
    entry_id = make.entry(people.owner, kind=SCRIPT)
    make.version(people.owner, entry_id)
    assert send(people.owner, f"/scripts/{entry_id}/environments", environment="prod", version="1").status_code == 302
    assert people.owner.api.get(f"/api/v2/script/{entry_id}").json["deploy_status"] == "complete"


@pytest.mark.parametrize(
    "data", [{"environment": "staging", "version": "1"}, {"environment": "dev", "version": "9"}, {"version": "x"}, {}]
)
def test_what_cannot_be_deployed_is_not(people: People, data: dict[str, str]) -> None:
    entry_id = make.entry(people.owner)
    make.version(people.owner, entry_id)
    assert send(people.owner, f"/models/{entry_id}/environments", **data).status_code == 400
    assert "became" not in people.owner.client.get(f"/models/{entry_id}/versions").text


def test_a_reader_sees_environments_and_no_button(people: People) -> None:
    app_of(people, APP)
    entry_id = model_in(people.owner)
    make.version(people.owner, entry_id)
    page = people.teammate.client.get(f"/models/{entry_id}/versions").text
    assert "Environments" in page
    assert "<select" not in page
    assert "Deploy</button" not in page
    assert send(people.teammate, f"/models/{entry_id}/environments", environment="dev", version="1").status_code == 403


def test_a_deleted_person_is_missing_from_the_history(people: People) -> None:
    entry_id = make.entry(people.owner, access="protected", team_id=people.team_id, default_permission="write")
    make.version(people.owner, entry_id)
    send(people.teammate, f"/models/{entry_id}/environments", environment="dev", version="1")
    with in_transaction(people.owner.app):
        db.session.delete(db.session.get_one(User, people.teammate.id))
    page = words(people.owner.client.get(f"/models/{entry_id}/versions"))
    assert "dev became v1" in page
    assert "by teammate" not in page


def test_who_looks_after_the_team_renames_and_ends_an_app(people: People) -> None:
    app_id = app_of(people)
    app_of(people, "Greenhouse")
    entry_id = model_in(people.owner)
    page = f"/teams/{people.team_id}/apps/{app_id}"
    assert "Rename" not in words(people.teammate.client.get(page))
    assert "Rename" in words(people.team_admin.client.get(page))
    assert send(people.team_admin, f"{page}/edit", name="greenhouse").status_code == 409
    assert send(people.team_admin, f"{page}/edit", name="Field trials").headers["Location"] == page
    assert "Field trials" in words(people.owner.client.get(page))
    assert "stay, with their versions" in words(people.team_admin.client.get(f"{page}/delete"))
    assert send(people.team_admin, f"{page}/delete").headers["Location"] == f"/teams/{people.team_id}"
    assert people.team_admin.client.get(page).status_code == 404
    assert people.teammate.client.get(f"/models/{entry_id}").status_code == 200
