"""While an owner saves who may see an entry, somebody else changes the entry, its team or its people."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from portal.domain import access, entries, sharing, teams
from portal.domain import people as removing
from portal.domain.entries import Entry
from portal.domain.kinds import MODEL
from portal.domain.sharing import Terms
from portal.domain.teams import Team
from portal.errors import PortalError
from portal.extensions import db
from tests import make
from tests.people import People, Person
from tests.racing import Call, meanwhile


@pytest.fixture
def entry_id(people: People) -> str:
    return make.entry(people.owner)


def done(person: Person, verb: Callable[..., Any]) -> Call:
    """What the verb answers to this person in a transaction of its own, or the refusal."""

    def call() -> Any:
        with person.app.app_context():
            try:
                answer = verb(person.actor)
                db.session.commit()
            except PortalError as error:
                db.session.rollback()
                return error.status
            return answer

    return call


def saving(people: People, entry_id: str, **wanted: Any) -> Call:
    """Saves what the owner has looked at just now."""
    with people.owner.app.app_context():
        entry = db.session.get_one(Entry, entry_id)
        said = sharing.preview(people.owner.actor, entry, sharing.terms_of(entry)._replace(**wanted))

    def save(actor: Any) -> Any:
        sharing.change(actor, entries.get(actor, MODEL, entry_id), said.after, said.seen)
        return 200

    return done(people.owner, save)


def joining(people: People, entry_id: str) -> Call:
    """Somebody joins the team; what access the entry has by then."""

    def join(actor: Any) -> str:
        teams.add(actor, db.session.get_one(Team, people.team_id), str(people.stranger.id))
        return db.session.get_one(Entry, entry_id).access

    return done(people.team_admin, join)


def terms(people: People, entry_id: str) -> Terms:
    with people.owner.app.app_context():
        return sharing.terms_of(db.session.get_one(Entry, entry_id))


def test_whoever_joins_while_it_is_saved_waits_until_it_is(app: Flask, people: People, entry_id: str) -> None:
    """What the save was compared with holds until it is committed."""
    save = saving(people, entry_id, access="protected", team_id=people.team_id)
    assert meanwhile(app, "UPDATE entry", save, joining(people, entry_id)) == (200, "protected")


def test_whoever_joined_just_before_is_seen(app: Flask, people: People, entry_id: str) -> None:
    save = saving(people, entry_id, access="protected", team_id=people.team_id)
    assert joining(people, entry_id)() == "private"
    assert save() == 409
    assert terms(people, entry_id).access == "private"


def test_of_two_who_save_the_later_is_told(app: Flask, people: People, entry_id: str) -> None:
    save = saving(people, entry_id, access="public")

    def publish(actor: Any) -> int:
        access.set_default_permission(actor, entries.get(actor, MODEL, entry_id), "write")
        return 200

    answers = meanwhile(app, "SELECT team", save, done(people.admin, publish))
    assert answers in ((200, 200), (409, 200))
    assert terms(people, entry_id).access == ("public" if answers[0] == 200 else "private")


@pytest.mark.parametrize("statement", ["SELECT team", "UPDATE entry"])
def test_the_team_is_deleted_while_it_is_saved(app: Flask, people: People, entry_id: str, statement: str) -> None:
    def remove(actor: Any) -> int:
        teams.remove(actor, db.session.get_one(Team, people.team_id))
        return 200

    save = saving(people, entry_id, access="protected", team_id=people.team_id)
    saved, removed = meanwhile(app, statement, save, done(people.admin, remove))
    assert removed == 200
    assert saved in (200, 422)
    assert terms(people, entry_id)[1:3] == ("private", None)


def test_the_entry_is_deleted_while_it_is_saved(app: Flask, people: People, entry_id: str) -> None:
    def remove(actor: Any) -> int:
        entries.remove(actor, entries.get(actor, MODEL, entry_id))
        return 200

    answers = meanwhile(app, "SELECT team", saving(people, entry_id, access="public"), done(people.admin, remove))
    assert answers in ((200, 200), (404, 200))


@pytest.mark.parametrize("who", ["owner", "stranger"])
def test_giver_or_heir_is_deleted_while_it_is_handed_over(app: Flask, people: People, entry_id: str, who: str) -> None:
    person: Person = getattr(people, who)

    def remove(actor: Any) -> int:
        removing.remove(actor, str(person.id))
        return 200

    save = saving(people, entry_id, owner_id=people.stranger.id)
    saved, removed = meanwhile(app, "UPDATE entry", save, done(people.admin, remove))
    assert removed == 200
    assert saved in (200, 404, 409, 422)
    heirs = {people.admin.id, people.stranger.id} - {person.id}
    assert terms(people, entry_id).owner_id in heirs | ({people.owner.id} - {person.id})
