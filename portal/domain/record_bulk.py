"""Many records at once: a transaction for each batch of lines, every line under the rules of a single record."""

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import compress
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from portal.database import begin_write, end_read, new_ordered_ids, take_time
from portal.domain import entries, tally
from portal.domain.entries import Entry
from portal.domain.kinds import BY_WORD
from portal.domain.record_lines import BadLine, Batch
from portal.domain.record_places import MOST_KEPT, Places
from portal.domain.records import Record, already_there, default_dataset, no_data
from portal.domain.tally import Cell
from portal.errors import Conflict, PortalError
from portal.extensions import db
from portal.search.dialects import is_deadlock
from portal.search.many import insert_new
from portal.security.actor import Actor
from portal.security.guard import allows, enforce
from portal.security.policy import OnEntry

MOST_NAMED = 1_000
MOST_TURNS = 8


class Rejected(NamedTuple):
    """A line that made no record, and why; `is_present`: because the entry has the same record."""

    line: int
    error: str
    is_present: bool


@dataclass(slots=True)
class Loaded:
    """What has become of the lines so far.

    `rejected` names those that made no record: the first `MOST_NAMED` that are wrong, and as many that are present.
    """

    inserted: int = 0
    present: int = 0
    wrong: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def unnamed(self) -> int:
        """How many more made no record than `rejected` names."""
        return self.present + self.wrong - len(self.rejected)

    def reject(self, line: int, error: PortalError) -> None:
        is_present = isinstance(error, Conflict)
        self.present += is_present
        self.wrong += not is_present
        if (self.present if is_present else self.wrong) <= MOST_NAMED:
            self.rejected.append(Rejected(line, error.detail, is_present))


@allows(OnEntry.WRITE)
def add_many(
    actor: Actor,
    entry: Entry,
    batches: Iterable[Batch],
    *,
    atomic: bool = False,
    rehearsal: bool = False,
    asked_anew: Callable[[], Actor] | None = None,
) -> Iterator[Loaded]:
    """Adds the records of numbered lines; yields what has become of them, one and the same object, after every batch.

    Each batch is committed, so that nothing is lost when reading the next one fails, and nothing is locked meanwhile.
    `atomic` commits once at the end, and nothing if any line made no record. A `rehearsal` takes every batch back.
    Batches may take long to come: `asked_anew` tells before each who the actor is by then, and what they may do.
    Two who load the same records in different orders may wait for each other in a circle: one of them starts its batch
    anew.
    """
    loaded = Loaded()
    kind, entry_id = BY_WORD[entry.kind], entry.id
    places = Places()
    take_time()
    end_read()
    for batch in batches:
        if asked_anew is not None:
            actor = asked_anew()
        for turn in range(MOST_TURNS):
            begin_write()
            entry = entries.get(actor, kind, entry_id)
            enforce(actor, OnEntry.WRITE, entry)
            entries.hold(entry)
            try:
                _add(entry, places, batch, loaded)
                break
            except OperationalError as error:
                if atomic or turn == MOST_TURNS - 1 or not is_deadlock(error):
                    raise
                db.session.rollback()
                places = Places()
        if rehearsal:
            db.session.rollback()
        elif not atomic:
            db.session.commit()
        if rehearsal or len(places.known) > MOST_KEPT:
            places = Places()
        yield loaded
    if atomic and loaded.rejected:
        db.session.rollback()
        loaded.inserted = 0
    db.session.commit()
    yield loaded


def _add(entry: Entry, places: Places, batch: Batch, loaded: Loaded) -> None:
    """Inserts and counts one batch; a line that will not do is rejected alone."""
    rejected = [line for line in batch if isinstance(line, BadLine)]
    said = [line for line in batch if not isinstance(line, BadLine)]
    default = functools.cache(functools.partial(default_dataset, entry))
    written = [(line[1], default(line[4]) if line[2] is None else line[2]) for line in said]
    known = places.known
    wrong = places.learn(entry, {each: line[4] for each, line in zip(written, said, strict=True) if each not in known})
    entry_id = entry.id.replace("-", "")
    kept = {
        each: (str(place.circumstances_id), place.dataset_id.replace("-", ""))
        for each in set(written)
        if (place := known.get(each))
    }
    rows: list[Row] = []
    numbers: list[int] = []
    for line, each, record_id in zip(said, written, new_ordered_ids(len(said)), strict=True):
        number, _, _, time, collected, data, info = line
        if data is None or each in wrong:
            rejected.append(BadLine(number, no_data(entry) if data is None else wrong[each]))
            continue
        circumstances_id, dataset_id = kept[each]
        rows.append((record_id, entry_id, circumstances_id, dataset_id, time, collected, data, info))
        numbers.append(number)
    inserted = _insert(rows)
    rejected += [
        BadLine(number, already_there()) for number, is_new in zip(numbers, inserted, strict=True) if not is_new
    ]
    _count(entry, compress(rows, inserted))
    loaded.inserted += sum(inserted)
    for number, error in sorted(rejected, key=itemgetter(0)):
        loaded.reject(number, error)


Row = tuple[str, str, str, str, str, str, str, str]
_COLUMNS = ("id", "entry_id", "circumstances_id", "dataset_id", "timestamp", "collection_date", "data", "info")
_SAME = itemgetter(2, 4, 3, 5)


def _insert(rows: Sequence[Row]) -> Sequence[bool]:
    """Which of them are there now that were not."""
    if insert_new("record", _COLUMNS, rows, _SAME) == len(rows):
        return [True] * len(rows)
    ours = Record.id.between(rows[0][0], rows[-1][0])
    there = set(db.session.scalars(select(Record.id).where(ours)))
    return [row[0] in there for row in rows]


def _count(entry: Entry, rows: Iterable[Row]) -> None:
    cells: dict[Cell, int] = {}
    counted = Counter((row[2], row[3], row[5], row[4][:10]) for row in rows)
    for (circumstances_id, dataset_id, *days), number in counted.items():
        cells[Cell(entry.id, int(circumstances_id), dataset_id, *map(date.fromisoformat, days))] = number
    if cells:
        tally.change(cells)
