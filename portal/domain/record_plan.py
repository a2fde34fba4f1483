"""Which way to the first records of a filter reads the fewest rows.

All of an entry, or of the portal: walk along time. Under some circumstances: try a short walk, which ends at once where
every other record will do; else ask the roll-up on which days there are enough, and fetch those days' records under
each of the circumstances, or walk along these days where they are full. Only the time it takes depends on the numbers.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, bindparam, or_, select, tuple_

from portal.domain.record_filters import Wanted
from portal.domain.record_scope import datasets_named
from portal.domain.records import Record
from portal.search.json_sql import json_says
from portal.search.several import NUMBERS, among, is_one_of

FEW = 200  # records: fetched without asking on which days they are
TRIED = 2000  # rows of a walk on trial
MOST_SORTED = 2000  # records: more than that are not fetched to be sorted


class Walk(NamedTuple):
    """A statement for the ids of records in order, as far as it depends on more than what is bound.

    `way` is `walk`, `try` (a walk of at most `TRIED` rows) or `fetch`.
    """

    dialect: str
    way: str
    newest: bool
    has_entry: bool
    has_circumstances: bool
    has_datasets: bool
    is_collected: bool
    has_after: bool
    has_lower: bool
    has_upper: bool


class Piece(NamedTuple):
    """A stretch of time, `lower` <= timestamp < `upper`, and about how many of the wanted records lie in it."""

    lower: datetime | None
    upper: datetime | None
    number: int


# PostgreSQL plans badly for a limit that it cannot see.
_LIMIT = bindparam("limit", type_=Integer, literal_execute=True)
_TRIED = bindparam("tried", type_=Integer, literal_execute=True)


def keys(walk: Walk, where: Sequence[ColumnElement[bool]] = ()) -> Any:
    """The subquery for the ids of the records, in no order; `limit` is bound."""
    columns = Record.id, Record.timestamp, Record.circumstances_id
    query = select(*columns).where(*within(walk), *where)
    found: Any
    if walk.way == "fetch":
        found = query.cte("found").prefix_with("MATERIALIZED")
    elif walk.way == "try":
        found = query.order_by(*order(walk.newest)).limit(_TRIED).subquery()
    else:
        return query.order_by(*order(walk.newest)).limit(_LIMIT).subquery()
    kept = select(found.c.id)
    if walk.way == "try":
        kept = kept.where(is_one_of(found.c.circumstances_id, "circumstances", NUMBERS))
    return kept.order_by(*order(walk.newest, found.c)).limit(_LIMIT).subquery()


def order(newest: bool, columns: Any = Record) -> list[Any]:
    return [each.desc() if newest else each for each in (columns.timestamp, columns.id)]


def within(walk: Walk) -> Iterator[ColumnElement[bool]]:
    """The conditions on a record that the statement has, JSON aside."""
    if walk.has_circumstances and walk.way == "fetch":
        yield among(Record.circumstances_id, "circumstances", NUMBERS)
    elif walk.has_circumstances and walk.way == "walk":
        yield is_one_of(Record.circumstances_id, "circumstances", NUMBERS)
    if walk.has_entry and walk.way != "fetch":
        yield Record.entry_id == bindparam("entry")
    if walk.has_datasets:
        yield Record.dataset_id.in_(datasets_named())
    if walk.is_collected:
        yield Record.collection_date == bindparam("collected")
    if walk.has_lower:
        yield Record.timestamp >= bindparam("lower")
    if walk.has_upper:
        yield Record.timestamp < bindparam("upper")
    if walk.has_after:
        at, row = bindparam("at", type_=Record.timestamp.type), tuple_(Record.timestamp, Record.id)
        place = tuple_(at, bindparam("behind", type_=Record.id.type))
        yield row < place if walk.newest else row > place
        yield Record.timestamp <= at if walk.newest else Record.timestamp >= at


def says(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What JSON conditions ask of a record."""
    return [or_(json_says(Record.data, each), json_says(Record.info, each)) for each in wanted.where]


def pieces(numbers: Sequence[tuple[date, int]], newest: bool, need: int, piece: Piece) -> Iterator[Piece]:
    """Cuts a stretch into pieces that follow each other in the order asked for, each with `need` records by `numbers`.

    Each needs four times as many as the one before it. What is left of the stretch is in no piece: nothing lies there.
    """
    lower, upper, number = piece.lower, piece.upper, 0
    for day, more in sorted(numbers, reverse=newest):
        begins, ends = midnight(day), midnight(day, 1)
        if not number:
            lower, upper = (lower, _earliest(upper, ends)) if newest else (_latest(lower, begins), upper)
        number += more
        if number >= need:
            yield (
                Piece(_latest(lower, begins), upper, number) if newest else Piece(lower, _earliest(upper, ends), number)
            )
            number, need = 0, need * 4
    if number:
        yield Piece(lower, upper, number)


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((each for each in moments if each is not None), default=None)


def _latest(*moments: datetime | None) -> datetime | None:
    return max((each for each in moments if each is not None), default=None)


def midnight(day: date, later: int = 0) -> datetime | None:
    """When a day begins, or one `later`; None past the end of time."""
    if later and day == date.max:
        return None
    return datetime.combine(day + timedelta(days=later), time.min, UTC)
