"""Entries: registered models and scripts. One table, one set of verbs for both kinds."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, Select, String, bindparam, inspect, select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Mapped, lazyload, mapped_column, relationship

from portal.database import Id, JsonObject, Table, Time, begin_write, new_id, now, take_time
from portal.domain import audit, dependencies, entry_names, experiments, rules
from portal.domain.access import readable
from portal.domain.audit import What
from portal.domain.kinds import Kind
from portal.domain.users import User
from portal.errors import Conflict, Invalid, NotFound
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import allows, scoped
from portal.security.policy import OnEntry, Portal, can_read

if TYPE_CHECKING:
    from portal.domain.apps import App


class Entry(Table):
    """Its name is unique among its owner's entries of this kind, in an app among the app's instead.

    `size` and `version` are those of the newest version (null before one exists), kept for lists.
    """

    __tablename__ = "entry"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(255))
    name_key: Mapped[str] = mapped_column(String(1024))
    owner_id: Mapped[str] = mapped_column(ForeignKey("user.id"))
    url: Mapped[str | None] = mapped_column(String(2048))
    type: Mapped[str] = mapped_column(String(255), default="")
    extension: Mapped[str] = mapped_column(String(255), default="")
    description: Mapped[str] = mapped_column(default="")
    info: Mapped[dict[str, Any]] = mapped_column(JsonObject, default=dict)
    attributes: Mapped[dict[str, str]] = mapped_column(JsonObject, default=dict)
    access: Mapped[str] = mapped_column(String(16), default="private")
    team_id: Mapped[str | None] = mapped_column(ForeignKey("team.id"), index=True)
    default_permission: Mapped[str] = mapped_column(String(8), default="read")
    app_id: Mapped[str | None] = mapped_column(ForeignKey("app.id"))
    version: Mapped[int | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    updated_at: Mapped[datetime] = mapped_column(Time, default=now)

    owner: Mapped[User] = relationship(lazy="joined", innerjoin=True)

    __table_args__ = (
        Index("ix_entry_app_name", "app_id", "kind", "name_key", unique=True),
        Index("ix_entry_owner", "owner_id", "kind"),
        Index("ix_entry_name", "kind", "name_key", "id"),
        Index("ix_entry_newest", "kind", "created_at", "id"),
        Index("ix_entry_size", "kind", "size", "id"),
        Index("ix_entry_facets", "kind", "access", "owner_id", "team_id", "type", "size"),
    )


Index(
    "ix_entry_own_name",
    Entry.owner_id,
    Entry.kind,
    Entry.name_key,
    unique=True,
    sqlite_where=Entry.app_id.is_(None),
    postgresql_where=Entry.app_id.is_(None),
)

_FIELDS: dict[str, Any] = {
    "name": rules.name,
    "url": rules.url,
    "type": rules.line,
    "extension": rules.line,
    "description": rules.text,
    "info": lambda value, field: value,
    "attributes": rules.strings,
}


@allows(Portal.CHANGE, writes=True)
def register(
    actor: Actor,
    kind: Kind,
    fields: dict[str, Any],
    *,
    depends_on: Sequence[str] = (),
    experiment: str | None = None,
    app: "App | None" = None,
) -> Entry:
    """A new private entry of the actor. `fields` has `name` and may have any of `_FIELDS`; 409 if the name is taken.

    In an app (by way of `apps.register`) it is seen by the app's team instead.
    """
    moment = now()
    entry = Entry(id=new_id(), kind=kind.word, owner_id=actor.user_id, created_at=moment, updated_at=moment)
    if app is not None:
        entry.app_id, entry.team_id, entry.access = app.id, app.team_id, "protected"
    _describe(entry, fields)
    entry_names.require_free(entry)
    db.session.add(entry)
    entry_names.flush(entry)
    dependencies.replace(actor, entry, depends_on)
    if experiment:
        experiments.tie(entry.id, experiment)
    audit.note(actor, What.ENTRY_REGISTERED, entry=entry)
    return db.session.get_one(Entry, entry.id)


@allows(Portal.CHANGE, writes=True)
def register_once(actor: Actor, kind: Kind, fields: dict[str, Any], *, experiment: str | None = None) -> Entry:
    """As `register`, but the actor's own entry with this name and URL is returned, and tied to the experiment.

    Where the same call comes twice at once, the slower starts its transaction anew and finds the entry of the other.
    """
    try:
        return _tied_own(actor, kind, fields, experiment) or register(actor, kind, fields, experiment=experiment)
    except Conflict:
        db.session.rollback()
        begin_write()
        entry = _tied_own(actor, kind, fields, experiment)
        if entry is None:
            raise
        return entry


@scoped
def get(actor: Actor, kind: Kind, entry_id: str) -> Entry:
    """The entry if the actor may read it; otherwise 404, as for an id that does not exist or is none."""
    return _visible(actor, kind, entry_id, _BY_ID)


@scoped
def get_held(actor: Actor, kind: Kind, entry_id: str) -> Entry:
    """As `get`, in the write transaction, and held: for who is about to add to the entry."""
    begin_write()
    entry = _visible(actor, kind, entry_id, _BY_ID_HELD)
    inspect(entry).info["held in"] = db.session().get_transaction()
    return entry


def _visible(actor: Actor, kind: Kind, entry_id: str, query: Select[Entry]) -> Entry:
    asked = {"its_id": entry_id.lower(), "its_kind": kind.word}
    entry = db.session.scalar(query, asked) if rules.is_id(entry_id) else None
    if entry is None or not can_read(actor, entry):
        raise NotFound(f"There is no such {kind.word}.")
    return entry


# Put together once: nearly every request asks.
_BY_ID = (
    select(Entry)
    .where(Entry.id == bindparam("its_id"), Entry.kind == bindparam("its_kind"))
    .execution_options(populate_existing=True)  # who may read it is decided by the row as it is now
)
_HELD: dict[str, Any] = {"of": Entry, "read": True, "key_share": True}
_BY_ID_HELD = _BY_ID.options(lazyload(Entry.owner)).with_for_update(**_HELD)


def locked(*which: ColumnElement[bool]) -> Select[Entry]:
    """The query for these entries, which nobody else changes from then on. Checks no permission.

    Without their owners: joined, a row would be missing whose owner changes while it is waited for.
    """
    query = select(Entry).where(*which).order_by(Entry.id).options(lazyload(Entry.owner))
    return query.with_for_update(of=Entry).execution_options(populate_existing=True)


def lock(entry: Entry) -> None:
    """Reads the row anew; nobody else changes or deletes it, or builds on it, until the end of this transaction.

    404 where it has just been deleted. Checks no permission.
    """
    _reread(entry, {"of": Entry})


def hold(entry: Entry) -> None:
    """Reads the row anew; nobody deletes it until the end of this transaction, any number may hold it at a time.

    Comes before every other lock of whoever adds to an entry. 404 where it has just been deleted. Checks no permission.
    """
    if inspect(entry).info.get("held in") is not db.session().get_transaction():
        _reread(entry, _HELD)


def _reread(entry: Entry, strength: dict[str, Any]) -> None:
    try:
        db.session.refresh(entry, inspect(Entry).column_attrs.keys(), with_for_update=strength)
    except InvalidRequestError:  # the row is gone
        raise NotFound() from None
    db.session.expire(entry, ["owner"])


@allows(OnEntry.WRITE, holding=lock)
def edit(
    actor: Actor,
    entry: Entry,
    fields: dict[str, Any],
    *,
    depends_on: Sequence[str] | None = None,
    experiment: str | None = None,
) -> Entry:
    """Changes the given fields of `_FIELDS`; the others stay as they are."""
    was = entry.name
    with db.session.no_autoflush:
        _describe(entry, fields)
        if "name" in fields:
            entry_names.require_free(entry)
    entry.updated_at = now()
    entry_names.flush(entry)
    if entry.name != was:
        audit.note(actor, What.ENTRY_RENAMED, entry=entry, was=was)
    if depends_on is not None:
        dependencies.replace(actor, entry, depends_on)
    if experiment:
        experiments.tie(entry.id, experiment)
    return entry


@allows(OnEntry.OWN, holding=lock)
def remove(actor: Actor, entry: Entry) -> None:
    """Deletes an entry with its versions and uploads; 422 while another entry depends on it.

    The bytes go with the sweep: a row that names a missing file is worse than a file that no row names.
    """
    number = dependencies.count_dependents(entry)
    if number:
        others = f"{number} other {entry.kind}{' depends' if number == 1 else 's depend'}"
        raise Invalid(f"{others} on this {entry.kind}, so it cannot be deleted.")
    take_time()  # its records go with it, however many
    audit.note(actor, What.ENTRY_DELETED, entry=entry)
    db.session.delete(entry)
    db.session.flush()


@scoped
def visible_ids(actor: Actor, kind: Kind) -> Select[str]:
    """The query for all that the actor may read, for others to start from: lists have no end, and bound values do."""
    return select(Entry.id).where(Entry.kind == kind.word, readable(actor, Entry))


def checked(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields as they would be kept; 422 names every one that will not do."""
    kept: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for field, value in fields.items():
        try:
            kept[field] = _FIELDS[field](value, field)
        except Invalid as error:
            wrong += error.fields
    if wrong:
        raise Invalid(fields=wrong)
    return kept


def _describe(entry: Entry, fields: dict[str, Any]) -> None:
    for field, value in checked(fields).items():
        setattr(entry, field, value)
    if "name" in fields:
        entry.name_key = rules.key(entry.name)


def _tied_own(actor: Actor, kind: Kind, fields: dict[str, Any], experiment: str | None) -> Entry | None:
    """The actor's own entry with this name and URL, tied to the experiment. In an app the name is the app's."""
    own = Entry.owner_id == actor.user_id, Entry.kind == kind.word, Entry.app_id.is_(None)
    name_key = rules.key(rules.name(fields.get("name", ""), "name"))
    entry = db.session.scalar(locked(*own, Entry.name_key == name_key))
    if entry is None or entry.url != rules.url(fields.get("url"), "url"):
        return None
    if experiment:
        experiments.tie(entry.id, experiment)
    return entry
