"""Teams: who makes and sees them, who is let in and out, and what becomes of what they share."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from portal.database import new_id
from portal.domain import teams
from portal.domain.audit import AuditEntry
from portal.domain.entries import Entry
from portal.domain.kinds import MODEL, Kind
from portal.domain.teams import Membership, Team
from portal.errors import Conflict, Denied, Invalid, NotFound
from portal.extensions import db
from tests import make
from tests.people import People, Person, in_transaction


def the_team(people: People) -> Team:
    return db.session.get_one(Team, people.team_id)


def rows(team_id: str) -> dict[str, bool]:
    """Whether each member administers the team."""
    of_it = select(Membership).where(Membership.team_id == team_id)
    return {each.user_id: each.is_admin for each in db.session.scalars(of_it)}


def noted(*words: str) -> list[tuple[str, str, str]]:
    """The trail's team and member rows: what, about whom, in which team."""
    found = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
    return [(row.what, row.about, row.team_name) for row in found if row.what.startswith(words or ("team", "member"))]


def test_an_administrator_makes_a_team(app: Flask, people: People) -> None:
    with in_transaction(app):
        team = teams.create(people.admin.actor, "  Oat   lab ")
        assert (team.name, rows(team.id)) == ("Oat   lab", {})
        mine = teams.create(people.admin.actor, "Rye lab", with_me=True)
        assert rows(mine.id) == {people.admin.id: True}
        assert noted() == [
            ("team.created", "", "Oat   lab"),
            ("team.created", "", "Rye lab"),
            ("member.added", "admin", "Rye lab"),
            ("member.promoted", "admin", "Rye lab"),
        ]


def test_nobody_else_makes_one(app: Flask, people: People) -> None:
    for person in (people.owner, people.team_admin, people.stranger):
        with in_transaction(app), pytest.raises(Denied):
            teams.create(person.actor, "Oat lab")


def test_a_team_has_its_name_for_itself(app: Flask, people: People) -> None:
    with in_transaction(app):
        for name in ("Barley lab", " BARLEY LAB"):
            with pytest.raises(Conflict) as refused:
                teams.create(people.admin.actor, name)
            assert [field for field, _ in refused.value.fields] == ["name"]
        for name in ("", " ", "a\u202eb", "x" * 256):
            with pytest.raises(Invalid):
                teams.create(people.admin.actor, name)
        assert db.session.query(Team).count() == 1


def test_a_team_is_renamed_by_who_looks_after_it(app: Flask, people: People) -> None:
    with in_transaction(app):
        teams.create(people.admin.actor, "Oat lab")
        teams.rename(people.team_admin.actor, the_team(people), "BARLEY Lab")
        teams.rename(people.admin.actor, the_team(people), "Wheat lab")
        with pytest.raises(Conflict):
            teams.rename(people.admin.actor, the_team(people), "oat LAB")
        db.session.refresh(the_team(people))
        assert (the_team(people).name, the_team(people).name_key) == ("Wheat lab", "wheat lab")
    for person, error in ((people.owner, Denied), (people.stranger, NotFound), (people.anonymous, NotFound)):
        with in_transaction(app), pytest.raises(error):
            teams.rename(person.actor, the_team(people), "Mine")


def test_members_and_administrators_see_a_team_and_nobody_else(app: Flask, people: People) -> None:
    with in_transaction(app):
        other = teams.create(people.admin.actor, "Oat lab").id
        teams.add(people.admin.actor, db.session.get_one(Team, other), people.stranger.id or "")
    with app.app_context():
        for person in (people.owner, people.teammate, people.team_admin):
            assert [team.id for team in teams.list_visible(person.actor)] == [people.team_id]
            assert teams.get(person.actor, people.team_id.upper()).name == "Barley lab"
            with pytest.raises(NotFound):
                teams.get(person.actor, other)
        assert [team.name for team in teams.list_visible(people.stranger.actor)] == ["Oat lab"]
        assert [team.name for team in teams.list_visible(people.admin.actor)] == ["Barley lab", "Oat lab"]
        for person in (people.reader, people.anonymous):
            assert list(teams.list_visible(person.actor)) == []
        for team_id in (new_id(), "", "x", people.team_id[:-1]):
            with pytest.raises(NotFound):
                teams.get(people.admin.actor, team_id)


def test_who_is_in_a_team(app: Flask, people: People) -> None:
    with app.app_context():
        for person in (people.team_admin, people.admin):
            found = teams.members(person.actor, the_team(people))
            assert [(row.username, row.email, row.is_admin) for row in found] == [
                ("owner", "owner@example.org", False),
                ("team_admin", "team_admin@example.org", True),
                ("teammate", "teammate@example.org", False),
            ]
        for person in (people.stranger, people.reader, people.anonymous):
            with pytest.raises(NotFound):
                teams.members(person.actor, the_team(people))
        with pytest.raises(Denied):
            teams.members(people.teammate.actor, the_team(people))


def test_what_a_team_shares(app: Flask, people: People, kind: Kind) -> None:
    shared = make.entry(people.owner, "shared", kind=kind, access="protected", team_id=people.team_id)
    make.entry(people.owner, "own", kind=kind)
    make.entry(people.owner, "for all", kind=kind, access="public")
    with app.app_context():
        for person in (people.team_admin, people.admin):
            assert list(db.session.scalars(teams.entries(person.actor, the_team(people), kind))) == [shared]
        with pytest.raises(Denied):
            teams.entries(people.teammate.actor, the_team(people), kind)
        with pytest.raises(NotFound):
            teams.entries(people.stranger.actor, the_team(people), kind)


