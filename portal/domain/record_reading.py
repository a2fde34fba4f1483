"""Records on their way out, however many: ordered by timestamp and id, a thousand at a time, none kept.

All comes from one snapshot, the total said beforehand, too. A snapshot must not last, though: it keeps SQLite's log and
PostgreSQL's dead rows from being tidied up, and a connection from others. After `SNAPSHOT_SECONDS` the next one begins
behind the last record that left; who reads that slowly may miss what is deleted meanwhile and meet what is added. The
same, a thousand at a time and with no connection held while they leave, for more at once than a third of the pool.
"""

import functools
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from flask import Flask, current_app
from sqlalchemy import Connection, CursorResult, Engine, Select, select

from portal.database import end_read
from portal.domain import record_plan, record_scope, record_search
from portal.domain.circumstances import Circumstances, Season, Site
from portal.domain.datasets import Dataset
from portal.domain.entries import Entry
from portal.domain.experiments import Experiment
from portal.domain.record_plan import Walk
from portal.domain.record_scope import Found
from portal.domain.record_search import Total, Wanted
from portal.domain.records import Record
from portal.extensions import db
from portal.search import as_text
from portal.search.several import IDS, NUMBERS, among
from portal.search.snapshots import asking, open_snapshot
from portal.security.actor import Actor

PIECE = 1_000
SNAPSHOT_SECONDS = 10.0
MOST_SORTED = 20_000  # records that are fetched and sorted; more are met on a walk along time

Row = tuple[str, str, str, str, int, str | None, str | None, str]
"""Texts: id, timestamp, collection date, key in `datasets`, (a number:) in `around`, data, file's name, info."""
_DATASET, _CIRCUMSTANCES = itemgetter(3), itemgetter(4)


class Named(NamedTuple):
    id: str | None
    name: str | None


class Around(NamedTuple):
    """What records of the same circumstances have in common; an absent one has neither id nor name."""

    kind: str
    entry: Named
    experiment: Named
    season: Named
    site: Named


Place = tuple[datetime, str] | None  # timestamp and id of a record that others follow


class Reading:
    """The records that `wanted` lets in, thousand by thousand. Iterate once, and `close` it whatever happens.

    `total` is how many there are in all; `after` the last one of a page that `limit` cuts off; `is_whole` says that no
    more will be read: before the first iteration, that `first` is all. `datasets` and `around` have what the rows read
    so far refer to. `sample` is the data of the last thousand records, if `samples`.
    """

    total: Total
    after: str | None = None
    is_whole = False
    sample: Sequence[str | None] = ()

    def __init__(
        self,
        actor: Actor,
        wanted: Wanted,
        *,
        newest: bool = False,
        limit: int | None = None,
        after: str | None = None,
        samples: bool = False,
    ) -> None:
        self.wanted = wanted
        self.datasets: dict[str, Named] = {}
        self.around: dict[int, Around] = {}
        self._newest, self._left, self._samples = newest, limit, samples
        self._is_page = limit is not None and limit < PIECE and not samples
        self._names, self._around = _names(db.engine.dialect.name), _around(db.engine.dialect.name)
        end_read()  # nobody holds one connection while they wait for another
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        self._thousands = self._read(app, db.engine, actor, after)
        self.first = next(self._thousands, [])  # so that what goes wrong here gets an answer of its own

    def __iter__(self) -> Iterator[list[Row]]:
        if self.first:
            yield self.first
        yield from self._thousands

    def close(self) -> None:
        self._thousands.close()

    def _read(self, app: Flask, engine: Engine, actor: Actor, after: str | None) -> Generator[list[Row]]:
        place: Place = None
        search: _Search | None = None
        with _turn(engine.pool) as has_turn:
            while not self.is_whole:
                with ExitStack() as held:
                    connection = held.enter_context(open_snapshot(engine, may_last=not self._is_page))
                    if search is None:
                        with asking(connection):
                            under = record_scope.find(actor, self.wanted)
                            self.total = record_search.total(actor, self.wanted, under)
                            page = self._page(connection, actor, after, under)
                            if page is None:
                                place = None if after is None else record_search.position(actor, after)
                                search = _Search(actor, self.wanted, self._newest, under)
                                self._look_ahead(connection, search, place)
                    if search is None:
                        held.close()
                        self.is_whole = True
                        yield page or []
                        return
                    with app.app_context():  # that of the request is gone once the answer leaves
                        statement, bound = search.rows(_columns(), place, self._left)
                    found = connection.execute(statement, bound, execution_options={"stream_results": True})
                    result = held.enter_context(closing(found))
                    until = time.monotonic() + (SNAPSHOT_SECONDS if has_turn else 0)
                    for rows in _thousands(result):
                        self._learn(connection, rows)
                        self.is_whole = len(rows) < PIECE
                        if self.is_whole or not has_turn:
                            held.close()
                        if rows:
                            place = datetime.fromisoformat(rows[-1][1]), rows[-1][0]
                            self._left = self._left and self._left - len(rows)
                            yield rows
                        if time.monotonic() >= until:
                            break

    def _page(self, connection: Connection, actor: Actor, after: str | None, under: Found) -> list[Row] | None:
        """A page of less than a thousand, which is found as pages for people are."""
        if not self._is_page or self._left is None:
            return None
        ids, has_more = record_search.ids(actor, self.wanted, self._left, after=after, newest=self._newest, under=under)
        query = _rows_of(connection.dialect.name, self._newest)
        rows: list[Any] = list(map(tuple, connection.execute(query, {"ids": ids})))
        self._learn(connection, rows)
        self.after = ids[-1] if has_more else None
        return rows

    def _look_ahead(self, connection: Connection, search: "_Search", place: Place) -> None:
        """What must be known beforehand."""
        if self._left is not None:
            ends = connection.execute(*search.rows([Record.id], place, 2, offset=self._left - 1)).scalars().all()
            self.after = ends[0] if len(ends) == 2 else None
        if self._samples:
            last = search.rows([as_text.as_kept(Record.data)], None, PIECE, newest=not self._newest)
            self.sample = connection.execute(*last).scalars().all()

    def _learn(self, connection: Connection, rows: Sequence[Row]) -> None:
        """What rows refer to, looked up once."""
        keys = set(map(_DATASET, rows)) - self.datasets.keys()
        if keys:
            found = connection.execute(self._names, {"ids": list(keys)})
            self.datasets |= {key: Named(str(UUID(key)), name) for key, name in found}
        numbers = set(map(_CIRCUMSTANCES, rows)) - self.around.keys()
        if numbers:
            for number, kind, *parts in connection.execute(self._around, {"numbers": list(numbers)}):
                self.around[number] = Around(kind, *map(Named, parts[::2], parts[1::2]))


