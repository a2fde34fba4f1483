"""Many records at once: a transaction for each batch of lines, every line under the rules of a single record."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import select

from portal import strict_json
from portal.database import begin_write, end_read, new_ordered_ids, now
from portal.domain import entries, tally
from portal.domain.entries import Entry
from portal.domain.kinds import BY_WORD
from portal.domain.record_lines import Batch
from portal.domain.record_places import Places, Written
from portal.domain.records import NewRecord, Record, already_there, default_dataset, no_data
from portal.domain.tally import Cell
from portal.errors import Conflict, PortalError
from portal.extensions import db
from portal.search.many import insert_new
from portal.security.actor import Actor
from portal.security.guard import allows, enforce
from portal.security.policy import OnEntry

MOST_NAMED = 1_000
_COLUMNS = ("id", "entry_id", "circumstances_id", "dataset_id", "timestamp", "collection_date", "data", "info")


class Rejected(NamedTuple):
    """A line that made no record, and why; `is_present`: because the entry has the same record."""

    line: int
    error: str
    is_present: bool


@dataclass(slots=True)
class Loaded:
    """What has become of the lines so far. `rejected` names the first `MOST_NAMED` of those that made no record."""

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
        if len(self.rejected) < MOST_NAMED:
            self.rejected.append(Rejected(line, error.detail, is_present))


@allows(OnEntry.WRITE)
def add_many(
    actor: Actor, entry: Entry, batches: Iterable[Batch], *, atomic: bool = False, rehearsal: bool = False
) -> Iterator[Loaded]:
    """Adds the records of numbered lines; yields what has become of them, one and the same object, after every batch.

    Each batch is committed, so that nothing is lost when reading the next one fails, and nothing is locked meanwhile.
    `atomic` commits once at the end, and nothing if any line made no record. A `rehearsal` takes every batch back.
    """
    loaded = Loaded()
    kind, entry_id = BY_WORD[entry.kind], entry.id
    places = Places()
    end_read()
    for batch in batches:
        begin_write()
        entry = entries.get(actor, kind, entry_id)
        enforce(actor, OnEntry.WRITE, entry)
        entries.hold(entry)
        _add(entry, places, batch, loaded)
        if rehearsal:
            db.session.rollback()
            places = Places()
        elif not atomic:
            db.session.commit()
        yield loaded
    if atomic and loaded.rejected:
        db.session.rollback()
        loaded.inserted = 0
    db.session.commit()
    yield loaded


def _add(entry: Entry, places: Places, batch: Batch, loaded: Loaded) -> None:
    """Inserts and counts one batch; a line that will not do is rejected alone."""
    rejected: list[tuple[int, PortalError]] = []
    said: list[_Said] = []
    wanted: dict[Written, date] = {}
    for line, new in batch:
        if isinstance(new, PortalError):
            rejected.append((line, new))
            continue
        time = (new.timestamp or now()).astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"
        collected = new.collection_date.isoformat() if new.collection_date else time[:10]
        written = new.names, default_dataset(entry, collected) if new.dataset is None else new.dataset
        if written not in wanted:
            wanted[written] = date.fromisoformat(collected)
        said.append((line, new, written, time, collected))
    wrong = places.learn(entry, wanted)
    entry_id = entry.id.replace("-", "")
    rows: dict[int, tuple[str, ...]] = {}
    for (line, new, written, time, collected), record_id in zip(said, new_ordered_ids(len(said)), strict=True):
        if new.data is None or written in wrong:
            rejected.append((line, no_data(entry) if new.data is None else wrong[written]))
            continue
        circumstances_id, dataset_id = places.known[written]
        own = entry_id, str(circumstances_id), dataset_id.replace("-", "")
        rows[line] = record_id, *own, time, collected, strict_json.kept(new.data), strict_json.kept(new.info)
    present = _insert(rows)
    loaded.inserted += len(rows) - len(present)
    rejected += [(line, already_there()) for line in present]
    _count(row for line, row in rows.items() if line not in present)
    for line, error in sorted(rejected, key=itemgetter(0)):
        loaded.reject(line, error)


_Said = tuple[int, NewRecord, Written, str, str]  # line, record, its place as written, time, collection date


def _insert(rows: dict[int, tuple[str, ...]]) -> set[int]:
    """The lines whose record was there already."""
    inserted = insert_new("record", _COLUMNS, list(rows.values()))
    if inserted == len(rows):
        return set()
    ids = [row[0] for row in rows.values()]
    ours = set(db.session.scalars(select(Record.id).where(Record.id.between(ids[0], ids[-1]))))
    return {line for line, row in rows.items() if row[0] not in ours}


def _count(rows: Iterable[tuple[str, ...]]) -> None:
    cells: Counter[Cell] = Counter()
    for (entry_id, place, dataset_id, day, collected), number in Counter(
        (row[1], row[2], row[3], row[4][:10], row[5]) for row in rows
    ).items():
        days = date.fromisoformat(collected), date.fromisoformat(day)
        cells[Cell(entry_id, int(place), dataset_id, *days)] = number
    if cells:
        tally.change(cells)
