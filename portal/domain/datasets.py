"""Datasets: what records are grouped in. One by name and experiment among one owner's entries, which share it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, Select, String, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.database import Id, JsonObject, Table, Time, new_id, now
from portal.domain import circumstances, entries, experiments, rules
from portal.domain.entries import Entry
from portal.domain.experiments import Experiment
from portal.extensions import db
from portal.search.dialects import insert
from portal.security.actor import Actor
from portal.security.guard import allows
from portal.security.policy import OnEntry


class Dataset(Table):
    __tablename__ = "dataset"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(ForeignKey("user.id"))
    experiment_id: Mapped[str | None] = mapped_column(ForeignKey("experiment.id"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    name_key: Mapped[str] = mapped_column(String(1024), index=True)
    collection_date: Mapped[date | None] = mapped_column(Date)
    info: Mapped[dict[str, Any]] = mapped_column(JsonObject, default=dict)
    created_at: Mapped[datetime] = mapped_column(Time, default=now)

    experiment: Mapped[Experiment | None] = relationship()


Index(
    "ix_dataset_own_name",
    Dataset.owner_id,
    Dataset.name_key,
    unique=True,
    sqlite_where=Dataset.experiment_id.is_(None),
    postgresql_where=Dataset.experiment_id.is_(None),
)
Index("ix_dataset_own_name_in_experiment", Dataset.owner_id, Dataset.name_key, Dataset.experiment_id, unique=True)


class EntryDataset(Table):
    __tablename__ = "entry_dataset"

    entry_id: Mapped[str] = mapped_column(ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("dataset.id", ondelete="CASCADE"), primary_key=True, index=True)


@allows(OnEntry.WRITE, holding=entries.hold)
def add(
    actor: Actor,
    entry: Entry,
    name: str,
    *,
    info: dict[str, Any] | None = None,
    collection_date: date | None = None,
    experiment: str | None = None,
) -> Dataset:
    """The dataset of that name and experiment, made if it is new and tied to the entry; what is given here is kept."""
    name = rules.name(name, "dataset_name")
    experiment_id = None
    if experiment is not None:
        experiment_id = circumstances.named(Experiment, rules.name(experiment, "experiment_name"))
        experiments.tie(entry.id, experiment)
    found = db.session.get_one(Dataset, of_name(entry, name, experiment_id, collection_date))
    if info is not None:
        found.info = info
    if collection_date is not None:
        found.collection_date = collection_date
    db.session.flush()
    return found


@allows(OnEntry.READ)
def list_for(actor: Actor, entry: Entry) -> Sequence[Dataset]:
    """The datasets of the entry, by name."""
    return db.session.scalars(_tied_to(entry)).all()


@allows(OnEntry.READ)
def find(actor: Actor, entry: Entry, limit: int, offset: int = 0) -> tuple[Sequence[Dataset], int]:
    """Some of the datasets of the entry, by name, and how many there are in all."""
    ties = select(func.count()).select_from(EntryDataset).where(EntryDataset.entry_id == entry.id)
    return db.session.scalars(_tied_to(entry).limit(limit).offset(offset)).all(), db.session.scalar(ties) or 0


def _tied_to(entry: Entry) -> Select[Dataset]:
    tied = select(Dataset).join(EntryDataset, EntryDataset.dataset_id == Dataset.id)
    return tied.where(EntryDataset.entry_id == entry.id).order_by(Dataset.name_key, Dataset.id)


def of_name(entry: Entry, name: str, experiment_id: str | None, collection_date: date | None) -> str:
    """The id of the entry's dataset of that name (already checked) and experiment, made and tied if it is new.

    Checks no permission.
    """
    same = Dataset.owner_id == entry.owner_id, Dataset.name_key == rules.key(name)
    query = select(Dataset.id).where(*same, Dataset.experiment_id == experiment_id)
    found = db.session.scalar(query)
    if found is None:
        fresh = {"id": new_id(), "name": name, "name_key": rules.key(name), "info": {}, "created_at": now()}
        made = insert(Dataset).values(
            owner_id=entry.owner_id, experiment_id=experiment_id, collection_date=collection_date, **fresh
        )
        db.session.execute(made.on_conflict_do_nothing())
        found = db.session.scalars(query).one()
    db.session.execute(insert(EntryDataset).values(entry_id=entry.id, dataset_id=found).on_conflict_do_nothing())
    return found
