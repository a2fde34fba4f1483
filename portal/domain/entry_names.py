"""Names of entries: unique among their owner's of the same kind, in an app among the app's instead.

Compared by `rules.key`. Stands apart from `entries.py`, so that what entries stand on can use it, too.
"""

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.domain import rules
from portal.errors import Conflict
from portal.extensions import db

if TYPE_CHECKING:
    from portal.domain.entries import Entry

_INDEXES = (  # as PostgreSQL and as SQLite call them
    "ix_entry_own_name",
    "ix_entry_app_name",
    "entry.owner_id, entry.kind, entry.name_key",
    "entry.app_id, entry.kind, entry.name_key",
)


def require_free(entry: "Entry") -> None:
    """409 where its name is taken. Checks no permission: for whoever changes the name, or whose it is among."""
    with db.session.no_autoflush:
        if _is_taken(entry):
            raise _refusal(entry)


def flush(entry: "Entry") -> None:
    """Writes the entry; 409 where somebody else took the name since the check, as only PostgreSQL lets them.

    Checks no permission: as `require_free`.
    """
    refusal = _refusal(entry)
    try:
        db.session.flush()
    except IntegrityError as error:
        if not any(name in str(error.orig) for name in _INDEXES):
            raise
        raise refusal from None


def set_apart(entry: "Entry", added: str) -> None:
    """Adds ` (ADDED)` to the name where it is taken among those it comes to stand with; a number, where that is, too.

    Checks no permission: for whoever moves the entry, which they have locked.
    """
    names = rules.set_apart(entry.name, added)
    with db.session.no_autoflush:
        while _is_taken(entry):
            entry.name = next(names)
            entry.name_key = rules.key(entry.name)


def _is_taken(entry: "Entry") -> bool:
    table = type(entry)
    own = table.app_id.is_(None), table.owner_id == entry.owner_id
    among = own if entry.app_id is None else (table.app_id == entry.app_id,)
    same = select(table.id).where(*among, table.kind == entry.kind, table.name_key == entry.name_key)
    return db.session.scalar(same.where(table.id != entry.id)) is not None


def _refusal(entry: "Entry") -> Conflict:
    has = "You already have" if entry.app_id is None else "This app already has"
    message = f"{has} a {entry.kind} with this name. Choose another."
    return Conflict(message, fields=[("name", message)])
