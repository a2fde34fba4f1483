"""What the pages of teams list: a page at a time, however many there are."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from portal.domain import rules
from portal.domain.entries import Entry
from portal.domain.teams import Membership, Team
from portal.domain.users import User
from portal.extensions import db
from portal.search.filters import contains
from portal.security.actor import Actor
from portal.security.guard import allows, scoped
from portal.security.policy import OnTeam

PAGE_ROWS = 100


@scoped
def overview(actor: Actor, text: str, limit: int, offset: int) -> tuple[Sequence[Any], int]:
    """Teams with `text` in their name (all for an administrator, else the actor's), by name, and how many there are.

    Rows of id, name, members, entries (their numbers) and role: whether the actor looks after it, or null outside it.
    """
    own = and_(Membership.team_id == Team.id, Membership.user_id == actor.user_id)
    members = select(func.count()).select_from(Membership).where(Membership.team_id == Team.id)
    shared = select(func.count()).where(Entry.team_id == Team.id, Entry.access == "protected")
    query = select(
        Team.id,
        Team.name,
        members.correlate(Team).scalar_subquery().label("members"),
        shared.correlate(Team).scalar_subquery().label("entries"),
        Membership.is_admin.label("role"),
    ).outerjoin(Membership, own)
    conditions: list[ColumnElement[bool]] = [] if actor.is_admin else [Team.id.in_(actor.teams)]
    if wanted := rules.key(text):
        conditions.append(contains(Team.name_key, wanted))
    total = db.session.scalar(select(func.count()).select_from(Team).where(*conditions)) or 0
    rows = query.where(*conditions).order_by(Team.name_key).limit(limit).offset(offset)
    return db.session.execute(rows).all(), total


@allows(OnTeam.SEE)
def members(actor: Actor, team: Team, text: str, limit: int, offset: int) -> tuple[Sequence[Any], int]:
    """Who is in the team with `text` in user name or e-mail, its admins first, by user name, and how many there are.

    Rows of user_id, username, email, is_admin.
    """
    conditions: list[ColumnElement[bool]] = [Membership.team_id == team.id]
    if wanted := rules.key(text):
        conditions.append(or_(contains(User.username_key, wanted), contains(User.email_key, wanted)))
    columns = User.id.label("user_id"), User.username, User.email, Membership.is_admin
    query = select(*columns).join(Membership, Membership.user_id == User.id).where(*conditions)
    total = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    ordered = query.order_by(Membership.is_admin.desc(), User.username_key)
    return db.session.execute(ordered.limit(limit).offset(offset)).all(), total


@allows(OnTeam.SEE)
def name_of(actor: Actor, team: Team, user_id: str) -> str:
    """The user name of who is in the team; empty for whoever is not."""
    member = select(User.username).join(Membership, Membership.user_id == User.id)
    return db.session.scalar(member.where(Membership.team_id == team.id, User.id == user_id)) or ""
