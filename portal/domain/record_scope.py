"""Where the records are that somebody may read and asks for: the circumstances they lie under, and how many there are.

This is the one place where the policy meets the search: all that follows looks under these circumstances only.
"""

import functools
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, cast, func, or_, select, type_coerce
from sqlalchemy.types import NullType

from portal.domain import rules
from portal.domain.access import readable
from portal.domain.circumstances import Circumstances, Season, Site
from portal.domain.datasets import Dataset
from portal.domain.entries import Entry
from portal.domain.experiments import Experiment
from portal.domain.record_filters import Wanted
from portal.domain.tally import DatasetTally, Tally
from portal.extensions import db
from portal.search.several import TEXTS, among
from portal.security.actor import Actor
from portal.security.guard import scoped

NAMES: dict[str, tuple[Any, Any]] = {
    "experiments": (Experiment, Circumstances.experiment_id),
    "seasons": (Season, Circumstances.season_id),
    "sites": (Site, Circumstances.site_id),
}


class Days(NamedTuple):
    """UTC days from `first` to `last`, both included; None is without end."""

    first: date | None = None
    last: date | None = None


class Edge(NamedTuple):
    """The part of one day that lies within a time range: `lower` <= timestamp < `upper`, None at the end of time."""

    day: date
    lower: datetime
    upper: datetime | None


class Found(NamedTuple):
    """The ids of circumstances, and how many records there are under all of them."""

    ids: Sequence[int]
    number: int


class Under(NamedTuple):
    """Circumstances with a number of records; ids as the database gives them, only to be compared.

    What has the name of a field of `Wanted` is what that field is about: three ids, and the key of the entry's name.
    """

    id: int
    number: int
    entry: Any = None
    experiments: Any = None
    seasons: Any = None
    sites: Any = None
    entries: str = ""
    kind: str = ""
    entry_name: str = ""


@scoped
def is_whole(actor: Actor, wanted: Wanted) -> bool:
    """Whether all records of the entry (or of the portal) are asked for, times and JSON aside, and may be read."""
    if wanted.entries or wanted.experiments or wanted.seasons or wanted.sites or wanted.datasets:
        return False
    if wanted.collection_date is not None:
        return False
    if wanted.entry_id is None:
        return actor.is_admin and wanted.kind is None
    seen = _entry(_sees(actor), wanted.kind.word if wanted.kind else None)
    return db.session.scalar(seen, parameters(wanted)) is not None


@scoped
def find(actor: Actor, wanted: Wanted) -> Found:
    """The circumstances that the actor may read and that hold records which are wanted.

    The number heeds datasets and collection date, but neither times nor JSON.
    """
    has_datasets, is_collected = bool(wanted.datasets), wanted.collection_date is not None
    rows = _find(actor, wanted, tuple(_given(wanted)), has_datasets, is_collected)
    return Found([row[0] for row in rows], sum([row[1] for row in rows]))


@scoped
def around(actor: Actor, wanted: Wanted) -> Sequence[Under]:
    """All circumstances of the entry, or of the readable entries of the kind, with all their records, by name."""
    return [Under(*row) for row in _find(actor, wanted, None, False, False)]


@scoped
def state(actor: Actor, wanted: Wanted) -> Sequence[Any]:
    """What `around` starts from, in few rows that are others as soon as a record is added or removed: while an entry
    exists its circumstances stay, and their changes only grow.
    """
    sees, kind = _sees(actor), wanted.kind.word if wanted.kind else None
    return db.session.execute(_state(sees, kind, wanted.entry_id is not None), parameters(wanted)).all()


def _find(actor: Actor, wanted: Wanted, names: Any, has_datasets: bool, is_collected: bool) -> Sequence[Any]:
    """Tuples as the driver gives them: there may be thousands, and each object that SQLAlchemy makes costs time."""
    kind, has_entry = wanted.kind.word if wanted.kind else None, wanted.entry_id is not None
    shape = Shape(db.engine.dialect.name, _sees(actor), kind, has_entry, names, has_datasets, is_collected)
    with closing(db.session.connection().execute(_statement(shape), parameters(wanted))) as found:
        rows: Sequence[Any] = found.cursor.fetchall()
        return rows


def parameters(wanted: Wanted) -> dict[str, Any]:
    """What the statements about `wanted` are bound with."""
    keys = ("entries", *NAMES, "datasets")
    names = {field: [rules.key(name) for name in getattr(wanted, field)] for field in keys}
    entry_id = wanted.entry_id or ""
    return {**names, "entry": entry_id.lower() if rules.is_id(entry_id) else None, "collected": wanted.collection_date}


class Shape(NamedTuple):
    """What a statement is built from; what is bound makes no other statement."""

    dialect: str
    sees: tuple[Any, ...]
    kind: str | None
    has_entry: bool
    names: tuple[tuple[str, bool], ...] | None
    has_datasets: bool
    is_collected: bool


def _given(wanted: Wanted) -> list[tuple[str, bool]]:
    """The fields that name something, and whether records without are asked for, too."""
    named = ((field, getattr(wanted, field)) for field in ("entries", *NAMES))
    return [(field, any(not rules.key(name) for name in names)) for field, names in named if names]


