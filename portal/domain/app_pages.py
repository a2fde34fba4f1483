"""What the pages list of apps and of what is in them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from portal.domain.access import readable
from portal.domain.apps import App
from portal.domain.entries import Entry
from portal.domain.environments import NAMES, Deployment
from portal.domain.teams import Team
from portal.domain.users import User
from portal.domain.versions import Version
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import allows, scoped
from portal.security.policy import OnTeam

PAGE_ROWS = 100


@allows(OnTeam.SEE)
def overview(actor: Actor, team: Team) -> Sequence[Any]:
    """The team's apps by name, as rows of id, name and entries: how many the actor may read in it."""
    there = select(func.count()).where(Entry.app_id == App.id, readable(actor, Entry))
    number = there.correlate(App).scalar_subquery().label("entries")
    query = select(App.id, App.name, number).where(App.team_id == team.id)
    return db.session.execute(query.order_by(App.name_key)).all()


@scoped
def entries(actor: Actor, app: App, limit: int, offset: int) -> tuple[Sequence[Any], int]:
    """What the actor may read in the app, by name, and how many that is.

    Rows of kind, id, name, version, username, what the policy asks, and each environment: the number of its version.
    """
    conditions = Entry.app_id == app.id, readable(actor, Entry)
    columns = Entry.kind, Entry.id, Entry.name, Entry.version, User.username
    asked = Entry.owner_id, Entry.access, Entry.team_id, Entry.default_permission
    query = select(*columns, *asked, *map(_version_in, NAMES)).join(User, User.id == Entry.owner_id).where(*conditions)
    rows = db.session.execute(query.order_by(Entry.name_key, Entry.id).limit(limit).offset(offset)).all()
    return rows, db.session.scalar(select(func.count()).select_from(Entry).where(*conditions)) or 0


@scoped
def app_of(actor: Actor, entry: Entry) -> App | None:
    """The app that the entry is in, if the actor may see that."""
    if entry.app_id is None:
        return None
    app = db.session.get(App, entry.app_id)
    return app if app and (actor.is_admin or app.team_id in actor.teams) else None


def _version_in(environment: str) -> Any:
    """The number of the version that this environment of an entry points at."""
    its, version = aliased(Deployment), aliased(Version)
    number = select(version.number).join(its, its.version_id == version.id)
    newest = number.where(its.entry_id == Entry.id, its.environment == environment).order_by(its.id.desc()).limit(1)
    return newest.correlate(Entry).scalar_subquery().label(environment)
