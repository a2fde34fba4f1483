"""Teams: people who share. Who belongs decides who sees protected entries."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Row, Select, String, delete, select, update
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Id, Table, Time, new_id, now, take_time
from portal.domain import audit, rules, users
from portal.domain.audit import What
from portal.domain.users import User
from portal.errors import Conflict, NotFound
from portal.extensions import db
from portal.search.dialects import insert
from portal.security.actor import Actor
from portal.security.guard import allows, scoped
from portal.security.policy import OnTeam, Portal

if TYPE_CHECKING:
    from portal.domain.entries import Entry
    from portal.domain.kinds import Kind


class Team(Table):
    __tablename__ = "team"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(255))
    name_key: Mapped[str] = mapped_column(String(1024), unique=True)
    created_at: Mapped[datetime] = mapped_column(Time, default=now)


class Membership(Table):
    __tablename__ = "membership"

    team_id: Mapped[str] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    is_admin: Mapped[bool] = mapped_column(default=False)


def lock(team: Team) -> None:
    """Reads the row anew; nobody else changes the team, joins it or shares with it until the end of this transaction.

    404 where it has just been deleted. Checks no permission.
    """
    _reread(team)


def hold(team: Team) -> None:
    """Reads the row anew; nobody deletes the team until the end of this transaction, any number may hold it at a time.

    404 where it has just been deleted. Checks no permission.
    """
    _reread(team, read=True, key_share=True)


@allows(Portal.ADMINISTER, writes=True)
def create(actor: Actor, name: str, *, with_me: bool = False) -> Team:
    """A new team, empty or with the actor to look after it; 409 if the name is taken."""
    team = Team(id=new_id())
    _rename(team, name)
    _require_free_name(team)
    db.session.add(team)
    _flush(team)
    audit.note(actor, What.TEAM_CREATED, team=team)
    if with_me:
        assert actor.user_id is not None
        add(actor, team, actor.user_id, as_admin=True)
    return team


@scoped
def get(actor: Actor, team_id: str) -> Team:
    """The team if the actor is in it or an administrator; otherwise 404, as for an id that no team has."""
    may_know = actor.is_admin or team_id.lower() in actor.teams
    team = db.session.get(Team, team_id.lower()) if may_know and rules.is_id(team_id) else None
    if team is None:
        raise NotFound("There is no such team.")
    return team


@scoped
def list_visible(actor: Actor) -> Sequence[Team]:
    """All teams for an administrator, else the actor's, by name."""
    query = select(Team).order_by(Team.name_key)
    return db.session.scalars(query if actor.is_admin else query.where(Team.id.in_(actor.teams))).all()


@allows(OnTeam.OVERSEE)
def members(actor: Actor, team: Team) -> Sequence[Row[Any]]:
    """Who is in the team, as rows of user_id, username, email, is_admin, by user name."""
    columns = User.id.label("user_id"), User.username, User.email, Membership.is_admin
    query: Any = select(*columns).join(Membership, Membership.user_id == User.id).where(Membership.team_id == team.id)
    return db.session.execute(query.order_by(User.username_key)).all()


@allows(OnTeam.OVERSEE)
def entries(actor: Actor, team: Team, kind: "Kind") -> Select[str]:
    """The query for the ids of what is shared with the team. Every member may read all of it."""
    from portal.domain.entries import Entry

    shared = Entry.team_id == team.id, Entry.access == "protected"
    return select(Entry.id).where(Entry.kind == kind.word, *shared)


@allows(OnTeam.ADMINISTER, holding=lock)
def rename(actor: Actor, team: Team, name: str) -> None:
    """409 if another team has the name."""
    was = team.name
    with db.session.no_autoflush:
        _rename(team, name)
        _require_free_name(team)
    _flush(team)
    if team.name != was:
        audit.note(actor, What.TEAM_RENAMED, team=team, was=was)


