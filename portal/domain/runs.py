"""Runs: that an entry was run, when, and what there is to say about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, func, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import JsonObject, Table, TextId, Time, new_ordered_id, now
from portal.domain import entries
from portal.domain.entries import Entry
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import allows
from portal.security.policy import OnEntry


class Run(Table):
    __tablename__ = "run"

    id: Mapped[str] = mapped_column(TextId, primary_key=True, default=new_ordered_id)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entry.id", ondelete="CASCADE"))
    info: Mapped[dict[str, Any]] = mapped_column(JsonObject, default=dict)
    created_at: Mapped[datetime] = mapped_column(Time, default=now)

    __table_args__ = (Index("ix_run_of_entry", "entry_id", "created_at", "id"),)


@allows(OnEntry.WRITE, holding=entries.hold)
def add(actor: Actor, entry: Entry, info: dict[str, Any] | None = None) -> Run:
    run = Run(id=new_ordered_id(), entry_id=entry.id, info=info or {}, created_at=now())
    db.session.add(run)
    db.session.flush()
    return run


@allows(OnEntry.READ)
def find(actor: Actor, entry: Entry, limit: int, offset: int = 0, *, newest: bool = False) -> tuple[Sequence[Run], int]:
    """The runs of the entry, oldest first unless `newest`, and how many there are in all."""
    of_entry = Run.entry_id == entry.id
    order = (Run.created_at.desc(), Run.id.desc()) if newest else (Run.created_at, Run.id)
    query = select(Run).where(of_entry).order_by(*order).limit(limit).offset(offset)
    total = db.session.scalar(select(func.count()).select_from(Run).where(of_entry)) or 0
    return db.session.scalars(query).all(), total
