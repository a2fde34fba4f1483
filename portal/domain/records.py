"""Records: what came out of an entry, row by row: a time, circumstances, a dataset, JSON data, perhaps a file."""

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Date, ForeignKey, Index, Row, String, bindparam, delete, select, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Id, JsonObject, Moment, Table, TextId, new_ordered_id, now
from portal.domain import audit, entries, rules, tally
from portal.domain.access import readable
from portal.domain.audit import What
from portal.domain.circumstances import Circumstances, Names, Season, Site
from portal.domain.datasets import Dataset
from portal.domain.entries import Entry
from portal.domain.experiments import Experiment
from portal.domain.kinds import Kind
from portal.domain.record_places import Places
from portal.domain.tally import Cell
from portal.errors import Conflict, Invalid, NotFound, invalid
from portal.extensions import db
from portal.search.dialects import insert
from portal.security.actor import Actor
from portal.security.guard import allows, scoped
from portal.security.policy import OnEntry

_HAS_FILE = text("file_name IS NOT NULL")


class Record(Table):
    """`data` and `info` are kept as the JSON text that leaves again; a stream concatenates and parses nothing.

    A record that has a file has the id of the upload which brought it; `file_type` is decided by us. Two records of the
    same circumstances, time, dataset and collection date are the same record.
    """

    __tablename__ = "record"

    id: Mapped[str] = mapped_column(TextId, primary_key=True, default=new_ordered_id)
    entry_id: Mapped[str] = mapped_column(Id)  # that of the circumstances, which go with the entry
    circumstances_id: Mapped[int] = mapped_column(ForeignKey("circumstances.id", ondelete="CASCADE"))
    dataset_id: Mapped[str] = mapped_column(ForeignKey("dataset.id"))
    timestamp: Mapped[datetime] = mapped_column(Moment)
    collection_date: Mapped[date] = mapped_column(Date)
    data: Mapped[dict[str, Any] | None] = mapped_column(JsonObject)
    info: Mapped[dict[str, Any]] = mapped_column(JsonObject, default=dict)
    file_name: Mapped[str | None] = mapped_column(String(255))
    file_size: Mapped[int | None] = mapped_column(BigInteger)
    file_sha256: Mapped[str | None] = mapped_column(String(64))
    file_type: Mapped[str | None] = mapped_column(String(127))
    is_file_damaged: Mapped[bool | None]  # null is no, too

    __table_args__ = (
        Index("ix_record_same", "circumstances_id", "timestamp", "dataset_id", "collection_date", unique=True),
        Index("ix_record_spine", "entry_id", "timestamp", "id", "circumstances_id"),
        Index("ix_record_time", "timestamp", "id", "circumstances_id"),
        Index(
            "ix_record_file",
            "entry_id",
            "file_size",
            "is_file_damaged",
            sqlite_where=_HAS_FILE,
            postgresql_where=_HAS_FILE,
        ),
    )


NO_NAMES = Names()


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record as somebody gives it. Without `dataset` it goes to `<entry's name> Dataset <collection date>`."""

    data: dict[str, Any] | None = None
    info: dict[str, Any] = field(default_factory=dict)
    names: Names = NO_NAMES
    dataset: str | None = None
    timestamp: datetime | None = None
    collection_date: date | None = None
    file_name: str | None = None


class Writer:
    """Turns new records of one entry into rows; looks every name up once. Checks no permission."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self._places = Places()

    def row(self, new: NewRecord, **more: Any) -> dict[str, Any]:
        """The row of the table; 422 names every field that will not do."""
        if new.data is None and new.file_name is None:
            raise no_data(self.entry)
        timestamp = new.timestamp or now()
        collected = new.collection_date or timestamp.astimezone(UTC).date()
        dataset = default_dataset(self.entry, collected) if new.dataset is None else new.dataset
        written = new.names, dataset
        for error in self._places.learn(self.entry, {written: collected.isoformat()}).values():
            raise error
        place = self._places.known[written]
        return {
            "id": new_ordered_id(),
            "entry_id": self.entry.id,
            "circumstances_id": place.circumstances_id,
            "dataset_id": place.dataset_id,
            "timestamp": timestamp,
            "collection_date": collected,
            "data": new.data,
            "info": new.info,
            "file_name": new.file_name,
        } | more


def no_data(entry: Entry) -> Invalid:
    return invalid(f"{entry.kind}_data", "Give data, or a record_file.")


def already_there() -> Conflict:
    return Conflict("There is already a record with this time, collection date, dataset, experiment, season and site.")


