"""The policy table: what level each rule gives, and that nothing is allowed which no rule allows."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from portal.security.actor import Actor, Via, nobody
from portal.security.policy import (
    POLICY,
    Level,
    OnAccount,
    OnApp,
    OnEntry,
    OnTeam,
    OnUpload,
    Permission,
    Portal,
    can,
    level,
)
from tests.security.expectations import levels

PEOPLE = {
    "anonymous": nobody(may_read_public=True),
    "stranger": Actor(user_id="stranger", teams={"other": True}, may_write=True, via=Via.SESSION),
    "teammate": Actor(user_id="teammate", teams={"ours": False}, may_write=True, via=Via.SESSION),
    "team_admin": Actor(user_id="team_admin", teams={"ours": True}, may_write=True, via=Via.SESSION),
    "owner": Actor(user_id="owner", teams={"ours": False}, may_write=True, via=Via.SESSION),
    "admin": Actor(user_id="admin", is_admin=True, may_write=True, via=Via.SESSION),
}
LEVEL_OF = {
    "hidden": Level.NONE,
    "stranger": Level.NONE,
    "public": Level.READ,
    "reader": Level.READ,
    "writer": Level.WRITE,
    "owner": Level.OWNER,
    "admin": Level.OWNER,
}
EVERY_PERMISSION = [*Portal, *OnEntry, *OnTeam, *OnApp, *OnUpload, *OnAccount]
OUR_TEAM = SimpleNamespace(id="ours")
OUR_APP = SimpleNamespace(id="app", team=OUR_TEAM)


def entry(state: str, team_id: str | None = "ours") -> Any:
    access, _, permission = state.partition("-")
    return SimpleNamespace(owner_id="owner", access=access, team_id=team_id, default_permission=permission or "read")


@pytest.mark.parametrize("state", levels())
def test_each_person_has_the_level_of_the_table(state: str) -> None:
    found = {name: level(PEOPLE[name], entry(state)) for name in levels()[state]}

    assert found == {name: LEVEL_OF[column] for name, column in levels()[state].items()}


def test_a_team_counts_for_protected_entries_alone() -> None:
    assert level(PEOPLE["team_admin"], entry("private")) is Level.NONE
    assert level(PEOPLE["team_admin"], entry("public-read")) is Level.READ


def test_a_protected_entry_without_a_team_is_for_its_owner() -> None:
    teamless = entry("protected-write", team_id=None)

    assert [name for name, actor in PEOPLE.items() if level(actor, teamless)] == ["owner", "admin"]


def test_an_access_that_nobody_knows_is_for_its_owner() -> None:
    unknown = entry("published-write")

    assert [name for name, actor in PEOPLE.items() if level(actor, unknown)] == ["owner", "admin"]


def test_visitors_read_nothing_where_the_portal_says_so() -> None:
    assert level(nobody(may_read_public=False), entry("public-write")) is Level.NONE


def test_nobody_owns_what_has_no_owner() -> None:
    orphan = SimpleNamespace(owner_id=None, access="private", team_id=None, default_permission="write")

    assert level(PEOPLE["anonymous"], orphan) is Level.NONE


def test_an_unknown_permission_is_nobodys() -> None:
    class Invented(Permission):
        FLY = "fly"

    assert not can(PEOPLE["admin"], Invented.FLY, entry("public-write"))


def test_every_permission_has_a_rule() -> None:
    assert set(EVERY_PERMISSION) == POLICY.keys()


def test_nobody_may_nothing_but_read_what_is_public() -> None:
    things: dict[type[Permission], Any] = {
        OnEntry: entry("public-write"),
        OnTeam: OUR_TEAM,
        OnApp: OUR_APP,
        OnUpload: SimpleNamespace(id="u", user_id=None, entry=entry("public-write")),
        OnAccount: None,
    }
    allowed = [each for each in EVERY_PERMISSION if can(PEOPLE["anonymous"], each, things.get(type(each)))]

    assert allowed == [OnEntry.READ]


@pytest.mark.parametrize("name", ["owner", "admin"])
def test_a_credential_that_may_only_read_changes_nothing(name: str) -> None:
    reading = replace(PEOPLE[name], may_write=False, via=Via.TOKEN)
    upload = SimpleNamespace(id="u", user_id=name, entry=entry("public-write"))
    things: dict[type[Permission], Any] = {OnUpload: upload, OnAccount: name}
    things |= {OnEntry: entry("private"), OnTeam: OUR_TEAM, OnApp: OUR_APP}

    allowed = {each for each in EVERY_PERMISSION if can(reading, each, things.get(type(each)))}
    overseen = {Portal.OVERSEE, OnTeam.OVERSEE} if name == "admin" else set()
    assert allowed == {Portal.USE, OnEntry.READ, OnEntry.OVERSEE, OnTeam.SEE, OnUpload.SEE} | overseen


def test_an_upload_token_is_good_for_its_upload_alone() -> None:
    token = replace(PEOPLE["owner"], via=Via.UPLOAD, upload_id="u")
    upload = SimpleNamespace(id="u", user_id="owner", entry=entry("private"))
    other = SimpleNamespace(id="v", user_id="owner", entry=entry("private"))
    things: dict[type[Permission], Any] = {OnEntry: entry("private"), OnTeam: OUR_TEAM, OnApp: OUR_APP}
    things |= {OnAccount: "owner"}

    assert all(can(token, each, upload) for each in OnUpload)
    assert not any(can(token, each, other) for each in OnUpload)
    assert not any(can(token, each, things.get(type(each))) for each in set(EVERY_PERMISSION) - set(OnUpload))


def test_an_upload_is_continued_by_who_began_it_and_may_still_write() -> None:
    begun = SimpleNamespace(id="u", user_id="teammate", entry=entry("protected-write"))
    lost = SimpleNamespace(id="u", user_id="teammate", entry=entry("protected-read"))

    assert [name for name, actor in PEOPLE.items() if can(actor, OnUpload.CONTINUE, begun)] == ["teammate"]
    assert not any(can(actor, OnUpload.CONTINUE, lost) for actor in PEOPLE.values())


def test_a_team_is_for_those_who_are_in_it_and_for_administrators() -> None:
    allowed = {each: [name for name, actor in PEOPLE.items() if can(actor, each, OUR_TEAM)] for each in OnTeam}

    assert allowed == {
        OnTeam.SEE: ["teammate", "team_admin", "owner", "admin"],
        OnTeam.CONTRIBUTE: ["teammate", "team_admin", "owner", "admin"],
        OnTeam.LEAVE: ["teammate", "team_admin", "owner", "admin"],
        OnTeam.OVERSEE: ["team_admin", "admin"],
        OnTeam.ADMINISTER: ["team_admin", "admin"],
        OnTeam.REMOVE: ["admin"],
    }


def test_an_app_is_filled_by_those_in_its_team() -> None:
    allowed = {each: [name for name, actor in PEOPLE.items() if can(actor, each, OUR_APP)] for each in OnApp}

    assert allowed == {
        OnApp.CONTRIBUTE: ["teammate", "team_admin", "owner", "admin"],
        OnApp.ADMINISTER: ["team_admin", "admin"],
    }


def test_teams_are_made_by_administrators() -> None:
    assert [name for name, actor in PEOPLE.items() if can(actor, Portal.ADMINISTER)] == ["admin"]


def test_an_account_is_changed_by_its_person_alone() -> None:
    assert [name for name, actor in PEOPLE.items() if can(actor, OnAccount.SELF, "owner")] == ["owner"]
    assert not can(PEOPLE["anonymous"], OnAccount.SELF, None)
