"""Versions: the numbered, immutable files of an entry."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Row, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.database import Id, Table, Time, now
from portal.domain import rules
from portal.domain.access import Ids
from portal.domain.entries import Entry
from portal.domain.users import User
from portal.errors import Invalid, NotFound
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import allows
from portal.security.policy import OnEntry


class Version(Table):
    """`id` is that of the upload which made it and names the stored bytes; `sha256` is hex."""

    __tablename__ = "version"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entry.id", ondelete="CASCADE"))
    number: Mapped[int]
    file_name: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    description: Mapped[str] = mapped_column(default="")
    is_damaged: Mapped[bool] = mapped_column(default=False)
    created_by_id: Mapped[str | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(Time, default=now)

    created_by: Mapped[User | None] = relationship()
    __table_args__ = (UniqueConstraint("entry_id", "number"), Index("ix_version_newest", "created_at", "id"))


@allows(OnEntry.READ)
def list_for(actor: Actor, entry: Entry) -> Sequence[Version]:
    """All versions of the entry, newest first."""
    return db.session.scalars(select(Version).where(Version.entry_id == entry.id).order_by(Version.number.desc())).all()


@allows(OnEntry.READ)
def get(actor: Actor, entry: Entry, number: int | None = None) -> Version:
    """Version `number` of the entry (404 if there is none), or its newest (422 while there is none)."""
    wanted = entry.version if number is None else number
    query = select(Version).where(Version.entry_id == entry.id, Version.number == wanted)
    found = db.session.scalar(query) if wanted is not None and 0 < wanted < 2**31 else None
    if found is not None:
        return found
    if number is None:
        raise Invalid(f"This {entry.kind} has no file yet.")
    raise NotFound("There is no such version.")


@allows(OnEntry.READ)
def get_by_id(actor: Actor, entry: Entry, version_id: str) -> Version:
    """The entry's version of this id; 404 if there is none."""
    found = db.session.get(Version, version_id.lower()) if rules.is_id(version_id) else None
    if found is None or found.entry_id != entry.id:
        raise NotFound("There is no such version.")
    return found


def overview(entry_ids: Ids) -> Sequence[Row[Any]]:
    """The entries, oldest first, as rows with owner and newest version, whose columns are null before there is one.

    Checks no permission: ask for visible entries.
    """
    return db.session.execute(_OVERVIEW.where(Entry.id.in_(entry_ids)).order_by(Entry.created_at, Entry.id)).all()


_OVERVIEW: Any = (
    select(
        Entry.id,
        Entry.name,
        Entry.type,
        Entry.access,
        Entry.default_permission,
        Entry.team_id,
        Entry.attributes,
        Entry.created_at,
        User.email,
        User.username,
        Version.number,
        Version.size,
        Version.sha256,
        Version.created_at.label("published_at"),
    )
    .join(User, User.id == Entry.owner_id)
    .outerjoin(Version, (Version.entry_id == Entry.id) & (Version.number == Entry.version))
)


def publish(entry: Entry, version: Version) -> Version:
    """Gives `version` the next number and makes it the entry's newest. Checks no permission; wants the entry locked."""
    last = db.session.scalar(select(func.max(Version.number)).where(Version.entry_id == entry.id)) or 0
    version.number = last + 1
    entry.version, entry.size, entry.updated_at = version.number, version.size, now()
    db.session.add(version)
    db.session.flush()
    return version
