"""What administrators do about people."""

import pytest
from flask import Flask
from sqlalchemy import select

from portal.database import new_id
from portal.domain import teams, users
from portal.domain.audit import AuditEntry
from portal.domain.people import create, demote, list_visible, promote, remove, verify
from portal.domain.users import User
from portal.errors import Conflict, Denied, Invalid, NotFound, Unauthenticated
from portal.extensions import db
from tests.people import PASSWORD, People, Person, in_transaction, make_user


@pytest.fixture
def second(app: Flask, people: People) -> Person:
    """Another administrator."""
    with in_transaction(app):
        return Person(app, "second", make_user("second", is_admin=True))


def noted() -> list[tuple[str, str]]:
    found = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
    return [(row.what, row.about) for row in found if row.what.startswith("user")]


def test_administrators_see_everybody_and_others_those_of_their_teams(app: Flask, people: People) -> None:
    with in_transaction(app):
        other = teams.create(people.admin.actor, "Oat lab")
        for each in (people.stranger, people.teammate):
            teams.add(people.admin.actor, other, each.id or "")

    def seen(by: Person) -> dict[str, list[tuple[str, bool]]]:
        with app.app_context():
            return {user.username: [(row.name, row.is_admin) for row in rows] for user, rows in list_visible(by.actor)}

    barley, oat = ("Barley lab", False), ("Oat lab", False)
    assert seen(people.admin) == {
        "admin": [],
        "owner": [barley],
        "reader": [],
        "stranger": [oat],
        "team_admin": [("Barley lab", True)],
        "teammate": [barley, oat],
    }
    assert seen(people.owner) == {"owner": [barley], "team_admin": [("Barley lab", True)], "teammate": [barley]}
    assert seen(people.stranger) == {"stranger": [oat], "teammate": [oat]}
    assert seen(people.reader) == {"reader": []}
    assert seen(people.anonymous) == {}


def test_an_administrator_makes_and_verifies_people(app: Flask, people: People) -> None:
    with in_transaction(app):
        made = create(people.admin.actor, "ada", "ada@example.org", PASSWORD)
        assert (made.is_admin, made.is_verified) == (False, True)
        waiting = make_user("waiting", is_verified=False)
    with in_transaction(app), pytest.raises(Conflict):
        create(people.admin.actor, "ADA", "eve@example.org", PASSWORD)
    with in_transaction(app):
        for _ in range(2):
            verify(people.admin.actor, waiting)
        assert users.find("waiting").is_verified
        assert noted() == [("user.created", "ada"), ("user.verified", "waiting")]
        with pytest.raises(NotFound):
            verify(people.admin.actor, new_id())


def test_nobody_else_looks_after_people(app: Flask, people: People) -> None:
    for each, error in ((people.owner, Denied), (people.team_admin, Denied), (people.anonymous, Unauthenticated)):
        with in_transaction(app):
            for verb in (verify, promote, demote, remove):
                for user_id in (people.stranger.id or "", new_id(), "x"):
                    with pytest.raises(error):
                        verb(each.actor, user_id)
            with pytest.raises(error):
                create(each.actor, "ada", "ada@example.org", PASSWORD)
            assert db.session.query(User).count() == 6


def test_administrators_are_made_and_unmade_but_for_the_last(app: Flask, people: People) -> None:
    admin, owner = people.admin.id or "", people.owner.id or ""
    with in_transaction(app):
        with pytest.raises(Invalid, match="last administrator"):
            demote(people.admin.actor, admin)
        for _ in range(2):
            promote(people.admin.actor, owner)
        assert people.owner.actor.is_admin
        demote(people.owner.actor, admin)
        demote(people.owner.actor, admin)
        assert not people.admin.actor.is_admin
        with pytest.raises(Invalid, match="last administrator"):
            demote(people.owner.actor, owner)
        for verb in (demote, promote):
            with pytest.raises(NotFound):
                verb(people.owner.actor, new_id())
        assert noted() == [("user.promoted", "owner"), ("user.demoted", "admin")]


def test_an_administrator_who_may_not_log_in_is_no_other_one(app: Flask, people: People) -> None:
    with in_transaction(app):
        waiting = make_user("waiting", is_verified=False)
        promote(people.admin.actor, waiting)
        with pytest.raises(Invalid, match="last administrator"):
            demote(people.admin.actor, people.admin.id or "")
        verify(people.admin.actor, waiting)
        demote(people.admin.actor, people.admin.id or "")


def test_who_has_just_been_unmade_does_nothing_more(app: Flask, people: People, second: Person) -> None:
    """Also in a request that knew them as an administrator when it began."""
    with in_transaction(app):
        before = people.admin.actor
        demote(second.actor, people.admin.id or "")
        for verb in (promote, demote, remove):
            for whom in (second, people.owner):
                with pytest.raises(Denied):
                    verb(before, whom.id or "")


def test_neither_the_last_administrator_is_deleted_nor_oneself(app: Flask, people: People) -> None:
    admin = people.admin.id or ""
    with in_transaction(app), pytest.raises(Invalid, match="last administrator"):
        remove(people.admin.actor, admin)
    with in_transaction(app):
        second = Person(app, "second", make_user("second", is_admin=True))
    with in_transaction(app), pytest.raises(Invalid, match="Nobody deletes themselves"):
        remove(people.admin.actor, admin)
    with in_transaction(app):
        remove(second.actor, admin)
        assert db.session.get(User, admin) is None
        with pytest.raises(Invalid, match="last administrator"):
            remove(second.actor, second.id or "")
        with pytest.raises(NotFound):
            remove(second.actor, admin)
        assert noted() == [("user.deleted", "admin")]
