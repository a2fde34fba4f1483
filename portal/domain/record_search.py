"""Records found: pages of rows by keyset, newest or oldest first, for whoever asks. How: `record_plan`."""

import functools
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, select

from portal.domain import record_plan, record_scope, record_sums, rules
from portal.domain.access import readable
from portal.domain.circumstances import Circumstances, Season, Site
from portal.domain.datasets import Dataset
from portal.domain.entries import Entry
from portal.domain.experiments import Experiment
from portal.domain.record_counts import Counts, Total, counts, total
from portal.domain.record_filters import FILTERS, Wanted, address_of, asked, read_time
from portal.domain.record_plan import Piece, Walk
from portal.domain.record_scope import Days, Found
from portal.domain.records import Record
from portal.errors import BadRequest
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import scoped

__all__ = ["FILTERS", "Counts", "RecordPage", "RecordRow", "Total", "Wanted"]
__all__ += ["address_of", "asked", "counts", "ids", "page", "position", "total"]


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
    """`after` is where the next page begins, even if its record is deleted meanwhile; None on the last page."""

    rows: Sequence[RecordRow]
    after: str | None


@scoped
def page(actor: Actor, wanted: Wanted, limit: int = 50, *, after: str | None = None, newest: bool = True) -> RecordPage:
    """At most `limit` records by timestamp and id, behind `after`: a record's id, or what a page says."""
    place = None if after is None else position(actor, after)
    rows: list[RecordRow] = []
    if wanted.start is None or wanted.end is None or wanted.start < wanted.end:
        for found in _ways(actor, wanted, limit + 1, place, newest, _with_facts):
            rows += map(RecordRow._make, found)
            if len(rows) > limit:
                last = rows[limit - 1]
                return RecordPage(rows[:limit], f"{last.timestamp.replace(tzinfo=None).isoformat()}Z_{last.id}")
    return RecordPage(rows, None)


@scoped
def ids(
    actor: Actor,
    wanted: Wanted,
    limit: int,
    *,
    after: str | None = None,
    newest: bool = True,
    under: Found | None = None,
) -> tuple[list[str], bool]:
    """As `page`, of the records their ids alone; and whether there are more. `under` as for `total`."""
    place = None if after is None else position(actor, after)
    found: list[str] = []
    if wanted.start is None or wanted.end is None or wanted.start < wanted.end:
        for rows in _ways(actor, wanted, limit + 1, place, newest, _ids, under):
            found += (row.id for row in rows)
            if len(found) > limit:
                return found[:limit], True
    return found, False


@scoped
def position(actor: Actor, after: str) -> tuple[datetime, str]:
    """Timestamp and id of `after`, which is the id of a record that the actor may read, or what a page says."""
    timestamp, _, record_id = after.rpartition("_")
    record_id = record_id.lower()
    try:
        if not rules.is_id(record_id):
            raise ValueError
        if timestamp:
            return read_time(timestamp), record_id
    except (ValueError, OverflowError):
        raise BadRequest(fields=[("after", "Takes the id of a record.")]) from None
    query = select(Record.timestamp).join(Entry, Entry.id == Record.entry_id)
    found = db.session.scalar(query.where(Record.id == record_id, readable(actor, Entry)))
    if found is None:
        raise BadRequest(fields=[("after", "There is no such record any more. Begin without it.")])
    return found, record_id


Place = tuple[datetime, str] | None
Statement = Callable[[Walk, Sequence[ColumnElement[bool]]], Select[Any]]


def _ways(
    actor: Actor,
    wanted: Wanted,
    most: int,
    place: Place,
    newest: bool,
    statement: Statement,
    under: Found | None = None,
) -> Iterator[Sequence[Any]]:
    """The first `most` rows, piece by piece: each goes on where the one before it ended."""
    bound = record_scope.parameters(wanted) | {"limit": most, "tried": record_plan.TRIED}
    whole = Piece(wanted.start, wanted.end, 0)
    if record_scope.is_whole(actor, wanted):
        yield _rows(statement, "walk", wanted, bound, whole, place, newest)
        return
    bound["circumstances"], number = under or record_scope.find(actor, wanted)
    by_day = wanted.datasets or wanted.collection_date or number > record_plan.FEW
    if not by_day:
        yield _rows(statement, "fetch", wanted, bound, whole, place, newest) if number else []
        return
    if number > record_plan.FEW and not (wanted.datasets or wanted.collection_date or wanted.where):
        found = _rows(statement, "try", wanted, bound, whole, place, newest)
        if len(found) == most:
            yield found
            return
    for piece in record_plan.pieces(_days(wanted, bound, place, newest), newest, most, whole):
        is_sorted = piece.number <= record_plan.MOST_SORTED or bool(wanted.where)
        yield _rows(statement, "fetch" if is_sorted else "walk", wanted, bound, piece, place, newest)


def _days(wanted: Wanted, bound: dict[str, Any], place: Place, newest: bool) -> Sequence[Any]:
    """By day, how many records there are at most of those that are wanted."""
    first, last = wanted.start and wanted.start.date(), wanted.end and wanted.end.date()
    if place is not None:
        day = place[0].date()
        first, last = (first, min(last or day, day)) if newest else (max(first or day, day), last)
    return record_sums.by("day", wanted, bound["circumstances"], Days(first, last))


def _rows(
    statement: Statement, way: str, wanted: Wanted, bound: dict[str, Any], piece: Piece, place: Place, newest: bool
) -> Sequence[Any]:
    walk = Walk(
        db.engine.dialect.name,
        way,
        newest,
        wanted.entry_id is not None,
        "circumstances" in bound,
        bool(wanted.datasets),
        wanted.collection_date is not None,
        place is not None,
        piece.lower is not None,
        piece.upper is not None,
    )
    at, behind = place or (None, None)
    bound = bound | {"at": at, "behind": behind, "lower": piece.lower, "upper": piece.upper}
    query = statement(walk, tuple(record_plan.says(wanted))) if wanted.where else _plain(statement, walk)
    return db.session.execute(query, bound).all()


@functools.cache
def _plain(statement: Statement, walk: Walk) -> Select[Any]:
    return statement(walk, ())


def _ids(walk: Walk, where: Sequence[ColumnElement[bool]]) -> Select[Any]:
    keys = record_plan.keys(walk, where)
    query = select(Record.id).join(keys, Record.id == keys.c.id)
    return query.order_by(*record_plan.order(walk.newest))


def _with_facts(walk: Walk, where: Sequence[ColumnElement[bool]]) -> Select[Any]:
    keys = record_plan.keys(walk, where)
    query = select(*_COLUMNS).select_from(keys).join(Record, Record.id == keys.c.id)
    for table, its_id in _FACTS:
        query = query.join(table, table.id == its_id, isouter=table in (Experiment, Season, Site))
    return query.order_by(*record_plan.order(walk.newest))


_FACTS: tuple[tuple[Any, Any], ...] = (
    (Circumstances, Record.circumstances_id),
    (Dataset, Record.dataset_id),
    (Entry, Circumstances.entry_id),
    (Experiment, Circumstances.experiment_id),
    (Season, Circumstances.season_id),
    (Site, Circumstances.site_id),
)
_COLUMNS = (
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
