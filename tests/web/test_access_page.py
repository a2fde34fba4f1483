"""The page where an owner sees who can see an entry, and what a change does before it is made."""

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal.database import new_id
from portal.domain.entries import Entry
from portal.domain.kinds import Kind
from portal.domain.teams import Membership
from portal.extensions import db
from tests import make
from tests.people import People, Person, in_transaction, make_team, make_user
from tests.web.test_markup import require_sound


def post(sender: Person, path: str, headers: dict[str, str] | None = None, **fields: str) -> TestResponse:
    sent = {"X-CSRFToken": sender.csrf_token, **(headers or {})}
    return sender.client.post(path, data=fields, headers=sent)


def looked_at(answer: TestResponse) -> dict[str, str]:
    """What the form carries of the preview that it shows."""
    found = re.findall(r'name="(seen|chosen)" value="([^"]*)"', answer.text)
    return {name: unescape(value) for name, value in found}


def words(answer: TestResponse) -> list[str]:
    """The sentences of the preview."""
    lines = re.findall(r'class="preview-line">.*?<div>(.*?)(?:<details|</div>)', answer.text, re.DOTALL)
    return [unescape(" ".join(line.split())) for line in lines]


def state(app: Flask, entry_id: str) -> tuple[str, str | None, str]:
    with app.app_context():
        entry = db.session.get_one(Entry, entry_id)
        return entry.access, entry.team_id, entry.default_permission


def members(app: Flask, team_id: str, *add: str) -> None:
    with in_transaction(app):
        db.session.add_all(Membership(team_id=team_id, user_id=make_user(name)) for name in add)


@pytest.fixture
def path(people: People, kind: Kind) -> str:
    return f"/{kind.slug}/{make.entry(people.owner, kind=kind)}/access"


def test_the_first_answer_is_a_preview_and_the_second_saves(app: Flask, people: People, path: str) -> None:
    choice = {"access": "protected", "team_id": people.team_id, "permission": "write"}
    shown = post(people.owner, path, **choice)
    assert shown.status_code == 200
    require_sound(shown.text)
    assert words(shown) == [
        "Adds team_admin (admin of team Barley lab): owner.",
        "Adds teammate of team Barley lab: write.",
    ]
    assert state(app, path.split("/")[2]) == ("private", None, "read"), "a look changes nothing"

    saved = post(people.owner, path, **choice, **looked_at(shown))
    assert (saved.status_code, saved.location) == (302, path)
    assert state(app, path.split("/")[2]) == ("protected", people.team_id, "write")
    page = people.owner.client.get(path).text
    rows = re.findall(r'<th scope="row" class="wrap">(\w+).*?<td data-label="Level">(\w+)</td>', page, re.DOTALL)
    assert rows == [("owner", "owner"), ("admin", "owner"), ("team_admin", "owner"), ("teammate", "write")]
    assert people.teammate.client.get(path.removesuffix("/access")).status_code == 200


def test_a_swap_gets_the_preview_alone_and_saves_nothing(app: Flask, people: People, path: str) -> None:
    choice = {"access": "public", "permission": "read"}
    shown = post(people.owner, path, {"HX-Request": "true"}, **choice)
    assert shown.text.startswith('<div class="preview preview-shown" id="preview">')
    again = post(people.owner, path, {"HX-Request": "true"}, **choice, **looked_at(shown), confirm="y")
    assert (again.status_code, words(again)) == (200, words(shown))
    assert state(app, path.split("/")[2])[0] == "private"


def test_a_swap_says_why_there_is_no_preview(people: People, path: str) -> None:
    shown = post(people.owner, path, {"HX-Request": "true"}, access="protected", permission="read")
    assert shown.status_code == 200
    assert "Choose a team." in shown.text
    assert "Save" not in shown.text


def test_making_it_public_asks_first(app: Flask, people: People, path: str) -> None:
    choice = {"access": "public", "permission": "write"}
    shown = post(people.owner, path, **choice)
    assert words(shown) == ["Adds everybody who is signed in: write.", "Adds visitors who are not signed in: read."]
    assert "Yes, everybody may see it from now on, and change it after signing in." in shown.text
    refused = post(people.owner, path, **choice, **looked_at(shown))
    assert refused.status_code == 422
    assert "Tick this to go on." in refused.text
    require_sound(refused.text)
    assert state(app, path.split("/")[2])[0] == "private"
    saved = post(people.owner, path, **choice, **looked_at(refused), confirm="y")
    assert (saved.status_code, state(app, path.split("/")[2])) == (302, ("public", None, "write"))
    assert "everybody else" in people.owner.client.get(path).text


def test_taking_it_back_asks_nothing(app: Flask, people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind, access="public")
    path = f"/{kind.slug}/{entry_id}/access"
    shown = post(people.owner, path, access="private", permission="read")
    assert words(shown) == ["Removes everybody who is signed in.", "Removes visitors who are not signed in."]
    assert post(people.owner, path, access="private", permission="read", **looked_at(shown)).status_code == 302
    assert people.stranger.client.get(f"/{kind.slug}/{entry_id}").status_code == 404


def test_one_more_in_the_team_since_then_is_said(app: Flask, people: People, path: str) -> None:
    choice = {"access": "protected", "team_id": people.team_id, "permission": "read"}
    shown = post(people.owner, path, **choice)
    members(app, people.team_id, "maya")
    answer = post(people.owner, path, **choice, **looked_at(shown))
    assert answer.status_code == 409
    assert "Meanwhile somebody changed" in answer.text
    assert "Adds maya and teammate of team Barley lab: read." in words(answer)
    assert f'value="{people.team_id}"' in answer.text
    assert re.search(r'selected value="' + people.team_id, answer.text), "the choice is kept"
    assert state(app, path.split("/")[2])[0] == "private"
    assert post(people.owner, path, **choice, **looked_at(answer)).status_code == 302