@allows(OnTeam.REMOVE, holding=lock)
def remove(actor: Actor, team: Team) -> None:
    """Deletes the team and its apps. What was shared with it becomes private and keeps its owners."""
    from portal.domain import apps
    from portal.domain.entries import Entry, locked

    take_time()  # all that is shared with it is changed
    apps.dissolve(actor, team)
    for entry in db.session.scalars(locked(Entry.team_id == team.id)):
        _make_private(actor, team, entry)
    audit.note(actor, What.TEAM_DELETED, team=team)
    db.session.flush()
    db.session.delete(team)
    db.session.flush()


@allows(OnTeam.ADMINISTER, holding=hold)
def add(actor: Actor, team: Team, user_id: str, *, as_admin: bool = False) -> None:
    """This person is in the team from now on, and looks after it where `as_admin` says so; 404 if there is nobody."""
    user = users.hold(user_id)
    made = insert(Membership).values(team_id=team.id, user_id=user.id, is_admin=False).on_conflict_do_nothing()
    if db.session.scalar(made.returning(Membership.user_id)):
        audit.note(actor, What.MEMBER_ADDED, team=team, about=user.username)
    if as_admin and _changed(update(Membership).values(is_admin=True).where(~Membership.is_admin), team, user):
        audit.note(actor, What.MEMBER_PROMOTED, team=team, about=user.username)


@allows(OnTeam.ADMINISTER, holding=hold)
def dismiss(actor: Actor, team: Team, user_id: str) -> None:
    """This person is not in the team any more; 404 if there is nobody."""
    user = users.hold(user_id)
    if _changed(delete(Membership), team, user):
        audit.note(actor, What.MEMBER_REMOVED, team=team, about=user.username)


@allows(OnTeam.ADMINISTER, holding=hold)
def demote(actor: Actor, team: Team, user_id: str) -> None:
    """This person is at most a member. The last who looks after a team may go: administrators do so then."""
    user = users.hold(user_id)
    if _changed(update(Membership).values(is_admin=False).where(Membership.is_admin), team, user):
        audit.note(actor, What.MEMBER_DEMOTED, team=team, about=user.username)


@allows(OnTeam.LEAVE, holding=hold)
def leave(actor: Actor, team: Team) -> None:
    """The actor is not in the team any more."""
    assert actor.user_id is not None
    user = users.hold(actor.user_id)
    if _changed(delete(Membership), team, user):
        audit.note(actor, What.MEMBER_LEFT, team=team, about=user.username)


def _reread(team: Team, **strength: bool) -> None:
    try:
        db.session.refresh(team, with_for_update=strength or True)
    except InvalidRequestError:  # the row is gone
        raise NotFound("There is no such team.") from None


def _changed(statement: Any, team: Team, user: User) -> bool:
    """Whether the statement found the membership as it wants it to change."""
    its = Membership.team_id == team.id, Membership.user_id == user.id
    return db.session.scalar(statement.where(*its).returning(Membership.user_id)) is not None


def _make_private(actor: Actor, team: Team, entry: "Entry") -> None:
    was, entry.access, entry.team_id, entry.updated_at = entry.access, "private", None, now()
    audit.note(actor, What.ACCESS_CHANGED, entry=entry, was=was, now=entry.access, was_team=team.name)


def _rename(team: Team, name: str) -> None:
    team.name = rules.name(name, "name")
    team.name_key = rules.key(team.name)


def _require_free_name(team: Team) -> None:
    if db.session.scalar(select(Team.id).where(Team.name_key == team.name_key, Team.id != team.id)):
        raise _name_taken()


def _flush(team: Team) -> None:
    """The check before can lose a race on PostgreSQL; the unique key cannot."""
    try:
        db.session.flush()
    except IntegrityError as error:
        if "name_key" not in str(error.orig):
            raise
        raise _name_taken() from None


def _name_taken() -> Conflict:
    message = "There is a team with this name. Choose another."
    return Conflict(message, fields=[("name", message)])
