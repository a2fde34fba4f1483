"""Experiments: named circumstances, made on first use and known by their name everywhere."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Id, JsonObject, Table, new_id, now
from portal.domain import revision, rules
from portal.errors import invalid
from portal.extensions import db
from portal.search.dialects import insert
from portal.security.actor import Actor
from portal.security.guard import allows
from portal.security.policy import OnEntry

if TYPE_CHECKING:
    from portal.domain.entries import Entry


MOST_TIES = 100


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


@allows(OnEntry.WRITE, writes=True)
def replace(actor: Actor, entry: "Entry", names: Sequence[str]) -> None:
    """Ties the entry to the experiments of these names and to no others; new ones are made."""
    wanted: dict[str, str] = {}
    for name in names:
        wanted.setdefault(rules.key(rules.name(name, "experiment_name")), name)
    if len(wanted) > MOST_TIES:
        raise invalid("experiment_name", f"Takes at most {MOST_TIES} experiments.")
    entry.updated_at = now()
    db.session.flush()
    tied = {experiment.name_key: experiment.id for experiment in of_entry(entry.id)}
    untied = [experiment_id for key, experiment_id in tied.items() if key not in wanted]
    gone = EntryExperiment.entry_id == entry.id, EntryExperiment.experiment_id.in_(untied)
    db.session.execute(delete(EntryExperiment).where(*gone))
    revision.changed()
    for key in sorted(wanted.keys() - tied.keys()):
        tie(entry.id, wanted[key])


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