def test_another_choice_than_the_one_looked_at_is_shown_first(app: Flask, people: People, path: str) -> None:
    shown = post(people.owner, path, access="protected", team_id=people.team_id, permission="read")
    answer = post(people.owner, path, access="public", permission="read", **looked_at(shown), confirm="y")
    assert answer.status_code == 422
    assert "another choice" in answer.text
    assert state(app, path.split("/")[2])[0] == "private"


def test_few_are_named_and_many_are_counted(app: Flask, people: People, path: str) -> None:
    with in_transaction(app):
        crowd = {make_user(f"grower-{number:02}"): False for number in range(14)}
        team_id = make_team("Soy", {**crowd, people.owner.id: False})
    shown = post(people.owner, path, access="protected", team_id=team_id, permission="read")
    assert words(shown) == ["Adds 14 people of team Soy: read."]
    assert "grower-00, grower-01" in shown.text


def test_going_from_one_team_to_another_says_who_goes(app: Flask, people: People, kind: Kind) -> None:
    with in_transaction(app):
        soy = make_team("Soy", {people.owner.id: True, people.stranger.id: False, people.teammate.id: False})
    entry_id = make.entry(people.owner, kind=kind, access="protected", team_id=people.team_id)
    shown = post(people.owner, f"/{kind.slug}/{entry_id}/access", access="protected", team_id=soy, permission="write")
    assert words(shown) == [
        "Adds stranger of team Soy: write.",
        "Gives teammate of team Soy more: write instead of read.",
        "Removes team_admin (admin of team Barley lab).",
    ]


@pytest.mark.parametrize("name", ["stranger", "STRANGER@example.org "])
def test_handing_over_asks_and_leads_where_the_giver_can_still_go(
    app: Flask, people: People, kind: Kind, name: str
) -> None:
    path = f"/{kind.slug}/{make.entry(people.owner, kind=kind)}/access"
    choice = {"access": "private", "permission": "read", "person": name}
    shown = post(people.owner, path, **choice)
    assert words(shown) == ["Makes stranger the owner.", "Removes you (owner until now)."]
    assert "I will not see it any more" in shown.text
    assert post(people.owner, path, **choice, **looked_at(shown)).status_code == 422
    saved = post(people.owner, path, **choice, **looked_at(shown), confirm="y")
    assert (saved.status_code, saved.location) == (302, f"/{kind.slug}")
    assert people.owner.client.get(path).status_code == 404
    assert people.stranger.client.get(path).status_code == 200


def test_handing_over_to_somebody_who_could_do_all_already_names_them(people: People, path: str) -> None:
    shown = post(people.owner, path, access="private", permission="read", person="admin")

    assert words(shown) == ["Makes admin the owner.", "Removes you (owner until now)."]


def test_a_name_that_the_new_owner_uses_is_refused_beside_the_field(people: People, kind: Kind) -> None:
    make.entry(people.stranger, "twin", kind=kind)
    path = f"/{kind.slug}/{make.entry(people.owner, 'Twin', kind=kind)}/access"
    choice = {"access": "private", "permission": "read", "person": "stranger"}
    refused = post(people.owner, path, **choice)
    assert refused.status_code == 409
    assert re.search(r'id="person-error"', refused.text)
    require_sound(refused.text)
    assert people.owner.client.get(path).status_code == 200


def test_what_will_not_do_stands_beside_its_field_and_what_was_typed_stays(people: People, path: str) -> None:
    answer = post(people.owner, path, access="protected", permission="write", person="nobody-there")
    assert answer.status_code == 422
    assert 'id="person-error"' in answer.text
    assert 'value="nobody-there"' in answer.text
    assert re.search(r'<input[^>]*checked[^>]*value="protected"', answer.text)
    assert 'id="team_id-error"' in post(people.owner, path, access="protected", permission="write").text


def test_others_find_nothing_there(people: People, path: str) -> None:
    absent = f"{path.split('/')[1]}/{new_id()}/access"
    assert people.anonymous.client.get(path).location == f"/login?next={path}"
    assert people.anonymous.client.get(f"/{absent}").location == f"/login?next=/{absent}"
    for here, nowhere in ((people.stranger.client.get(path), people.stranger.client.get(f"/{absent}")),):
        assert here.status_code == nowhere.status_code == 404
        assert re.findall("<h1>.*?</h1>|<p>.*?</p>", here.text) == re.findall("<h1>.*?</h1>|<p>.*?</p>", nowhere.text)


def test_only_owners_have_the_tab_and_all_have_the_fact(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind, access="protected", team_id=people.team_id)
    path = f"/{kind.slug}/{entry_id}"
    for person, has_tab in ((people.owner, True), (people.team_admin, True), (people.teammate, False)):
        page = person.client.get(path).text
        assert (f'href="{path}/access"' in page) is has_tab
        assert f'href="/teams/{people.team_id}">Barley lab</a>' in page
        assert "Team Barley lab" in page


def test_a_closed_portal_says_nothing_of_visitors(make_app: Any) -> None:
    from tests.people import make_people

    people = make_people(make_app(anonymous_read=False))
    path = f"/models/{make.entry(people.owner)}/access"
    assert words(post(people.owner, path, access="public", permission="read")) == [
        "Adds everybody who is signed in: read."
    ]
