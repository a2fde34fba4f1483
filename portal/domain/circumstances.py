"""The named circumstances of records: experiment, season, site; and which of them occur together in an entry."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Integer, String, UniqueConstraint, select
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


MOST_ASKED = 500  # keys in one question

Named = Experiment | Season | Site
TABLES: dict[str, type[Named]] = {"experiment": Experiment, "season": Season, "site": Site}


def checked(names: Names) -> Names:
    """As they are kept; 422 where one is no name or none is given."""
    if not any(name is not None for name in names):
        raise invalid("experiment_name", "Name at least one of experiment, season and site.")
    each = zip(TABLES, names, strict=True)
    return Names(*(None if name is None else rules.name(name, f"{word}_name") for word, name in each))


def named(table: type[Named], name: str) -> str:
    """The id of the experiment, season or site of that name, which is made if it is new. Checks no permission."""
    return all_named(table, {name})[rules.key(name)]


def all_named(table: type[Named], names: Iterable[str]) -> dict[str, str]:
    """The ids by the keys of the names, which are made in one order where they are new. Checks no permission."""
    wanted = {rules.key(name): name for name in names}
    found = _found(table.name_key, table.id, wanted)
    fresh = sorted(wanted.keys() - found.keys())
    if fresh:
        more: dict[str, object] = {"info": {}} if table is Experiment else {}
        rows = [{"id": new_id(), "name": wanted[key], "name_key": key, **more} for key in fresh]
        db.session.execute(insert(table).on_conflict_do_nothing(), rows)
        found |= _found(table.name_key, table.id, fresh)
    return found


def under(entry_id: str, wanted: Collection[Names]) -> dict[Names, tuple[int, str | None]]:
    """The ids of these circumstances in the entry, made in one order where they are new, and of their experiments.

    Checks no permission.
    """
    columns = zip(TABLES.values(), zip(*wanted, strict=True), strict=True)
    ids = [all_named(table, {name for name in names if name is not None}) for table, names in columns]
    own = {each: [name and found[rules.key(name)] for found, name in zip(ids, each, strict=True)] for each in wanted}
    keys = {each: "/".join(its_id or "" for its_id in its_ids) for each, its_ids in own.items()}
    of_entry = Circumstances.entry_id == entry_id
    numbers = _found(Circumstances.key, Circumstances.id, keys.values(), of_entry)
    fresh = {keys[each]: each for each in wanted if keys[each] not in numbers}
    if fresh:
        db.session.execute(
            insert(Circumstances).on_conflict_do_nothing(),
            [{"entry_id": entry_id, "key": key, "number": 0, **_columns(own[fresh[key]])} for key in sorted(fresh)],
        )
        numbers |= _found(Circumstances.key, Circumstances.id, fresh, of_entry)
        for name in sorted({each.experiment for each in fresh.values() if each.experiment is not None}, key=rules.key):
            experiments.tie(entry_id, name)
    return {each: (numbers[key], own[each][0]) for each, key in keys.items()}


def _columns(ids: Sequence[str | None]) -> dict[str, str | None]:
    return dict(zip(("experiment_id", "season_id", "site_id"), ids, strict=True))


def _found(key: Any, value: Any, keys: Iterable[str], *conditions: ColumnElement[bool]) -> dict[str, Any]:
    """The values by their keys, as many as there are."""
    found: dict[str, Any] = {}
    every = sorted(set(keys))
    for first in range(0, len(every), MOST_ASKED):
        query = select(key, value).where(key.in_(every[first : first + MOST_ASKED]), *conditions)
        found |= {row[0]: row[1] for row in db.session.execute(query)}
    return found
