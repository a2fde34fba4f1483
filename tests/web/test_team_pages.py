"""The pages of teams: who sees them, what they list, what they say before something is gone."""

import re
from html import unescape

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal.database import new_id
from portal.domain import acquaintances
from portal.domain.entries import Entry
from portal.domain.kinds import MODEL, SCRIPT, Kind
from portal.domain.teams import Membership
from portal.extensions import db
from tests import make
from tests.people import People, Person, in_transaction, make_team, make_user
from tests.web.test_markup import require_sound


def post(sender: Person, path: str, **fields: str) -> TestResponse:
    return sender.client.post(path, data=fields, headers={"X-CSRFToken": sender.csrf_token})


def names_on(page: str) -> list[str]:
    """What the first column of the table says."""
    cells = re.findall(r'<th scope="row"[^>]*>(.*?)</th>', page, re.DOTALL)
    return [unescape(re.sub(r"<[^>]*>|\(you\)", "", cell)).strip() for cell in cells]


@pytest.fixture
def team(people: People) -> str:
    return f"/teams/{people.team_id}"


def test_the_list_shows_ones_own_and_administrators_all(app: Flask, people: People) -> None:
    with in_transaction(app):
        make_team("Soy", {people.stranger.id: True})
    assert names_on(people.owner.client.get("/teams").text) == ["Barley lab"]
    assert names_on(people.stranger.client.get("/teams").text) == ["Soy"]
    assert names_on(people.admin.client.get("/teams").text) == ["Barley lab", "Soy"]
    none = people.reader.client.get("/teams").text
    assert "You are in no team" in none
    assert "made by an administrator" in none
    assert "New team" not in none
    assert people.anonymous.client.get("/teams").location == "/login?next=/teams"


def test_two_hundred_teams_come_in_pages_and_can_be_searched(app: Flask, people: People) -> None:
    with in_transaction(app):
        for number in range(200):
            make_team(f"Field {number:03}", {})
    first = people.admin.client.get("/teams").text
    require_sound(first)
    assert "201 teams, page 1 of 3" in first
    assert names_on(people.admin.client.get("/teams?page=3").text) == ["Field 199"]
    assert names_on(people.admin.client.get("/teams?q=FIELD%2007").text) == [f"Field 07{digit}" for digit in range(10)]
    assert "There are no more" in people.admin.client.get("/teams?page=9").text


def test_an_outsider_is_told_the_same_as_of_no_team(people: People, team: str) -> None:
    absent = f"/teams/{new_id()}"
    for below in ("", "/edit", "/leave", "/delete"):
        assert people.anonymous.client.get(team + below).location == f"/login?next={team}{below}"
        assert people.anonymous.client.get(absent + below).location == f"/login?next={absent}{below}"
        here, nowhere = people.stranger.client.get(team + below), people.stranger.client.get(absent + below)
        assert here.status_code == nowhere.status_code == 404
        assert said(here) == said(nowhere)
        assert "Barley" not in here.text


def said(answer: TestResponse) -> list[str]:
    return re.findall(r"<title>.*?</title>|<h1>.*?</h1>|<p>.*?</p>", answer.text)


def test_a_team_is_made_with_or_without_its_maker(people: People) -> None:
    made = post(people.admin, "/teams/new", name="Soy", with_me="y")
    page = people.admin.client.get(made.location).text
    require_sound(page)
    assert names_on(page) == ["admin"]
    assert "You look after it" in page
    without = post(people.admin, "/teams/new", name="Wheat")
    page = people.admin.client.get(without.location).text
    assert "You see it as administrator" in page
    assert "Nobody is in it yet." in page
    taken = post(people.admin, "/teams/new", name="soy ")
    assert taken.status_code == 409
    assert 'id="name-error"' in taken.text


def test_somebody_is_added_by_name_or_email_and_finds_the_team(people: People, team: str) -> None:
    assert post(people.team_admin, f"{team}/members", person="Stranger").location == team
    assert names_on(people.stranger.client.get("/teams").text) == ["Barley lab"]
    assert post(people.team_admin, f"{team}/members", person="reader@example.org", as_admin="y").status_code == 302
    page = people.reader.client.get(team).text
    assert names_on(page) == ["reader", "team_admin", "owner", "stranger", "teammate"]
    refused = post(people.team_admin, f"{team}/members", person="nobody-there")
    assert refused.status_code == 422
    assert 'value="nobody-there"' in refused.text
    require_sound(refused.text)


def test_members_see_but_do_not_change(people: People, team: str) -> None:
    page = people.teammate.client.get(team).text
    require_sound(page)
    assert "Add to the team" not in page
    assert "Remove" not in page
    assert post(people.teammate, f"{team}/members", person="stranger").status_code == 403


def test_what_is_shared_is_listed_for_both_kinds(people: People, team: str) -> None:
    for number in range(12):
        make.entry(people.owner, f"Net {number:02}", access="protected", team_id=people.team_id)
    make.entry(people.teammate, "Clean plots", kind=SCRIPT, access="protected", team_id=people.team_id)
    make.entry(people.owner, "My own")
    page = people.teammate.client.get(team).text
    require_sound(page)
    assert "Clean plots" in page
    assert "My own" not in page
    all_of_it = re.search(r'<a href="([^"]*)">All 12 models of the team</a>', page)
    assert all_of_it
    listed = people.teammate.client.get(unescape(all_of_it[1])).text
    assert "12 models" in listed
    assert "Team: Barley lab" in listed