def default_dataset(entry: Entry, collected: date | str) -> str:
    return f"{entry.name} Dataset {collected}"[-rules.MAX_NAME :]


@allows(OnEntry.WRITE, holding=entries.hold)
def add(actor: Actor, entry: Entry, new: NewRecord) -> Record:
    """A new record; 409 if the entry has the same one already."""
    row = Writer(entry).row(new)
    keep(row)
    return Record(**row)


def keep(row: dict[str, Any]) -> None:
    """Inserts one row and counts it; 409 if it is there already. Checks no permission."""
    connection = db.session.connection()  # past the session, whose way of writing rows takes twice the time
    if connection.execute(_new(connection.dialect.name), row).first() is None:
        raise already_there()
    tally.change({cell(row): 1})


@functools.cache
def _new(_dialect: str) -> Any:
    """The statement that inserts what is not there, made once for each database."""
    return insert(Record).on_conflict_do_nothing().returning(Record.id)


def cell(row: dict[str, Any]) -> Cell:
    day = row["timestamp"].astimezone(UTC).date()
    return Cell(row["entry_id"], row["circumstances_id"], row["dataset_id"], row["collection_date"], day)


@scoped
def get(actor: Actor, record_id: str, kind: Kind | None = None) -> Row[Record, Entry]:
    """The record and its entry, as a row of `Record` and `Entry`; 404 if the actor may not read the entry."""
    query = select(Record, Entry).join(Entry, Entry.id == Record.entry_id)
    query = query.where(Record.id == record_id.lower(), readable(actor, Entry))
    if kind is not None:
        query = query.where(Entry.kind == kind.word)
    found = db.session.execute(query).first() if rules.is_id(record_id) else None
    if found is None:
        raise NotFound("There is no such record.")
    return found


@allows(OnEntry.WRITE, holding=entries.hold)
def edit(actor: Actor, entry: Entry, record_id: str, fields: dict[str, Any]) -> Record:
    """Changes `data`, `info` or both."""
    record = _locked(entry, record_id)
    for name, value in fields.items():
        setattr(record, name, value)
    if record.data is None and record.file_name is None:
        raise Invalid(fields=[(f"{entry.kind}_data", "A record without a file needs data.")])
    db.session.flush()
    return record


@allows(OnEntry.WRITE, holding=entries.hold)
def remove(actor: Actor, entry: Entry, record_ids: Sequence[str]) -> int:
    """Deletes records of the entry and uncounts them; how many there were. Files go with the sweep."""
    gone = delete(Record).where(Record.entry_id == entry.id, Record.id.in_(record_ids))
    columns = (Record.circumstances_id, Record.dataset_id, Record.collection_date, Record.timestamp)
    rows = db.session.execute(gone.returning(*columns)).all()
    cells = Counter(cell({"entry_id": entry.id, **row._mapping}) for row in rows)
    tally.change({each: -number for each, number in cells.items()})
    if rows:
        audit.note(actor, What.RECORDS_DELETED, entry=entry, number=len(rows))
    return len(rows)


def _locked(entry: Entry, record_id: str) -> Record:
    own = select(Record).where(Record.id == record_id, Record.entry_id == entry.id).with_for_update()
    record = db.session.scalar(own.execution_options(populate_existing=True))
    if record is None:
        raise NotFound("There is no such record.")
    return record


class Named(NamedTuple):
    id: str
    name: str


def facts(record_id: str) -> tuple[Named, *tuple[Named | None, ...]]:
    """The names around a record: dataset, experiment, season, site. Checks no permission."""
    values = iter(db.session.connection().execute(_FACTS, {"its_id": record_id}).one())
    dataset, *others = (Named(its_id, name) for its_id, name in zip(values, values, strict=True))
    return dataset, *(each if each.id else None for each in others)


def _facts() -> Any:
    record, under = Record.__table__.c, Circumstances.__table__.c
    dataset, experiment, season, site = named = [each.__table__.c for each in (Dataset, Experiment, Season, Site)]
    return (
        select(*(column for each in named for column in (each.id, each.name)))
        .select_from(Record.__table__)
        .join(Dataset.__table__, dataset.id == record.dataset_id)
        .join(Circumstances.__table__, under.id == record.circumstances_id)
        .outerjoin(Experiment.__table__, experiment.id == under.experiment_id)
        .outerjoin(Season.__table__, season.id == under.season_id)
        .outerjoin(Site.__table__, site.id == under.site_id)
        .where(record.id == bindparam("its_id"))
    )


_FACTS = _facts()  # put together once
