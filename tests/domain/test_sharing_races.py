"""Two at once about teams, people and owners: each gets the answer it would have got, one after the other."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.domain import access, teams
from portal.domain import people as administration
from portal.domain.audit import AuditEntry, What
from portal.domain.entries import Entry
from portal.domain.teams import Membership, Team
from portal.domain.users import User
from portal.errors import PortalError
from portal.extensions import db
from portal.security.actor import Actor
from tests import make
from tests.people import People, Person, in_transaction, make_user
from tests.racing import Call, Start, at_once, meanwhile

UPDATE_USER = ('UPDATE "user"', "UPDATE user")
DELETE_USER = ('DELETE FROM "user"', "DELETE FROM user")
Verb = Callable[[Actor], Any]


def done(by: Person, verb: Verb) -> Call:
    """The verb in a transaction of its own, by somebody known before it began; "done", or the status of a refusal."""
    with by.app.app_context():
        actor = by.actor

    def call() -> Any:
        with by.app.app_context():
            try:
                verb(actor)
                db.session.commit()
            except PortalError as error:
                db.session.rollback()
                return error.status
            return "done"

    return call


@pytest.fixture
def second(app: Flask, people: People) -> Person:
    with in_transaction(app):
        return Person(app, "second", make_user("second", is_admin=True))


def administrators(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(User.username).where(User.is_admin)))


def of_team(people: People, verb: Callable[..., Any], *given: Any) -> Verb:
    return lambda actor: verb(actor, db.session.get_one(Team, people.team_id), *given)


def of_entry(entry_id: str, verb: Callable[..., Any], *given: Any) -> Verb:
    return lambda actor: verb(actor, db.session.get_one(Entry, entry_id), *given)


def trail(app: Flask, *words: What) -> int:
    with app.app_context():
        return db.session.query(AuditEntry).where(AuditEntry.what.in_(words)).count()


@pytest.mark.parametrize(("verb", "statement"), [("demote", UPDATE_USER), ("remove", DELETE_USER)])
def test_two_administrators_do_away_with_each_other(
    app: Flask, people: People, second: Person, verb: str, statement: Start
) -> None:
    do = getattr(administration, verb)
    answers = at_once(
        app,
        statement,
        done(people.admin, lambda actor: do(actor, second.id)),
        done(second, lambda actor: do(actor, people.admin.id)),
    )
    assert sorted(map(str, answers)) == ["403", "done"]
    assert len(administrators(app)) == 1


def test_of_three_administrators_two_may_go_at_once(app: Flask, people: People, second: Person) -> None:
    with in_transaction(app):
        third = Person(app, "third", make_user("third", is_admin=True))
    calls = [done(third, lambda actor, who=who: administration.demote(actor, who.id)) for who in (people.admin, second)]
    assert at_once(app, UPDATE_USER, *calls) == ["done", "done"]
    assert administrators(app) == ["third"]


def test_of_two_teams_that_get_one_name_one_is_refused(app: Flask, people: People) -> None:
    calls = [done(people.admin, lambda actor, name=name: teams.create(actor, name)) for name in ("Oat lab", "OAT LAB")]
    assert sorted(map(str, at_once(app, "INSERT INTO team", *calls))) == ["409", "done"]


@pytest.mark.parametrize(("verb", "what"), [("add", What.MEMBER_ADDED), ("dismiss", What.MEMBER_REMOVED)])
def test_the_same_change_twice_at_once_is_one(app: Flask, people: People, verb: str, what: What) -> None:
    who = people.reader if verb == "add" else people.teammate
    change = of_team(people, getattr(teams, verb), who.id)
    statement = "INSERT INTO membership" if verb == "add" else "DELETE FROM membership"
    answers = at_once(app, statement, done(people.team_admin, change), done(people.admin, change))
    assert answers == ["done", "done"]
    assert trail(app, what) == 1


def test_two_who_look_after_a_team_put_each_other_out(app: Flask, people: People) -> None:
    with in_transaction(app):
        db.session.get_one(Membership, (people.team_id, people.teammate.id)).is_admin = True
    answers = at_once(
        app,
        "DELETE FROM membership",
        done(people.team_admin, of_team(people, teams.dismiss, people.teammate.id)),
        done(people.teammate, of_team(people, teams.dismiss, people.team_admin.id)),
    )
    assert answers == ["done", "done"]


def test_let_in_while_the_team_is_removed(app: Flask, people: People) -> None:
    added, removed = meanwhile(
        app,
        "INSERT INTO membership",
        done(people.team_admin, of_team(people, teams.add, people.reader.id)),
        done(people.admin, of_team(people, teams.remove)),
    )
    assert (added, removed) == ("done", "done")
    with app.app_context():
        assert db.session.query(Membership).count() == 0


def test_removed_while_somebody_is_let_in(app: Flask, people: People) -> None:
    removed, added = meanwhile(
        app,
        "DELETE FROM team",
        done(people.admin, of_team(people, teams.remove)),
        done(people.team_admin, of_team(people, teams.add, people.reader.id)),
    )
    assert (removed, added) == ("done", 404)


def test_let_in_while_they_are_deleted(app: Flask, people: People) -> None:
    let_in = done(people.team_admin, of_team(people, teams.add, people.reader.id))
    delete = done(people.admin, lambda actor: administration.remove(actor, people.reader.id))
    assert meanwhile(app, "INSERT INTO membership", let_in, delete) == ("done", "done")
    with app.app_context():
        assert db.session.get(User, people.reader.id) is None


def test_deleted_while_they_are_let_in(app: Flask, people: People) -> None:
    let_in = done(people.team_admin, of_team(people, teams.add, people.reader.id))
    delete = done(people.admin, lambda actor: administration.remove(actor, people.reader.id))
    assert meanwhile(app, DELETE_USER, delete, let_in) == ("done", 404)


def test_shared_with_a_team_while_it_is_removed(app: Flask, people: People) -> None:
    entry_id = make.entry(people.owner)
    share = done(people.owner, of_entry(entry_id, access.set_access, "protected", people.team_id))
    remove = done(people.admin, of_team(people, teams.remove))
    assert meanwhile(app, "UPDATE entry", share, remove) == ("done", "done")
    with app.app_context():
        assert db.session.get_one(Entry, entry_id).access == "private"


def test_a_team_is_removed_while_something_is_shared_with_it(app: Flask, people: People) -> None:
    entry_id = make.entry(people.owner)
    share = done(people.owner, of_entry(entry_id, access.set_access, "protected", people.team_id))
    remove = done(people.admin, of_team(people, teams.remove))
    assert meanwhile(app, "DELETE FROM team", remove, share) == ("done", 404)


def test_a_team_is_removed_while_what_it_shares_is_made_public(app: Flask, people: People) -> None:
    entry_id = make.entry(people.owner, access="protected", team_id=people.team_id)
    publish = done(people.owner, of_entry(entry_id, access.set_access, "public"))
    remove = done(people.admin, of_team(people, teams.remove))
    assert at_once(app, "UPDATE entry", remove, publish) == ["done", "done"]
    with app.app_context():
        entry = db.session.get_one(Entry, entry_id)
        assert entry.team_id is None
        assert entry.access in ("private", "public")


def test_handed_to_two_at_once_it_goes_to_the_first(app: Flask, people: People) -> None:
    entry_id = make.entry(people.owner)
    calls = [done(people.owner, of_entry(entry_id, access.set_owner, to.id)) for to in (people.reader, people.stranger)]
    assert sorted(map(str, at_once(app, "UPDATE entry", *calls))) == ["404", "done"]
    assert trail(app, What.OWNER_CHANGED) == 1


def test_handed_to_somebody_who_is_being_deleted(app: Flask, people: People) -> None:
    """The first of the two is done; what was theirs for a moment passes to who deleted them."""
    give_id, late_id = make.entry(people.owner, "one"), make.entry(people.owner, "two")
    delete = done(people.admin, lambda actor: administration.remove(actor, people.reader.id))
    give = done(people.owner, of_entry(give_id, access.set_owner, people.reader.id))
    assert meanwhile(app, "UPDATE entry", give, delete) == ("done", "done")
    with in_transaction(app):
        assert db.session.get_one(Entry, give_id).owner_id == people.admin.id
    late = done(people.owner, of_entry(late_id, access.set_owner, people.stranger.id))
    delete = done(people.admin, lambda actor: administration.remove(actor, people.stranger.id))
    assert meanwhile(app, DELETE_USER, delete, late) == ("done", 404)


def test_given_a_name_while_something_of_that_name_is_handed_over(app: Flask, people: People) -> None:
    entry_id = make.entry(people.owner, "wheat")
    mine = make.entry(people.stranger, "barley")
    give = done(people.owner, of_entry(entry_id, access.set_owner, people.stranger.id))
    body, headers = {"model_name": "Wheat"}, people.stranger.headers
    rename = lambda: app.test_client().patch(f"/api/models/id/{mine}", json=body, headers=headers).status_code  # noqa: E731
    assert sorted(map(str, at_once(app, "UPDATE entry", give, rename))) in (["200", "409"], ["409", "done"])


def test_what_somebody_registers_while_they_are_deleted_is_not_lost(app: Flask, people: People) -> None:
    """It passes on like the rest, or was never made."""
    headers = people.owner.headers

    def register(name: str) -> Call:
        body = {"model_name": name}
        return lambda: app.test_client().post("/api/models/", json=body, headers=headers).status_code

    delete = done(people.admin, lambda actor: administration.remove(actor, people.owner.id))
    registered, deleted = meanwhile(app, "INSERT INTO audit_entry", register("early"), delete)
    assert (registered, deleted) == (200, "done")
    with app.app_context():
        assert db.session.scalars(select(Entry)).one().owner_id == people.admin.id


def test_somebody_is_deleted_while_they_register_something(app: Flask, people: People) -> None:
    headers = people.owner.headers
    delete = done(people.admin, lambda actor: administration.remove(actor, people.owner.id))
    deleted, registered = meanwhile(
        app,
        DELETE_USER,
        delete,
        lambda: app.test_client().post("/api/models/", json={"model_name": "late"}, headers=headers),
    )
    assert (deleted, registered.status_code) == ("done", 401)
    with app.app_context():
        assert db.session.query(Entry).count() == 0
