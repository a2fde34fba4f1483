"""What belongs to an entry, an experiment, a season, a site or a dataset, as far as the actor may see it."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import CompoundSelect, Row, Select, func, select, union

from portal.domain import rules
from portal.domain.access import readable
from portal.domain.circumstances import TABLES, Circumstances, Named
from portal.domain.datasets import Dataset, EntryDataset
from portal.domain.entries import Entry
from portal.domain.experiments import EntryExperiment, Experiment
from portal.domain.runs import Run
from portal.domain.tally import DatasetTally, EntryDatasetTally
from portal.domain.users import User
from portal.errors import NotFound
from portal.extensions import db
from portal.search.filters import contains
from portal.security.actor import Actor
from portal.security.guard import allows, scoped
from portal.security.policy import OnEntry

MOST = 200
"""Lists of what belongs to something end behind one more than this."""


class Parts(NamedTuple):
    """How many an entry has of each."""

    runs: int
    datasets: int
    records: int


@allows(OnEntry.READ)
def parts(actor: Actor, entry: Entry) -> Parts:
    runs = select(func.count()).select_from(Run).where(Run.entry_id == entry.id)
    datasets = select(func.count()).select_from(EntryDataset).where(EntryDataset.entry_id == entry.id)
    records = select(func.coalesce(func.sum(Circumstances.number), 0)).where(Circumstances.entry_id == entry.id)
    found = db.session.execute(select(*(each.scalar_subquery() for each in (runs, datasets, records)))).one()
    return Parts(*map(int, found))


@scoped
def page(actor: Actor, word: str, text: str, limit: int, offset: int) -> tuple[Sequence[Row[Any]], int]:
    """The experiments, seasons or sites with `text` in their name, by name: rows of id, name, entries and records (the
    numbers of those that the actor may see), and how many there are in all."""
    table, pairs, records = TABLES[word], _pairs(actor, word).subquery(), _records(actor, word).subquery()
    entries = select(pairs.c.id, func.count().label("number")).group_by(pairs.c.id).subquery()
    query = (
        select(table.id, table.name, entries.c.number.label("entries"), _or_nothing(records.c.number).label("records"))
        .join(entries, entries.c.id == table.id)
        .outerjoin(records, records.c.id == table.id)
    )
    if text:
        query = query.where(contains(table.name_key, rules.key(text)))
    total = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    return db.session.execute(query.order_by(table.name_key).limit(limit).offset(offset)).all(), total


@scoped
def names(actor: Actor, word: str, most: int = 500) -> Sequence[str]:
    """Of the experiments, seasons or sites that the actor may know of, by name."""
    table, pairs = TABLES[word], _pairs(actor, word).subquery()
    known = select(table.name).where(table.id.in_(select(pairs.c.id)))
    return db.session.scalars(known.order_by(table.name_key).limit(most)).all()


@scoped
def get(actor: Actor, word: str, named_id: str) -> Named:
    """The experiment, season or site; 404 unless an entry or a record that the actor may read belongs to it."""
    pairs = _pairs(actor, word).subquery()
    found = cast("Named | None", db.session.get(TABLES[word], named_id))
    if found is None or db.session.scalar(select(pairs.c.id).where(pairs.c.id == named_id).limit(1)) is None:
        raise NotFound(f"There is no such {word}.")
    return found


@scoped
def entries_of(actor: Actor, word: str, named_id: str) -> Sequence[Row[Any]]:
    """Rows of id, kind, name, type, username, records: what belongs to an experiment, season or site, by name."""
    pairs, of_it = _pairs(actor, word).subquery(), _column(word) == named_id
    numbers = select(Circumstances.entry_id, func.sum(Circumstances.number).label("number")).where(of_it)
    counted = numbers.group_by(Circumstances.entry_id).subquery()
    return _entry_rows(Entry.id.in_(select(pairs.c.entry_id).where(pairs.c.id == named_id)), counted)


@scoped
def datasets_of(actor: Actor, word: str, named_id: str) -> Sequence[Row[Any]]:
    """Rows of id, name, collection_date, experiment, records: the datasets under it, by name."""
    numbers = (
        select(DatasetTally.dataset_id, func.sum(DatasetTally.number).label("number"))
        .join(Circumstances, Circumstances.id == DatasetTally.circumstances_id)
        .join(Entry, Entry.id == Circumstances.entry_id)
        .where(_column(word) == named_id, readable(actor, Entry))
        .group_by(DatasetTally.dataset_id)
        .subquery()
    )
    columns = (Dataset.id, Dataset.name, Dataset.collection_date, Experiment.name.label("experiment"))
    query = (
        select(*columns, _or_nothing(numbers.c.number).label("records"))
        .outerjoin(Experiment, Experiment.id == Dataset.experiment_id)
        .outerjoin(numbers, numbers.c.dataset_id == Dataset.id)
    )
    belongs = numbers.c.number > 0
    if word == "experiment":
        belongs |= (Dataset.experiment_id == named_id) & Dataset.id.in_(_tied_datasets(actor))
    return db.session.execute(query.where(belongs).order_by(Dataset.name_key, Dataset.id).limit(MOST + 1)).all()


@scoped
def get_dataset(actor: Actor, dataset_id: str) -> Dataset:
    """404 unless the actor may read one of the entries that share it."""
    query = select(Dataset).where(Dataset.id == dataset_id, Dataset.id.in_(_tied_datasets(actor)))
    found = db.session.scalar(query)
    if found is None:
        raise NotFound("There is no such dataset.")
    return found


@scoped
def entries_with(actor: Actor, dataset_id: str) -> Sequence[Row[Any]]:
    """Rows as of `entries_of`: the entries that share a dataset, with how many records each has in it."""
    numbers = (
        select(EntryDatasetTally.entry_id, EntryDatasetTally.number)
        .where(EntryDatasetTally.dataset_id == dataset_id)
        .subquery()
    )
    shared = select(EntryDataset.entry_id).where(EntryDataset.dataset_id == dataset_id)
    return _entry_rows(Entry.id.in_(shared) & readable(actor, Entry), numbers)


@allows(OnEntry.READ)
def datasets_in(actor: Actor, entry: Entry, limit: int, offset: int = 0) -> Sequence[Row[Any]]:
    """Rows of id, name, collection_date, experiment_id, experiment, records: the entry's datasets, by name."""
    numbers = (
        select(EntryDatasetTally.dataset_id, EntryDatasetTally.number)
        .where(EntryDatasetTally.entry_id == entry.id)
        .subquery()
    )
    columns = (Dataset.id, Dataset.name, Dataset.collection_date, Dataset.experiment_id)
    query = (
        select(*columns, Experiment.name.label("experiment"), _or_nothing(numbers.c.number).label("records"))
        .join(EntryDataset, EntryDataset.dataset_id == Dataset.id)
        .outerjoin(Experiment, Experiment.id == Dataset.experiment_id)
        .outerjoin(numbers, numbers.c.dataset_id == Dataset.id)
    )
    query = query.where(EntryDataset.entry_id == entry.id).order_by(Dataset.name_key, Dataset.id)
    return db.session.execute(query.limit(limit).offset(offset)).all()


