"""The named circumstances of records: experiment, season, site; and which of them occur together in an entry."""

from typing import NamedTuple

from sqlalchemy import BigInteger, ForeignKey, Integer, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Id, Table, new_id
from portal.domain import experiments, rules
from portal.domain.experiments import Experiment
from portal.errors import invalid
from portal.extensions import db
from portal.search.dialects import insert


class Season(Table):
    __tablename__ = "season"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(255))
    name_key: Mapped[str] = mapped_column(String(1024), unique=True)


class Site(Table):
    __tablename__ = "site"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(255))
    name_key: Mapped[str] = mapped_column(String(1024), unique=True)


class Circumstances(Table):
    """An experiment, season and site (each may be absent) under which an entry has `number` records.

    `changes` grows with every transaction that adds or removes some: what was counted before is then counted anew.

    Records refer to these few rows by a small number instead of carrying the three: filters become a set of numbers.
    `key` joins the three ids, because absent ones must be equal. A row stays when its last record goes.
    """

    __tablename__ = "circumstances"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entry.id", ondelete="CASCADE"))
    experiment_id: Mapped[str | None] = mapped_column(ForeignKey("experiment.id"), index=True)
    season_id: Mapped[str | None] = mapped_column(ForeignKey("season.id"), index=True)
    site_id: Mapped[str | None] = mapped_column(ForeignKey("site.id"), index=True)
    key: Mapped[str] = mapped_column(String(110))
    number: Mapped[int] = mapped_column(BigInteger, default=0)
    changes: Mapped[int] = mapped_column(BigInteger, default=0)

    __table_args__ = (UniqueConstraint("entry_id", "key"),)


class Names(NamedTuple):
    """Of one record, as they were written and found acceptable; None is absent."""

    experiment: str | None = None
    season: str | None = None
    site: str | None = None


Named = Experiment | Season | Site
TABLES: dict[str, type[Named]] = {"experiment": Experiment, "season": Season, "site": Site}


def checked(names: Names) -> Names:
    """As they are kept; 422 where one is no name or none is given."""
    if not any(name is not None for name in names):
        raise invalid("experiment_name", "Name at least one of experiment, season and site.")
    each = zip(TABLES, names, strict=True)
    return Names(*(None if name is None else rules.name(name, f"{word}_name") for word, name in each))


def named(table: type[Named], name: str | None) -> str | None:
    """The id of the experiment, season or site of that name, which is made if it is new. Checks no permission."""
    if name is None:
        return None
    key = rules.key(name)
    found = db.session.scalar(select(table.id).where(table.name_key == key))
    if found is None:
        fresh: dict[str, object] = {"id": new_id(), "name": name, "name_key": key}
        if table is Experiment:
            fresh["info"] = {}
        db.session.execute(insert(table).values(fresh).on_conflict_do_nothing())
        found = db.session.scalar(select(table.id).where(table.name_key == key))
    return found


def under(entry_id: str, names: Names) -> tuple[int, str | None]:
    """The id of these circumstances in the entry, made if they are new, and that of the experiment.

    Checks no permission.
    """
    ids = [named(table, name) for table, name in zip(TABLES.values(), names, strict=True)]
    key = "/".join(each or "" for each in ids)
    query = select(Circumstances.id).where(Circumstances.entry_id == entry_id, Circumstances.key == key)
    found = db.session.scalar(query)
    if found is None:
        fresh = dict(zip(("experiment_id", "season_id", "site_id"), ids, strict=True))
        made = insert(Circumstances).values(entry_id=entry_id, key=key, number=0, **fresh)
        db.session.execute(made.on_conflict_do_nothing())
        found = db.session.scalars(query).one()
        if names.experiment is not None:
            experiments.tie(entry_id, names.experiment)
    return found, ids[0]
