"""The audit trail: who changed what, when, from where. Kept for good, in the same transaction as the change.

A row names people, entries and teams by their id and by the name they had, and refers to no other table: it outlives
them. Nothing secret stands in it, and no e-mail.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Index, Select, String, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Id, JsonObject, Table, Time, is_writing, new_ordered_id, now
from portal.domain import rules
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import allows, anyone
from portal.security.policy import OnEntry, Portal

if TYPE_CHECKING:
    from portal.domain.entries import Entry
    from portal.domain.teams import Team

PAGE = 50


class What(StrEnum):
    """What was done; behind each the details that `note` gets with it. `about` is always a user name."""

    ENTRY_REGISTERED = "entry.registered"
    ENTRY_RENAMED = "entry.renamed"  # was
    ENTRY_DELETED = "entry.deleted"
    ACCESS_CHANGED = "access.changed"  # was, now; team is the new one, was_team the name of the old, was_team_id its id
    DEFAULT_PERMISSION_CHANGED = "default_permission.changed"  # was, now
    OWNER_CHANGED = "owner.changed"  # about: the new owner; was: the user name of the old
    VERSION_PUBLISHED = "version.published"  # number
    VERSION_DEPLOYED = "version.deployed"  # number, environment
    RECORDS_DELETED = "records.deleted"  # number
    TEAM_CREATED = "team.created"
    TEAM_RENAMED = "team.renamed"  # was
    TEAM_DELETED = "team.deleted"
    APP_CREATED = "app.created"  # name; team is whose app it is
    APP_RENAMED = "app.renamed"  # name, was
    APP_DELETED = "app.deleted"  # name
    MEMBER_ADDED = "member.added"
    MEMBER_REMOVED = "member.removed"
    MEMBER_PROMOTED = "member.promoted"
    MEMBER_DEMOTED = "member.demoted"
    MEMBER_LEFT = "member.left"
    USER_SIGNED_UP = "user.signed_up"
    USER_CREATED = "user.created"
    USER_RENAMED = "user.renamed"  # was
    USER_VERIFIED = "user.verified"
    USER_PROMOTED = "user.promoted"
    USER_DEMOTED = "user.demoted"
    USER_DELETED = "user.deleted"
    TOKEN_MADE = "token.made"  # name, scope
    TOKEN_REVOKED = "token.revoked"  # name
    EMAIL_CHANGED = "email.changed"
    PASSWORD_CHANGED = "password.changed"
    PASSWORD_REPLACED = "password.replaced"


class AuditEntry(Table):
    """`id` sorts by time. `username` is the actor's, empty for visitors and for commands that nobody is named for."""

    __tablename__ = "audit_entry"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_ordered_id)
    at: Mapped[datetime] = mapped_column(Time, default=now)
    actor_id: Mapped[str | None] = mapped_column(Id)
    username: Mapped[str] = mapped_column(String(50), default="")
    via: Mapped[str] = mapped_column(String(16))
    address: Mapped[str | None] = mapped_column(String(64))
    what: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str | None] = mapped_column(String(16))
    entry_id: Mapped[str | None] = mapped_column(Id)
    entry_name: Mapped[str] = mapped_column(String(255), default="")
    team_id: Mapped[str | None] = mapped_column(Id)
    team_name: Mapped[str] = mapped_column(String(255), default="")
    about: Mapped[str] = mapped_column(String(50), default="")
    details: Mapped[dict[str, Any]] = mapped_column(JsonObject, default=dict)

    __table_args__ = (Index("ix_audit_entry_of_entry", "entry_id", "id"),)


@anyone("the verb that calls has asked")
def note(
    actor: Actor,
    what: What,
    *,
    entry: "Entry | None" = None,
    team: "Team | None" = None,
    about: str = "",
    **details: str | int | None,
) -> None:
    """Writes down what `actor` has just done, in the write transaction that does it.

    A change that reaches several entries is noted for each: its owner reads only what is about it. `details` are those
    that `What` names.
    """
    assert is_writing(), "a note belongs to the transaction of its change"
    row = AuditEntry(actor_id=actor.user_id, username=actor.username, via=actor.via, what=what, about=about)
    row.address = actor.address and actor.address[:64]
    row.details = details
    if entry is not None:
        row.kind, row.entry_id, row.entry_name = entry.kind, entry.id, entry.name
    if team is not None:
        row.team_id, row.team_name = team.id, team.name
    db.session.add(row)


class Trail(NamedTuple):
    """Rows, newest first; `older` is the `before` of the page that follows, None on the last."""

    rows: Sequence[AuditEntry]
    older: str | None


@allows(OnEntry.OVERSEE)
def of_entry(actor: Actor, entry: "Entry", limit: int = PAGE, before: str | None = None) -> Trail:
    """What was done to the entry; `before` is the id of the row that this page goes on after."""
    return _page(select(AuditEntry).where(AuditEntry.entry_id == entry.id), limit, before)


@allows(Portal.OVERSEE)
def recent(actor: Actor, limit: int = PAGE, before: str | None = None) -> Trail:
    """What was done in the whole portal; `before` as in `of_entry`."""
    return _page(select(AuditEntry), limit, before)


@anyone("who has the row may read it")
def said(actor: Actor, row: AuditEntry) -> tuple[str | None, str, dict[str, Any]]:
    """Team's id and name and details of a row that the actor may read; teams that they may not see have no name."""
    details = dict(row.details)
    if not actor.is_admin and details.pop("was_team_id", None) not in actor.teams:
        details.pop("was_team", None)
    is_hidden = row.team_id is not None and not actor.is_admin and row.team_id not in actor.teams
    return (None, "", details) if is_hidden else (row.team_id, row.team_name, details)


def _page(query: Select[AuditEntry], limit: int, before: str | None) -> Trail:
    if before is not None:
        if not rules.is_id(before):
            return Trail((), None)
        query = query.where(AuditEntry.id < before.lower())
    rows = db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit + 1)).all()
    return Trail(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)
