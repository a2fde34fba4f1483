"""Environments: `dev` and `prod`, names of an entry that point at one of its versions. What they pointed at is kept."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ForeignKey, Index, Row, String, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Id, Table, Time, new_ordered_id, now
from portal.domain import audit, entries
from portal.domain.access import Ids
from portal.domain.audit import What
from portal.domain.entries import Entry
from portal.domain.users import User
from portal.domain.versions import Version
from portal.errors import BadRequest
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import allows
from portal.security.policy import OnEntry

NAMES = ("dev", "prod")
MOST = 100


class NoVersion(BadRequest):
    title = "No such version"


class NoEnvironment(BadRequest):
    title = "No such environment"


class Deployment(Table):
    """An environment came to point at a version; the newest row of each environment counts. `id` sorts by time."""

    __tablename__ = "deployment"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_ordered_id)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entry.id", ondelete="CASCADE"))
    environment: Mapped[str] = mapped_column(String(16))
    version_id: Mapped[str] = mapped_column(ForeignKey("version.id", ondelete="CASCADE"), index=True)
    deployed_at: Mapped[datetime] = mapped_column(Time, default=now)
    deployed_by_id: Mapped[str | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)

    __table_args__ = (Index("ix_deployment_of_entry", "entry_id", "environment", "id"),)


class Environment(NamedTuple):
    """`number` is the version's, and with the rest None before anything was deployed to it."""

    id: str
    name: str
    number: int | None = None
    deployed_at: datetime | None = None
    username: str | None = None


@allows(OnEntry.WRITE, holding=entries.hold)
def deploy(actor: Actor, entry: Entry, number: int | None, name: str) -> int:
    """The environment points at version `number` from now on, or at the newest; the number. 400 for an unknown one."""
    if name not in NAMES:
        raise NoEnvironment(f"Takes {' or '.join(NAMES)} as an environment.")
    wanted = entry.version if number is None else number
    known = select(Version).where(Version.entry_id == entry.id, Version.number == wanted)
    version = db.session.scalar(known) if wanted is not None and 0 < wanted < 2**31 else None
    if version is None:
        has = f"This {entry.kind} has no version"
        raise NoVersion(f"{has} yet." if number is None else f"{has} {number}.")
    if _now_at(entry, name) != version.id:
        deployment = Deployment(entry_id=entry.id, environment=name, version_id=version.id)
        deployment.deployed_by_id = actor.user_id
        db.session.add(deployment)
        audit.note(actor, What.VERSION_DEPLOYED, entry=entry, number=version.number, environment=name)
        db.session.flush()
    return version.number


@allows(OnEntry.READ)
def list_of(actor: Actor, entry: Entry) -> Sequence[Environment]:
    """Every environment of the entry, in the order of `NAMES`."""
    found = []
    for name in NAMES:
        row = db.session.execute(_rows(entry).where(Deployment.environment == name).limit(1)).first()
        their_id = str(uuid.uuid5(uuid.UUID(entry.id), name))
        last = (row.number, row.deployed_at, row.username) if row else ()
        found.append(Environment(their_id, name, *last))
    return found


@allows(OnEntry.READ)
def history(actor: Actor, entry: Entry) -> Sequence[Row[Any]]:
    """The last `MOST` deployments, newest first, as rows of environment, number, deployed_at, username."""
    return db.session.execute(_rows(entry).limit(MOST)).all()


def deployed(entry_ids: Ids) -> set[str]:
    """Which of the entries were deployed to any environment. Checks no permission: ask for visible entries."""
    return set(db.session.scalars(select(Deployment.entry_id).where(Deployment.entry_id.in_(entry_ids)).distinct()))


def _now_at(entry: Entry, name: str) -> str | None:
    """The id of the version that the environment points at."""
    its = Deployment.entry_id == entry.id, Deployment.environment == name
    return db.session.scalar(select(Deployment.version_id).where(*its).order_by(Deployment.id.desc()).limit(1))


def _rows(entry: Entry) -> Any:
    return (
        select(Deployment.environment, Version.number, Deployment.deployed_at, User.username)
        .join(Version, Version.id == Deployment.version_id)
        .outerjoin(User, User.id == Deployment.deployed_by_id)
        .where(Deployment.entry_id == entry.id)
        .order_by(Deployment.id.desc())
    )
