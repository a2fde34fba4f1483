"""Who sees what: as a condition for lists (the rule of `policy.level`, said in SQL), and how its owner changes it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, true

from portal.database import now
from portal.domain import audit, rules, teams, users
from portal.domain.audit import What
from portal.domain.teams import Team
from portal.errors import Denied, NotFound, invalid
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import allows, enforce, scoped
from portal.security.policy import OnEntry

if TYPE_CHECKING:
    from portal.domain.entries import Entry

Ids = Sequence[str] | Select[str]  # of entries: a few, or a query for as many as there are
ACCESSES = ("private", "protected", "public")
DEFAULT_PERMISSIONS = ("read", "write")


@scoped
def readable(actor: Actor, entry: "type[Entry] | Any") -> ColumnElement[bool]:
    """The condition on `entry` (the table or an alias) that holds for what `actor` may read."""
    if actor.is_admin:
        return true()
    public = entry.access == "public"
    if not actor.is_known:
        return public if actor.may_read_public else false()
    rules = [entry.owner_id == actor.user_id, public]
    if actor.teams:
        rules.append(and_(entry.access == "protected", entry.team_id.in_(actor.teams)))
    return or_(*rules)


@allows(OnEntry.OWN, writes=True)
def set_access(actor: Actor, entry: "Entry", access: str, team_id: str | None = None) -> None:
    """Who sees the entry: its owner, a team (404 if there is none, 403 unless the actor is in it) or everybody."""
    if access not in ACCESSES:
        raise invalid("access", f"Takes {', '.join(ACCESSES)}.")
    if access == "protected" and team_id is None:
        raise invalid("team_id", "Say which team may see it.")
    team = None if team_id is None else _get_team(actor, team_id)
    _lock(actor, entry)
    if access != "protected":
        team = None
    was, old = entry.access, db.session.get(Team, entry.team_id) if entry.team_id else None
    entry.access, entry.team_id, entry.updated_at = access, team.id if team else None, now()
    db.session.flush()
    if (was, old) != (access, team):
        was_team = {"was_team": old.name, "was_team_id": old.id} if old else {}
        audit.note(actor, What.ACCESS_CHANGED, entry=entry, team=team, was=was, now=access, **was_team)


@allows(OnEntry.OWN, writes=True)
def set_owner(actor: Actor, entry: "Entry", user_id: str) -> None:
    """Hands the entry over, and the datasets that are its own: 404 if there is nobody, 409 where they use its name."""
    from portal.domain import handover

    _lock(actor, entry)
    heir = users.hold(user_id)  # after the entry, as for whoever deletes them
    handover.of_entry(entry, heir, actor)


@allows(OnEntry.OWN, writes=True)
def set_default_permission(actor: Actor, entry: "Entry", permission: str) -> None:
    """What those may do who see the entry without owning it."""
    if permission not in DEFAULT_PERMISSIONS:
        raise invalid("permission", f"Takes {' or '.join(DEFAULT_PERMISSIONS)}.")
    _lock(actor, entry)
    was = entry.default_permission
    entry.default_permission, entry.updated_at = permission, now()
    db.session.flush()
    if was != permission:
        audit.note(actor, What.DEFAULT_PERMISSION_CHANGED, entry=entry, was=was, now=permission)


def _lock(actor: Actor, entry: "Entry") -> None:
    """Whoever has just given the entry away says nothing more about it."""
    from portal.domain import entries

    entries.lock(entry)
    enforce(actor, OnEntry.OWN, entry)


def _get_team(actor: Actor, team_id: str) -> Team:
    """The team, which nobody deletes until the end of this transaction."""
    team = db.session.get(Team, team_id.lower()) if rules.is_id(team_id) else None
    if team is None:
        raise NotFound("There is no such team.")
    teams.hold(team)
    if not actor.is_admin and team.id not in actor.teams:
        raise Denied("You are not in this team.")
    return team