def _entry_rows(belongs: Any, numbers: Any) -> Sequence[Row[Any]]:
    query = (
        select(
            Entry.id, Entry.kind, Entry.name, Entry.type, User.username, _or_nothing(numbers.c.number).label("records")
        )
        .join(User, User.id == Entry.owner_id)
        .outerjoin(numbers, numbers.c.entry_id == Entry.id)
    )
    return db.session.execute(query.where(belongs).order_by(Entry.kind, Entry.name_key, Entry.id).limit(MOST + 1)).all()


def _pairs(actor: Actor, word: str) -> CompoundSelect[Any]:
    """`id` of an experiment, season or site and `entry_id` of each readable entry that belongs to it."""
    column = _column(word)
    under = (
        select(column.label("id"), Circumstances.entry_id.label("entry_id"))
        .join(Entry, Entry.id == Circumstances.entry_id)
        .where(column.is_not(None), Circumstances.number > 0, readable(actor, Entry))
    )
    if word != "experiment":
        return union(under)
    tied = select(EntryExperiment.experiment_id, EntryExperiment.entry_id)
    return union(under, tied.join(Entry, Entry.id == EntryExperiment.entry_id).where(readable(actor, Entry)))


def _records(actor: Actor, word: str) -> Select[Any]:
    column = _column(word)
    numbers = select(column.label("id"), func.sum(Circumstances.number).label("number"))
    return numbers.join(Entry, Entry.id == Circumstances.entry_id).where(readable(actor, Entry)).group_by(column)


def _tied_datasets(actor: Actor) -> Select[Any]:
    ties = select(EntryDataset.dataset_id).join(Entry, Entry.id == EntryDataset.entry_id)
    return ties.where(readable(actor, Entry))


def _column(word: str) -> Any:
    return getattr(Circumstances, f"{word}_id")


def _or_nothing(number: Any) -> Any:
    return func.coalesce(number, 0)
