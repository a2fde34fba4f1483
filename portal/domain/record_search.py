"""Records found: pages of rows by keyset, and exact counts of what a filter lets in, for whoever asks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Date, Select, cast, func, or_, select, tuple_

from portal.domain import rules
from portal.domain.access import readable
from portal.domain.circumstances import Circumstances, Season, Site
from portal.domain.datasets import Dataset
from portal.domain.entries import Entry
from portal.domain.experiments import Experiment
from portal.domain.record_filters import FILTERS, Filter, Wanted, address_of, asked, read_time
from portal.domain.records import Record
from portal.errors import BadRequest
from portal.extensions import db
from portal.search.dialects import json_says
from portal.security.actor import Actor
from portal.security.guard import scoped

__all__ = [
    "FILTERS",
    "Counts",
    "RecordPage",
    "RecordRow",
    "Total",
    "Wanted",
    "address_of",
    "asked",
    "counts",
    "page",
    "total",
]

MOST_COUNTED = 1001


class RecordRow(NamedTuple):
    id: str
    timestamp: datetime
    collection_date: date
    data: dict[str, Any] | None
    info: dict[str, Any]
    file_name: str | None
    file_size: int | None
    file_type: str | None
    entry_id: str
    kind: str
    entry_name: str
    dataset_id: str
    dataset_name: str
    experiment_id: str | None
    experiment_name: str | None
    season_id: str | None
    season_name: str | None
    site_id: str | None
    site_name: str | None


class RecordPage(NamedTuple):
    """`after` is where the next page begins; None on the last one."""

    rows: Sequence[RecordRow]
    after: str | None


class Total(NamedTuple):
    """`is_capped`: there are at least so many."""

    number: int
    is_capped: bool


class Counts(NamedTuple):
    """How many records there are, by each filter's values and by UTC day.

    `facets` maps a parameter to (value, number), most first, None being records without; each heeds all other filters
    but its own. `days` ascend and heed all filters. Where JSON must be read, counting ends at `MOST_COUNTED`: then
    `total` is at least that (`is_capped`). Facets and days never heed JSON conditions.
    """

    total: int
    is_capped: bool
    facets: Mapping[str, list[tuple[str | None, int]]]
    days: list[tuple[date, int]]


@scoped
def page(actor: Actor, wanted: Wanted, limit: int = 50, *, after: str | None = None, newest: bool = True) -> RecordPage:
    """At most `limit` records in the order of timestamp and id, behind `after` (a record's id, or what a page says)."""
    order = (Record.timestamp, Record.id)
    query = _from(_ROWS, actor, wanted)
    if after is not None:
        place = position(actor, after)
        query = query.where(tuple_(*order) < place if newest else tuple_(*order) > place)
    query = query.order_by(*(column.desc() if newest else column for column in order)).limit(limit + 1)
    rows = [RecordRow(*row) for row in db.session.execute(query)]
    if len(rows) <= limit:
        return RecordPage(rows, None)
    last = rows[limit - 1]
    return RecordPage(rows[:limit], f"{last.timestamp.replace(tzinfo=None).isoformat()}Z_{last.id}")


@scoped
def position(actor: Actor, after: str) -> tuple[datetime, str]:
    """Timestamp and id of `after`, which is the id of a record that the actor may read, or what a page says."""
    timestamp, _, record_id = after.rpartition("_")
    try:
        if not rules.is_id(record_id):
            raise ValueError
        if timestamp:
            return read_time(timestamp), record_id.lower()
    except (ValueError, OverflowError):
        raise BadRequest(fields=[("after", "Takes the id of a record.")]) from None
    query = select(Record.timestamp).join(Entry, Entry.id == Record.entry_id)
    found = db.session.scalar(query.where(Record.id == record_id.lower(), readable(actor, Entry)))
    if found is None:
        raise BadRequest(fields=[("after", "There is no such record any more. Begin without it.")])
    return found, record_id.lower()


@scoped
def total(actor: Actor, wanted: Wanted) -> Total:
    """How many records there are; exact unless there is a JSON condition."""
    query = _from(select(Record.id), actor, wanted)
    if wanted.where:
        query = query.limit(MOST_COUNTED)
    number = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    return Total(number, bool(wanted.where) and number == MOST_COUNTED)


@scoped
def counts(actor: Actor, wanted: Wanted) -> Counts:
    number, is_capped = total(actor, wanted)
    counted = replace(wanted, where=())
    facets = {each.key: _facet(actor, counted, each) for each in FILTERS if _counts_by(each, wanted)}
    day = _day()
    days = _from(select(day, func.count()), actor, counted).group_by(day).order_by(day)
    return Counts(number, is_capped, facets, [(day, many) for day, many in db.session.execute(days)])


def _counts_by(each: Filter, wanted: Wanted) -> bool:
    if each.kind is None:
        return each.key in _FACETS
    return wanted.entry_id is None and wanted.kind in (None, each.kind)


def _facet(actor: Actor, wanted: Wanted, each: Filter) -> list[tuple[str | None, int]]:
    many, column, others = func.count().label("many"), _FACETS[each.key], {each.field: ()}
    query = _from(select(column, many), actor, replace(wanted, **others))  # type: ignore[arg-type]
    query = query.group_by(column).order_by(many.desc(), column)
    if each.kind is not None:
        query = query.where(Entry.kind == each.kind.word)
    return [(name, number) for name, number in db.session.execute(query)]


def _day() -> Any:
    if db.engine.dialect.name == "sqlite":
        return func.substr(Record.timestamp, 1, 10, type_=Date())
    return cast(func.timezone("UTC", Record.timestamp), Date)


_FACETS: dict[str, Any] = {
    "model_names": Entry.name,
    "script_names": Entry.name,
    "experiment_names": Experiment.name,
    "season_names": Season.name,
    "site_names": Site.name,
    "dataset_names": Dataset.name,
}
_ROWS = select(
    Record.id,
    Record.timestamp,
    Record.collection_date,
    Record.data,
    Record.info,
    Record.file_name,
    Record.file_size,
    Record.file_type,
    Entry.id,
    Entry.kind,
    Entry.name,
    Dataset.id,
    Dataset.name,
    Experiment.id,
    Experiment.name,
    Season.id,
    Season.name,
    Site.id,
    Site.name,
)


def _from(query: Select[Any], actor: Actor, wanted: Wanted) -> Select[Any]:
    joined = (
        query.select_from(Record)
        .join(Dataset, Dataset.id == Record.dataset_id)
        .join(Circumstances, Circumstances.id == Record.circumstances_id)
        .join(Entry, Entry.id == Circumstances.entry_id)
        .outerjoin(Experiment, Experiment.id == Circumstances.experiment_id)
        .outerjoin(Season, Season.id == Circumstances.season_id)
        .outerjoin(Site, Site.id == Circumstances.site_id)
    )
    return joined.where(readable(actor, Entry), *_conditions(wanted))


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.kind is not None:
        found.append(Entry.kind == wanted.kind.word)
    if wanted.entry_id is not None:
        found.append(Entry.id == wanted.entry_id if rules.is_id(wanted.entry_id) else Entry.id.is_(None))
    columns = (Entry.name_key, Experiment.name_key, Season.name_key, Site.name_key, Dataset.name_key)
    names = (wanted.entries, wanted.experiments, wanted.seasons, wanted.sites, wanted.datasets)
    for column, given in zip(columns, names, strict=True):
        if given:
            key = func.coalesce(column, "")
            found.append(key.in_([rules.key(name) for name in given]))
    if wanted.collection_date is not None:
        found.append(Record.collection_date == wanted.collection_date)
    if wanted.start is not None:
        found.append(Record.timestamp >= wanted.start)
    if wanted.end is not None:
        found.append(Record.timestamp < wanted.end)
    found += [or_(json_says(Record.data, each), json_says(Record.info, each)) for each in wanted.where]
    return found
