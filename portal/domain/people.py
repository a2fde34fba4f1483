"""People as others see them, and what administrators do about them."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select

from portal.database import take_time
from portal.domain import audit, handover, rules, users
from portal.domain.audit import What
from portal.domain.entries import Entry, locked
from portal.domain.teams import Membership, Team
from portal.domain.users import User
from portal.errors import Denied, Invalid, NotFound
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import allows, scoped
from portal.security.policy import Portal

before_removal: list[Callable[[str, Actor], None]] = []
"""What other rooms do before a person goes, in the same transaction: called with their id and who removes them."""

_TEAMS = select(Team.id, Team.name, Membership.is_admin).join(Membership, Membership.team_id == Team.id)


@allows(Portal.USE)
def profile(actor: Actor) -> tuple[User, Sequence[Any]]:
    """The caller and their teams as rows of id, name, is_admin."""
    assert actor.user_id is not None
    rows = db.session.execute(_TEAMS.where(Membership.user_id == actor.user_id).order_by(Team.name_key)).all()
    return db.session.get_one(User, actor.user_id), rows


@scoped
def list_visible(actor: Actor) -> list[tuple[User, Sequence[Any]]]:
    """All for an administrator, else the actor and those in the actor's teams, by user name: each as in `profile`.

    Of the teams of others only those that the actor is in, too.
    """
    teams = _TEAMS.add_columns(Membership.user_id)
    people = select(User).order_by(User.username_key)
    if not actor.is_admin:
        teams = teams.where(Team.id.in_(actor.teams))
        together = select(Membership.user_id).where(Membership.team_id.in_(actor.teams))
        people = people.where((User.id == actor.user_id) | User.id.in_(together))
    by_person = defaultdict(list)
    for row in db.session.execute(teams.order_by(Team.name_key)):
        by_person[row.user_id].append(row)
    return [(user, by_person[user.id]) for user in db.session.scalars(people)]


@allows(Portal.ADMINISTER)
def create(actor: Actor, username: str, email: str, password: str) -> User:
    """A new person, who may log in at once; 422 and 409 as in `users.create`."""
    user = users.create(username, email, password)
    audit.note(actor, What.USER_CREATED, about=user.username)
    return user


@allows(Portal.ADMINISTER, writes=True)
def verify(actor: Actor, user_id: str) -> None:
    """From now on this person may log in; 404 if there is nobody."""
    user = users.hold(user_id)
    if not user.is_verified:
        users.verify(user)
        audit.note(actor, What.USER_VERIFIED, about=user.username)


@allows(Portal.ADMINISTER, writes=True)
def promote(actor: Actor, user_id: str) -> None:
    """From now on this person is an administrator; 404 if there is nobody."""
    user, _ = _lock(actor, user_id)
    if not user.is_admin:
        user.is_admin = True
        audit.note(actor, What.USER_PROMOTED, about=user.username)
        db.session.flush()


@allows(Portal.ADMINISTER, writes=True)
def demote(actor: Actor, user_id: str) -> None:
    """From now on this person is no administrator; 404 if there is nobody, 422 if there is no other administrator."""
    user, others = _lock(actor, user_id)
    if user.is_admin:
        _require_another(others)
        user.is_admin = False
        audit.note(actor, What.USER_DEMOTED, about=user.username)
        db.session.flush()


@allows(Portal.ADMINISTER, writes=True)
def remove(actor: Actor, user_id: str) -> None:
    """Deletes a person with their sessions, tokens and unfinished uploads; 404 if there is nobody.

    Their entries and datasets pass to the actor, with ` (USERNAME)` added where a name is taken. What they added stays.
    422 for the last administrator, and for the actor, who could not pass anything on to themselves.
    """
    take_time()  # all that is theirs is changed
    user, others = _lock(actor, user_id)
    if user.is_admin:
        _require_another(others)
    if user.id == actor.user_id:
        raise Invalid("Nobody deletes themselves: what they have would pass to them. Ask another administrator.")
    _lock_entries(user)
    for end in before_removal:
        end(user.id, actor)
    _keep_alone(user)
    heir = users.hold(actor.user_id or "")
    handover.of_person(user, _lock_entries(user), heir, actor)
    audit.note(actor, What.USER_DELETED, about=user.username)
    db.session.flush()
    db.session.delete(user)
    db.session.flush()


def _lock(actor: Actor, user_id: str) -> tuple[User, int]:
    """The person, whom nobody else changes until the end of this transaction, and how many other administrators who
    may log in there are.

    None of these becomes none until then. All are locked at once and in one order: nobody waits in a circle.
    403 where the actor has just been made none, 404 if there is nobody.
    """
    asked = User.is_admin | (User.id == (user_id.lower() if rules.is_id(user_id) else None))
    query = select(User).where(asked).order_by(User.id).with_for_update(key_share=True)
    found = {user.id: user for user in db.session.scalars(query.execution_options(populate_existing=True))}
    administrators = {user.id for user in found.values() if user.is_admin}
    if actor.user_id not in administrators:
        raise Denied()
    if user_id.lower() not in found:
        raise NotFound("There is no such person.")
    user = found[user_id.lower()]
    return user, sum(each.is_admin and each.is_verified for each in found.values() if each is not user)


def _keep_alone(user: User) -> None:
    """No row that names this person is made until the end of this transaction."""
    db.session.execute(select(User.id).where(User.id == user.id).with_for_update())


def _require_another(others: int) -> None:
    if not others:
        raise Invalid("This is the last administrator. Make somebody else one first.")


def _lock_entries(user: User) -> Sequence[Entry]:
    return db.session.scalars(locked(Entry.owner_id == user.id)).all()