@pytest.mark.parametrize("name", ["Barley lab", "BARLEY LAB"])
def test_the_filter_by_team_gives_nothing_away(people: People, kind: Kind, name: str) -> None:
    make.entry(people.owner, "Shared", kind=kind, access="protected", team_id=people.team_id)
    make.entry(people.owner, "Open", kind=kind, access="public")
    listed = people.teammate.client.get(f"/{kind.slug}", query_string={"team": name}).text
    assert ("Shared" in listed, "Open" in listed) == (True, False)
    outside = people.stranger.client.get(f"/{kind.slug}", query_string={"team": name}).text
    assert "Nothing matches" in outside
    assert 'id="team-' not in people.stranger.client.get(f"/{kind.slug}").text


def test_a_team_that_is_renamed_has_its_new_name_at_once(people: People, team: str) -> None:
    make.entry(people.owner, "Shared", access="protected", team_id=people.team_id)
    assert 'value="Barley lab"' in people.teammate.client.get("/models").text
    assert post(people.team_admin, f"{team}/edit", name="Oat lab").location == team
    listed = people.teammate.client.get("/models").text
    assert 'value="Oat lab"' in listed
    assert "Barley" not in listed


def test_leaving_says_what_is_closed_then(people: People, team: str) -> None:
    make.entry(people.owner, "Mine", access="protected", team_id=people.team_id)
    theirs = make.entry(people.teammate, "Theirs", access="protected", team_id=people.team_id)
    page = people.owner.client.get(f"{team}/leave").text
    require_sound(page)
    assert "closed to you then: 1 model." in page
    assert post(people.owner, f"{team}/leave").location == "/teams"
    assert people.owner.client.get(f"/models/{theirs}").status_code == 404
    assert people.owner.client.get(team).status_code == 404


def test_deleting_says_what_becomes_private_and_wants_the_name(app: Flask, people: People, team: str) -> None:
    entry_id = make.entry(people.owner, "Mine", access="protected", team_id=people.team_id)
    make.entry(people.owner, "Tool", kind=SCRIPT, access="protected", team_id=people.team_id)
    page = people.admin.client.get(f"{team}/delete").text
    require_sound(page)
    assert "with its 3 memberships" in page
    assert "1 model and 1 script" in page
    refused = post(people.admin, f"{team}/delete", name="Barley")
    assert refused.status_code == 422
    assert "This is not its name." in refused.text
    assert post(people.admin, f"{team}/delete", name="Barley lab").location == "/teams"
    with app.app_context():
        assert db.session.get_one(Entry, entry_id).access == "private"
    assert people.owner.client.get(f"/models/{entry_id}").status_code == 200
    assert people.teammate.client.get(f"/models/{entry_id}").status_code == 404


def test_a_large_team_comes_in_pages(app: Flask, people: People) -> None:
    with in_transaction(app):
        many = {make_user(f"grower-{number:03}"): False for number in range(250)}
        team_id = make_team("Soy", {**many, people.owner.id: True})
    path = f"/teams/{team_id}"
    assert "251 members, page 1 of 3" in people.owner.client.get(path).text
    assert names_on(people.owner.client.get(f"{path}?page=3").text)[-1] == "grower-249"
    assert len(names_on(people.owner.client.get(f"{path}?q=grower-24").text)) == 10
    assert "Nobody in the team has" in people.owner.client.get(f"{path}?q=zebra").text


def test_completion_knows_whom_the_caller_knows(app: Flask, people: People) -> None:
    """Not even an exact name or e-mail brings up whom one shares no team with."""
    with app.app_context():
        for person, everybody in ((people.owner, False), (people.reader, False), (people.admin, True)):
            for other in ("stranger", "stranger@example.org", "str", ""):
                offered = {row.username for row in acquaintances.known(person.actor, other)}
                assert ("stranger" in offered) is everybody, (person.name, other)
        assert {row.username for row in acquaintances.known(people.owner.actor, "")} == {
            "owner",
            "team_admin",
            "teammate",
        }
    swap = {"HX-Request": "true"}
    offered = people.owner.client.get("/teams/people?person=team", headers=swap).text
    assert re.findall(r'<option value="(\w+)">', offered) == ["team_admin", "teammate"]
    assert people.owner.client.get("/teams/people?person=team").location == "/teams"
    assert people.owner.client.get("/teams/people", query_string={"person": "\0"}, headers=swap).status_code == 422


def test_removed_in_the_meantime_is_no_fault(app: Flask, people: People, team: str) -> None:
    with in_transaction(app):
        db.session.delete(db.session.get_one(Membership, (people.team_id, people.teammate.id)))
    answer = post(people.team_admin, f"{team}/members/{people.teammate.id}/removal")
    assert answer.location == team
    assert "This person is not in the team any more." in people.team_admin.client.get(team).text
    assert post(people.team_admin, f"{team}/members/{new_id()}/removal").status_code == 404
    assert make.entry(people.owner, kind=MODEL)
