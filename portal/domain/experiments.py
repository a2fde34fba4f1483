"""Experiments: named circumstances, made on first use and known by their name everywhere."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Id, JsonObject, Table, new_id
from portal.domain import revision, rules
from portal.extensions import db
from portal.search.dialects import insert


class Experiment(Table):
    __tablename__ = "experiment"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(255))
    name_key: Mapped[str] = mapped_column(String(1024), unique=True)
    info: Mapped[dict[str, Any]] = mapped_column(JsonObject, default=dict)


class EntryExperiment(Table):
    __tablename__ = "entry_experiment"

    entry_id: Mapped[str] = mapped_column(ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True)
    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiment.id"), primary_key=True, index=True)


def tie(entry_id: str, name: str) -> None:
    """Ties an entry to the experiment of that name, which is made if it is new. Checks no permission."""
    name = rules.name(name, "experiment_name")
    experiment = insert(Experiment).values(id=new_id(), name=name, name_key=rules.key(name), info={})
    db.session.execute(experiment.on_conflict_do_nothing(index_elements=[Experiment.name_key]))
    experiment_id = db.session.scalar(select(Experiment.id).where(Experiment.name_key == rules.key(name)))
    revision.changed()
    db.session.execute(
        insert(EntryExperiment).values(entry_id=entry_id, experiment_id=experiment_id).on_conflict_do_nothing()
    )


def of_entry(entry_id: str) -> Sequence[Experiment]:
    """The experiments an entry is tied to, by name. Checks no permission: ask for a visible entry first."""
    ties = select(Experiment).join(EntryExperiment, EntryExperiment.experiment_id == Experiment.id)
    return db.session.scalars(ties.where(EntryExperiment.entry_id == entry_id).order_by(Experiment.name_key)).all()