def test_people_are_let_in_and_out(app: Flask, people: People) -> None:
    stranger, reader = people.stranger.id or "", people.reader.id or ""
    with in_transaction(app):
        actor, team = people.team_admin.actor, the_team(people)
        for _ in range(2):
            teams.add(actor, team, stranger.upper())
            teams.add(actor, team, reader, as_admin=True)
            teams.add(actor, team, reader)
        assert (rows(team.id)[stranger], rows(team.id)[reader]) == (False, True)
        for _ in range(2):
            teams.add(actor, team, stranger, as_admin=True)
        assert rows(team.id)[stranger]
        for _ in range(2):
            teams.demote(actor, team, stranger)
            teams.dismiss(actor, team, reader)
        assert (rows(team.id)[stranger], reader in rows(team.id)) == (False, False)
        teams.demote(actor, team, reader)
        assert reader not in rows(team.id)
        assert noted("member") == [
            ("member.added", "stranger", "Barley lab"),
            ("member.added", "reader", "Barley lab"),
            ("member.promoted", "reader", "Barley lab"),
            ("member.promoted", "stranger", "Barley lab"),
            ("member.demoted", "stranger", "Barley lab"),
            ("member.removed", "reader", "Barley lab"),
        ]


def test_members_and_strangers_let_nobody_in_or_out(app: Flask, people: People) -> None:
    verbs: list[Callable[..., None]] = [teams.add, teams.dismiss, teams.demote]
    with in_transaction(app):
        for person, error in ((people.owner, Denied), (people.stranger, NotFound), (people.anonymous, NotFound)):
            for verb in verbs:
                with pytest.raises(error):
                    verb(person.actor, the_team(people), person.id or people.reader.id)
        assert len(rows(people.team_id)) == 3
        for verb in verbs:
            for user_id in (new_id(), "", "x"):
                with pytest.raises(NotFound):
                    verb(people.team_admin.actor, the_team(people), user_id)


def test_whoever_is_in_may_leave(app: Flask, people: People) -> None:
    with in_transaction(app):
        teams.leave(people.teammate.actor, the_team(people))
        with pytest.raises(NotFound):
            teams.leave(people.teammate.actor, the_team(people))
        with pytest.raises(NotFound):
            teams.leave(people.stranger.actor, the_team(people))
        teams.leave(people.admin.actor, the_team(people))
        assert rows(people.team_id).keys() == {people.owner.id, people.team_admin.id}
        assert noted() == [("member.left", "teammate", "Barley lab")]


def test_the_last_who_looks_after_a_team_may_go(app: Flask, people: People) -> None:
    with in_transaction(app):
        teams.demote(people.team_admin.actor, the_team(people), people.team_admin.id or "")
        assert not any(rows(people.team_id).values())
        with pytest.raises(Denied):
            teams.add(people.team_admin.actor, the_team(people), people.reader.id or "")
        teams.add(people.admin.actor, the_team(people), people.teammate.id or "", as_admin=True)
        teams.leave(people.teammate.actor, the_team(people))
        assert rows(people.team_id).keys() == {people.owner.id, people.team_admin.id}


def test_what_a_removed_team_shared_is_private_and_keeps_its_owner(app: Flask, people: People, kind: Kind) -> None:
    shared = [
        make.entry(person, "shared", kind=kind, access="protected", team_id=people.team_id)
        for person in (people.owner, people.teammate)
    ]
    public = make.entry(people.owner, "for all", kind=kind, access="public")
    for person, error in ((people.team_admin, Denied), (people.owner, Denied), (people.stranger, NotFound)):
        with in_transaction(app), pytest.raises(error):
            teams.remove(person.actor, the_team(people))
    with in_transaction(app):
        teams.remove(people.admin.actor, the_team(people))
    with app.app_context():
        assert db.session.query(Team).count() == db.session.query(Membership).count() == 0
        found = [db.session.get_one(Entry, entry_id) for entry_id in shared]
        assert [(each.access, each.team_id) for each in found] == [("private", None)] * 2
        assert [each.owner_id for each in found] == [people.owner.id, people.teammate.id]
        assert all(each.updated_at > each.created_at for each in found)
        assert db.session.get_one(Entry, public).access == "public"
        assert noted("access", "team") == [("access.changed", "", "")] * 2 + [("team.deleted", "", "Barley lab")]


def test_counts_of_lists_heed_a_removed_team(people: People) -> None:
    """They are kept in memory, and a removed team changes what its members see."""
    make.entry(people.owner, "shared", access="protected", team_id=people.team_id)

    def seen(person: Person) -> int:
        return person.client.get("/models").text.count(">shared<")

    assert (seen(people.teammate), seen(people.owner)) == (1, 1)
    with in_transaction(people.owner.app):
        teams.remove(people.admin.actor, the_team(people))
    assert (seen(people.teammate), seen(people.owner)) == (0, 1)
    assert people.teammate.api.get(f"/api/{MODEL.slug}/all").status_code == 404