class _Search:
    """Statements for the records that `wanted` lets in, and what they are bound with."""

    def __init__(self, actor: Actor, wanted: Wanted, newest: bool, under: Found) -> None:
        self._wanted, self._newest = wanted, newest
        self._bound = record_scope.parameters(wanted) | {"lower": wanted.start, "upper": wanted.end}
        self._way, self._is_all = "walk", record_scope.is_whole(actor, wanted)
        if not self._is_all:
            self._bound["circumstances"] = under.ids
            if under.number <= MOST_SORTED:
                self._way = "fetch"

    def rows(
        self,
        columns: Iterable[Any],
        place: Place,
        limit: int | None,
        *,
        offset: int | None = None,
        newest: bool | None = None,
    ) -> tuple[Select[Any], dict[str, Any]]:
        wanted, newest = self._wanted, self._newest if newest is None else newest
        walk = Walk(
            db.engine.dialect.name,
            self._way,
            newest,
            wanted.entry_id is not None,
            self._way == "fetch",
            bool(wanted.datasets),
            wanted.collection_date is not None,
            place is not None,
            wanted.start is not None,
            wanted.end is not None,
        )
        query = select(*columns).where(*record_plan.within(walk), *record_plan.says(wanted))
        if self._way == "walk" and not self._is_all:  # PostgreSQL hashes a list that it knows when it plans
            query = query.where(among(Record.circumstances_id + 0, "circumstances", NUMBERS))
        at, behind = place or (None, None)
        query = query.order_by(*record_plan.order(newest)).limit(limit).offset(offset)
        return query, self._bound | {"at": at, "behind": behind}


def _columns() -> list[Any]:
    """Those of `Row`."""
    return [
        as_text.uuid(Record.id),
        as_text.moment(Record.timestamp),
        as_text.day(Record.collection_date),
        as_text.uuid(Record.dataset_id),
        Record.circumstances_id,
        as_text.as_kept(Record.data),
        Record.file_name,
        as_text.as_kept(Record.info),
    ]


# Statements that are made once: putting one together costs as much as running it.


@functools.cache
def _rows_of(_dialect: str, newest: bool) -> Select[Any]:
    return select(*_columns()).where(among(Record.id, "ids", IDS)).order_by(*record_plan.order(newest))


@functools.cache
def _names(_dialect: str) -> Select[Any]:
    return select(as_text.uuid(Dataset.id), Dataset.name).where(among(Dataset.id, "ids", IDS))


@functools.cache
def _around(_dialect: str) -> Select[Any]:
    columns: tuple[Any, ...] = (
        *(Circumstances.id, Entry.kind, Entry.id, Entry.name),
        *(Experiment.id, Experiment.name, Season.id, Season.name, Site.id, Site.name),
    )
    query = (
        select(*columns)
        .join(Entry, Entry.id == Circumstances.entry_id)
        .outerjoin(Experiment, Experiment.id == Circumstances.experiment_id)
        .outerjoin(Season, Season.id == Circumstances.season_id)
        .outerjoin(Site, Site.id == Circumstances.site_id)
    )
    return query.where(among(Circumstances.id, "numbers", NUMBERS))


def _thousands(result: CursorResult[Any]) -> Iterator[list[Row]]:
    """The rows as the driver gives them: SQLAlchemy's, which are objects, take a fifth longer. The last are fewer."""
    cursor, first = result.cursor, result.fetchmany(1)  # of a cursor on the server SQLAlchemy has read that one
    rows: list[Any] = [*map(tuple, first), *cursor.fetchmany(PIECE - 1)] if first else []
    while len(rows) == PIECE:
        yield rows
        rows = list(cursor.fetchmany(PIECE))
    yield rows


@contextmanager
def _turn(pool: Any) -> Iterator[bool]:
    """Whether there is a snapshot left for this reader."""
    turns = pool.long_stays
    has_turn = turns.acquire(blocking=False)
    try:
        yield has_turn
    finally:
        if has_turn:
            turns.release()
