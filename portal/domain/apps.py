"""Apps: groups of entries in a team. Whoever is in the team sees them and makes them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Select, String, UniqueConstraint, delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.database import Id, Table, Time, new_id, now
from portal.domain import audit, entries, entry_names, rules, teams
from portal.domain.access import readable
from portal.domain.audit import What
from portal.domain.entries import Entry
from portal.domain.kinds import Kind
from portal.domain.teams import Team
from portal.errors import Conflict, NotFound
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import allows, scoped
from portal.security.policy import OnApp, OnTeam


class App(Table):
    __tablename__ = "app"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    team_id: Mapped[str] = mapped_column(ForeignKey("team.id"))
    name: Mapped[str] = mapped_column(String(255))
    name_key: Mapped[str] = mapped_column(String(1024))
    created_at: Mapped[datetime] = mapped_column(Time, default=now)

    team: Mapped[Team] = relationship()
    __table_args__ = (UniqueConstraint("team_id", "name_key"),)


def hold(app: App) -> None:
    """Nobody deletes the app, or its team, until the end of this transaction; any number may hold it at a time.

    404 where it has just been deleted. Checks no permission.
    """
    teams.hold(_reread(app).team)
    _reread(app)


def lock(app: App) -> None:
    """Reads the row anew; nobody else changes the app or adds to it until the end of this transaction.

    404 where it has just been deleted. Checks no permission.
    """
    teams.lock(_reread(app).team)
    _reread(app)


@allows(OnTeam.CONTRIBUTE, holding=teams.hold)
def create(actor: Actor, team: Team, name: str) -> App:
    """A new, empty app; 409 if the team has one of this name."""
    app = App(id=new_id(), team_id=team.id)
    _name(app, name)
    audit.note(actor, What.APP_CREATED, team=team, name=app.name)
    return app


@allows(OnTeam.SEE)
def list_of(actor: Actor, team: Team) -> Sequence[App]:
    """The team's apps, by name."""
    return db.session.scalars(select(App).where(App.team_id == team.id).order_by(App.name_key)).all()


@allows(OnTeam.SEE)
def get(actor: Actor, team: Team, name_or_id: str) -> App:
    """The team's app of this id, or else of this name; 404 if there is none."""
    app = _named(select(App).where(App.team_id == team.id), App, name_or_id)
    if app is None:
        raise NotFound("There is no such app.")
    return app


@scoped
def get_team(actor: Actor, name_or_id: str) -> Team:
    """The team of this id, or else of this name, if the actor may see it; 404 otherwise."""
    query = select(Team)
    team = _named(query if actor.is_admin else query.where(Team.id.in_(actor.teams)), Team, name_or_id)
    if team is None:
        raise NotFound("There is no such team.")
    return team


@scoped
def get_entry(actor: Actor, app: App, kind: Kind, name_or_id: str) -> Entry:
    """The app's entry of this id, or else of this name, if the actor may read it; 404 otherwise."""
    there = Entry.app_id == app.id, Entry.kind == kind.word
    entry = _named(select(Entry).where(*there, readable(actor, Entry)), Entry, name_or_id)
    if entry is None:
        raise NotFound(f"There is no such {kind.word}.")
    return entry


@scoped
def entries_of(actor: Actor, apps: Iterable[App], kind: Kind) -> Mapping[str, Sequence[Entry]]:
    """What the actor may read in each of the apps, by the app's id, sorted by name."""
    there = Entry.app_id.in_([app.id for app in apps]), Entry.kind == kind.word
    found = defaultdict(list)
    for entry in db.session.scalars(select(Entry).where(*there, readable(actor, Entry)).order_by(Entry.name_key)):
        found[entry.app_id or ""].append(entry)
    return found


@allows(OnApp.CONTRIBUTE, holding=hold)
def register(actor: Actor, app: App, kind: Kind, fields: dict[str, Any]) -> Entry:
    """A new entry of the actor in the app, seen by its team; 409 if the app has one of this name. `fields` as there."""
    return entries.register(actor, kind, fields, app=app)


@allows(OnApp.ADMINISTER, holding=lock)
def rename(actor: Actor, app: App, name: str) -> None:
    """409 if the team has another app of this name."""
    was = app.name
    _name(app, name)
    if app.name != was:
        audit.note(actor, What.APP_RENAMED, team=app.team, name=app.name, was=was)


@allows(OnApp.ADMINISTER, holding=lock)
def remove(actor: Actor, app: App) -> None:
    """The app ends. What is in it keeps its owner and stays shared, with ` (APP)` added where a name is taken."""
    _take_out(actor, {app.id: app.name}, Entry.app_id == app.id)
    audit.note(actor, What.APP_DELETED, team=app.team, name=app.name)
    db.session.delete(app)
    db.session.flush()


@allows(OnTeam.REMOVE)
def dissolve(actor: Actor, team: Team) -> None:
    """The team's apps end. What is in them keeps its owner, with ` (APP)` added where a name is taken.

    For whoever deletes the team, which they have locked; everything that was shared with it is locked here, at once.
    """
    names = {app.id: app.name for app in list_of(actor, team)}
    _take_out(actor, names, or_(Entry.app_id.in_(names), Entry.team_id == team.id))
    for name in names.values():
        audit.note(actor, What.APP_DELETED, team=team, name=name)
    db.session.execute(delete(App).where(App.team_id == team.id))


def _take_out(actor: Actor, names: Mapping[str, str], concerned: ColumnElement[bool]) -> None:
    """Out of the apps with these ids and names; locks all entries that are concerned."""
    for entry in db.session.scalars(entries.locked(concerned)).all():
        app_name = names.get(entry.app_id or "")
        if app_name is not None:
            was, entry.app_id = entry.name, None
            entry_names.set_apart(entry, app_name)
            entry_names.flush(entry)
            if entry.name != was:
                audit.note(actor, What.ENTRY_RENAMED, entry=entry, was=was)


def _reread(app: App) -> App:
    found = db.session.get(App, app.id, populate_existing=True)
    if found is None:
        raise NotFound("There is no such app.")
    return found


def _name(app: App, name: str) -> None:
    """Writes the app with this name; 409 if another of the team has it."""
    app.name = rules.name(name, "name")
    app.name_key = rules.key(app.name)
    db.session.add(app)
    try:
        db.session.flush()
    except IntegrityError as error:
        if "name_key" not in str(error.orig):
            raise
        message = "This team already has an app with this name. Choose another."
        raise Conflict(message, fields=[("name", message)]) from None


def _named(query: Select[Any], table: Any, name_or_id: str) -> Any:
    """An id goes first, so that nobody stands in the way of another's by naming their own like it."""
    by_id = query.where(table.id == name_or_id.lower())
    found = db.session.scalar(by_id) if rules.is_id(name_or_id) else None
    return found or db.session.scalar(query.where(table.name_key == rules.key(name_or_id)))
