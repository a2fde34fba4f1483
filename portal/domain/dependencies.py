"""Which entries an entry is built on, and which are built on it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Row, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Table
from portal.domain import rules
from portal.domain.access import Ids, readable
from portal.domain.users import User
from portal.errors import invalid
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import scoped

if TYPE_CHECKING:
    from portal.domain.entries import Entry


MOST = 100


class Dependency(Table):
    __tablename__ = "dependency"

    entry_id: Mapped[str] = mapped_column(ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True)
    depends_on_id: Mapped[str] = mapped_column(ForeignKey("entry.id"), primary_key=True, index=True)


@scoped
def replace(actor: Actor, entry: "Entry", ids: Sequence[str]) -> None:
    """Sets what `entry` depends on: entries of its kind that the actor may read, without a circle.

    What it depends on and the actor may not see stays. Until the end of the transaction nobody deletes what is named.
    """
    from portal.domain.entries import Entry

    wanted = {other.lower() for other in ids}
    if len(wanted) > MOST:
        raise invalid("dependencies", f"Takes at most {MOST} {entry.kind}s.")
    if not all(map(rules.is_id, wanted)):
        raise invalid("dependencies", f"Takes ids of {entry.kind}s.")
    known = select(Entry.id).where(Entry.id.in_(wanted), Entry.kind == entry.kind, readable(actor, Entry))
    held = known.order_by(Entry.id).with_for_update(read=True, key_share=True)
    if wanted - set(db.session.scalars(held)):
        raise invalid("dependencies", f"Takes ids of {entry.kind}s that you may see.")
    if entry.id in wanted | _reached_from(wanted):
        raise invalid("dependencies", f"A {entry.kind} must not depend on itself, even through others.")
    visible = Dependency.depends_on_id.in_(select(Entry.id).where(readable(actor, Entry)))
    db.session.execute(delete(Dependency).where(Dependency.entry_id == entry.id, visible))
    db.session.add_all(Dependency(entry_id=entry.id, depends_on_id=other) for other in wanted)
    db.session.flush()


@scoped
def of_entries(actor: Actor, entry_ids: Ids) -> dict[str, list[Row[Any]]]:
    """For each entry, what it depends on as rows of (entry_id, id, name, type, username), as far as visible."""
    return _rows(actor, Dependency.entry_id, Dependency.depends_on_id, entry_ids)


@scoped
def dependents(actor: Actor, entry_id: str) -> list[Row[Any]]:
    """What depends on the entry, as rows like those of `of_entries`, as far as visible."""
    return _rows(actor, Dependency.depends_on_id, Dependency.entry_id, [entry_id]).get(entry_id, [])


def count_dependents(entry: "Entry") -> int:
    """Those that nobody but their owners see are counted, too. Checks no permission: ask for a visible entry first."""
    query = select(func.count()).where(Dependency.depends_on_id == entry.id)
    return db.session.scalar(query) or 0


def _rows(actor: Actor, here: Any, there: Any, entry_ids: Ids) -> dict[str, list[Row[Any]]]:
    from portal.domain.entries import Entry

    query = (
        select(here.label("entry_id"), Entry.id, Entry.name, Entry.type, User.username)
        .join(Entry, Entry.id == there)
        .join(User, User.id == Entry.owner_id)
        .where(here.in_(entry_ids), readable(actor, Entry))
        .order_by(Entry.name_key)
    )
    found: dict[str, list[Row[Any]]] = {}
    for row in db.session.execute(query):
        found.setdefault(row.entry_id, []).append(row)
    return found


def _reached_from(ids: set[str]) -> set[str]:
    base = select(Dependency.depends_on_id).where(Dependency.entry_id.in_(ids)).cte("reached", recursive=True)
    step = select(Dependency.depends_on_id).join(base, Dependency.entry_id == base.c.depends_on_id)
    return set(db.session.scalars(select(base.union(step).c.depends_on_id)))