def _sees(actor: Actor) -> tuple[Any, ...]:
    """All that `readable` looks at."""
    return actor.is_admin, actor.user_id, tuple(sorted(actor.teams)), actor.may_read_public


def _may_read(sees: tuple[Any, ...]) -> ColumnElement[bool]:
    is_admin, user_id, teams, may_read_public = sees
    same = Actor(user_id, is_admin=is_admin, teams=dict.fromkeys(teams, False), may_read_public=may_read_public)
    return readable(same, Entry)


@functools.lru_cache(maxsize=1000)
def _entry(sees: tuple[Any, ...], kind: str | None) -> Select[Any]:
    query = select(Entry.id).where(Entry.id == bindparam("entry"), _may_read(sees))
    return query if kind is None else query.where(Entry.kind == kind)


@functools.lru_cache(maxsize=1000)
def _state(sees: tuple[Any, ...], kind: str | None, has_entry: bool) -> Select[Any]:
    columns: Any = type_coerce(Entry.id, NullType()), Entry.kind, Entry.name, total_of(Circumstances.changes)
    query = select(*columns).join(Circumstances, Circumstances.entry_id == Entry.id).where(_may_read(sees))
    if kind is not None:
        query = query.where(Entry.kind == kind)
    if has_entry:
        query = query.where(Entry.id == bindparam("entry"))
    return query.group_by(Entry.id).order_by(Entry.id)


@functools.lru_cache(maxsize=1000)
def _statement(shape: Shape) -> Select[Any]:
    """The numbers come from the smallest table that can tell."""
    number: Any = Circumstances.number
    query = select(Circumstances.id).join(Entry, Entry.id == Circumstances.entry_id).where(_may_read(shape.sees))
    if not shape.has_datasets and not shape.is_collected:
        query = query.where(number > 0)
    else:
        table: Any = Tally if shape.is_collected else DatasetTally
        number = total_of(table.number)
        counted = select(table.circumstances_id, number.label("number")).group_by(table.circumstances_id)
        few = counted.where(*in_tally(table, NO_DAYS, shape.has_datasets, shape.is_collected)).subquery()
        query, number = query.join(few, few.c.circumstances_id == Circumstances.id), few.c.number
    if shape.kind is not None:
        query = query.where(Entry.kind == shape.kind)
    if shape.has_entry:
        query = query.where(Circumstances.entry_id == bindparam("entry"))
    if shape.names is not None:
        return query.where(*(_named(*each) for each in shape.names)).add_columns(number)
    columns = (Circumstances.entry_id, *(column for _, column in NAMES.values()))
    ids = (type_coerce(column, NullType()) for column in columns)
    return query.add_columns(number, *ids, Entry.name_key, Entry.kind, Entry.name)


NO_DAYS = (False, False)


def in_tally(table: Any, days: tuple[bool, bool], has_datasets: bool, is_collected: bool) -> list[ColumnElement[bool]]:
    """The conditions that a roll-up can tell, with the parameters of `parameters`."""
    found: list[ColumnElement[bool]] = []
    if days[0]:
        found.append(table.day >= bindparam("first"))
    if days[1]:
        found.append(table.day <= bindparam("last"))
    if has_datasets:
        found.append(table.dataset_id.in_(datasets_named()))
    if is_collected:
        found.append(table.collection_date == bindparam("collected"))
    return found


def total_of(number: Any) -> ColumnElement[int]:
    """PostgreSQL adds whole numbers up to a decimal one."""
    return cast(func.sum(number), BigInteger)


def datasets_named() -> Any:
    return select(Dataset.id).where(among(Dataset.name_key, "datasets", TEXTS))


def _named(field: str, or_none: bool) -> ColumnElement[bool]:
    if field == "entries":
        return among(Entry.name_key, field, TEXTS)
    table, column = NAMES[field]
    named = column.in_(select(table.id).where(among(table.name_key, field, TEXTS)))
    return or_(named, column.is_(None)) if or_none else named


def split(start: datetime | None, end: datetime | None) -> tuple[Days | None, list[Edge]]:
    """The time range as whole days (None where it has none) and the parts of days at its ends."""
    if start is not None and end is not None and start >= end:
        return None, []
    edges = []
    first, last = date.min.toordinal(), date.max.toordinal()
    if start is not None:
        first = start.date().toordinal()
        if start.time() != time.min:
            upper = _midnight(first + 1)
            edges.append(Edge(start.date(), start, end if end and (not upper or end < upper) else upper))
            first += 1
    if end is not None:
        last = end.date().toordinal() - 1
        if end.time() != time.min and not (edges and edges[0].day == end.date()):
            edges.append(Edge(end.date(), datetime.combine(end.date(), time.min, UTC), end))
    if first > last:
        return None, edges
    return Days(start and date.fromordinal(first), end and date.fromordinal(last)), edges


def _midnight(ordinal: int) -> datetime | None:
    if ordinal > date.max.toordinal():
        return None
    return datetime.combine(date.fromordinal(ordinal), time.min, UTC)
