"""Who can see or change an entry and by which rule, and what other terms would change before they hold.

Levels are those of `policy.level`, asked for each person: terms have the attributes that it looks at.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from portal.domain import access, entries
from portal.domain.entries import Entry
from portal.domain.teams import Membership, Team
from portal.domain.users import User
from portal.errors import Conflict, NotFound, invalid
from portal.extensions import db
from portal.security.actor import Actor, nobody
from portal.security.guard import allows
from portal.security.policy import Level, OnEntry, level

PAGE_ROWS = 100
MOST_NAMED = 50
NO_PERSON = "There is no such person any more."

VISITOR = nobody(may_read_public=True)
_STRANGER = Actor(user_id="whoever is signed in")


class Terms(NamedTuple):
    """What decides who sees an entry, and nothing else of it does."""

    owner_id: str
    access: str
    team_id: str | None
    default_permission: str


class Rule(StrEnum):
    OWNER = "owner"
    ADMINISTRATOR = "administrator"
    TEAM_ADMIN = "team admin"
    MEMBER = "member"
    SIGNED_IN = "signed in"


class Right(NamedTuple):
    user_id: str
    username: str
    level: Level
    rule: Rule


class Audience(NamedTuple):
    """One page of those whom a rule names, how many they are in all, and what everybody else may, signed in or not."""

    rights: Sequence[Right]
    total: int
    signed_in: Level
    visitors: Level


class Step(NamedTuple):
    before: Level
    after: Level


@dataclass(slots=True)
class Change:
    """People who go from one level to another by one rule: that which lets them in or, going out, let them in."""

    step: Step
    rule: Rule
    team_id: str | None
    number: int = 0
    names: tuple[str, ...] = ()
    """The first of them, by name, without the actor."""
    has_actor: bool = False


class Preview(NamedTuple):
    """`seen` stands for all of it: it is another as soon as one person more or less would be concerned."""

    before: Terms
    after: Terms
    changes: Sequence[Change]
    signed_in: Step
    visitors: Step
    seen: str
    heir: str | None = None
    """The user name of who owns the entry then, if somebody else does now."""


def terms_of(entry: Entry) -> Terms:
    team_id = entry.team_id if entry.access == "protected" else None
    return Terms(entry.owner_id, entry.access, team_id, entry.default_permission)


@allows(OnEntry.OVERSEE)
def people_of(
    actor: Actor, entry: Entry, limit: int = PAGE_ROWS, offset: int = 0, *, visitor: Actor = VISITOR
) -> Audience:
    """Everybody whom a rule names: owner, administrators, admins and members of the team, in this order, by name.

    Whoever else there is may do what `signed_in` says, and `visitors` without signing in.
    """
    terms = terms_of(entry)
    found = _concerned(terms)
    rank = [case((User.id == terms.owner_id, 0), (User.is_admin, 1), else_=2), User.username_key]
    if terms.team_id:
        rank.insert(1, case((found.memberships[terms.team_id].is_admin, 0), else_=1))
    total = db.session.scalar(select(func.count()).select_from(found.query.subquery())) or 0
    rows = found.people(found.query.order_by(*rank).limit(limit).offset(offset))
    rights = [Right(each.user_id or "", each.username, level(each, terms), _rule(each, terms)) for each in rows]
    return Audience(rights, total, level(_STRANGER, terms), level(visitor, terms))


@allows(OnEntry.OWN)
def preview(actor: Actor, entry: Entry, wanted: Terms, *, visitor: Actor = VISITOR) -> Preview:
    """What `wanted` would change, and for whom. 422, or 409 for a name that is taken, names the field."""
    before, after = terms_of(entry), _checked(actor, entry, wanted)
    changes: dict[tuple[Any, ...], Change] = {}
    signed_in = Step(level(_STRANGER, before), level(_STRANGER, after))
    visitors = Step(level(visitor, before), level(visitor, after))
    digest = hashlib.sha256(repr((before, after, signed_in, visitors)).encode())
    found = _concerned(before, after)
    for person in found.people(found.query.order_by(User.username_key)):
        step = Step(level(person, before), level(person, after))
        if step.before == step.after:
            continue
        terms = after if step.after > step.before else before
        rule = _rule(person, terms)
        change = changes.setdefault((step, rule), Change(step, rule, terms.team_id))
        change.number += 1
        if person.user_id == actor.user_id:
            change.has_actor = True
        elif len(change.names) < MOST_NAMED:
            change.names += (person.username,)
        digest.update(repr((person.user_id, step)).encode())
    ordered = sorted(changes.values(), key=lambda change: (-change.step.after, change.step.before))
    heir = db.session.get_one(User, after.owner_id).username if after.owner_id != before.owner_id else None
    return Preview(before, after, ordered, signed_in, visitors, digest.hexdigest()[:32], heir)


@allows(OnEntry.OWN, writes=True)
def change(actor: Actor, entry: Entry, wanted: Terms, seen: str, *, visitor: Actor = VISITOR) -> Preview:
    """Makes the terms of an entry `wanted`, if that does now what the preview with `seen` said; otherwise 409."""
    _hold_teams(terms_of(entry), wanted)
    entries.lock(entry)
    now = preview(actor, entry, wanted, visitor=visitor)
    if now.seen != seen:
        raise Conflict("Somebody has changed it, or the people concerned are others now.")
    steps = (_share, _hand_over) if actor.user_id == now.before.owner_id else (_hand_over, _share)
    for step in steps:  # in the order in which the actor's own right lasts until the last
        step(actor, entry, now.before, now.after)
    return now


def _share(actor: Actor, entry: Entry, before: Terms, after: Terms) -> None:
    if after.default_permission != before.default_permission:
        access.set_default_permission(actor, entry, after.default_permission)
    if (after.access, after.team_id) != (before.access, before.team_id):
        access.set_access(actor, entry, after.access, after.team_id)


def _hand_over(actor: Actor, entry: Entry, before: Terms, after: Terms) -> None:
    if after.owner_id != before.owner_id:
        try:
            access.set_owner(actor, entry, after.owner_id)
        except NotFound:  # the entry is locked, so it is the person who has just been deleted
            raise invalid("owner", NO_PERSON) from None


def _checked(actor: Actor, entry: Entry, wanted: Terms) -> Terms:
    """What the verbs that change an entry would refuse is refused here, beside its field."""
    if wanted.access not in access.ACCESSES:
        raise invalid("access", "Choose one of the three.")
    if wanted.default_permission not in access.DEFAULT_PERMISSIONS:
        raise invalid("permission", "Choose one of the two.")
    if wanted.access != "protected":
        wanted = wanted._replace(team_id=None)
    elif wanted.team_id not in [team.id for team in teams_for(actor, entry)]:
        raise invalid("team_id", "Choose a team.")
    heir = db.session.get(User, wanted.owner_id)
    if heir is None:
        raise invalid("owner", NO_PERSON)
    if heir.id != entry.owner_id:
        _require_free_name(entry, heir)
    return wanted


def _require_free_name(entry: Entry, heir: User) -> None:
    theirs = Entry.owner_id == heir.id, Entry.kind == entry.kind, Entry.name_key == entry.name_key
    if entry.app_id is None and db.session.scalar(select(Entry.id).where(*theirs, Entry.app_id.is_(None))):
        message = f"{heir.username} already has a {entry.kind} with this name."
        raise Conflict(message, fields=[("owner", message)])


@allows(OnEntry.READ)
def team_of(actor: Actor, entry: Entry) -> Team | None:
    """The team that the entry is shared with."""
    team_id = terms_of(entry).team_id
    return db.session.get(Team, team_id) if team_id else None


@allows(OnEntry.OVERSEE)
def teams_for(actor: Actor, entry: Entry) -> Sequence[Any]:
    """Rows of id and name: the teams that the entry may be given to, and the one it is in."""
    rows = select(Team.id, Team.name).order_by(Team.name_key)
    if not actor.is_admin:
        rows = rows.where(Team.id.in_([*actor.teams, *filter(None, [terms_of(entry).team_id])]))
    return db.session.execute(rows).all()


def _rule(person: Actor, terms: Terms) -> Rule:
    """The first rule of the policy that gives the person the level they have; for those alone who have one."""
    if person.user_id == terms.owner_id:
        return Rule.OWNER
    if person.is_admin:
        return Rule.ADMINISTRATOR
    if terms.access == "public":
        return Rule.SIGNED_IN
    return Rule.TEAM_ADMIN if person.teams[terms.team_id or ""] else Rule.MEMBER


class _Concerned(NamedTuple):
    """The query for all whom a rule names, and the memberships that it reads, by team."""

    query: Select[Any]
    memberships: dict[str, Any]

    def people(self, query: Select[Any]) -> Iterator[Actor]:
        for user_id, username, is_admin, *roles in db.session.execute(query):
            teams = {team: role for team, role in zip(self.memberships, roles, strict=True) if role is not None}
            yield Actor(user_id=user_id, username=username, is_admin=is_admin, teams=teams)


def _concerned(*terms: Terms) -> _Concerned:
    memberships = {each.team_id: aliased(Membership) for each in terms if each.team_id}
    roles = [each.is_admin for each in memberships.values()]
    columns: list[Any] = [User.id, User.username, User.is_admin, *roles]
    query: Select[Any] = select(*columns)
    named = [User.is_admin, User.id.in_([each.owner_id for each in terms])]
    for team_id, membership in memberships.items():
        query = query.outerjoin(membership, and_(membership.user_id == User.id, membership.team_id == team_id))
        named.append(membership.user_id.is_not(None))
    return _Concerned(query.where(or_(*named)), memberships)


def _hold_teams(before: Terms, after: Terms) -> None:
    """Nobody joins or leaves them until the end of this transaction. Locked before the entry, as everywhere."""
    teams = select(Team.id).where(Team.id.in_({before.team_id, after.team_id} - {None})).order_by(Team.id)
    db.session.execute(teams.with_for_update()).all()
