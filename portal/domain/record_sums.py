"""Numbers of records, from the roll-up for whole days and from the rows for parts of days. Checks no permission: ask
`record_scope` first, which circumstances may be counted.
"""

import functools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Executable,
    Integer,
    Select,
    bindparam,
    desc,
    func,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.types import NullType

from portal.domain.datasets import Dataset
from portal.domain.record_filters import Wanted
from portal.domain.record_scope import Days, Edge, in_tally, parameters, total_of
from portal.domain.records import Record
from portal.domain.tally import DatasetTally, DayTally, EntryDatasetTally, Tally
from portal.extensions import db
from portal.search.several import IDS, NUMBERS, TEXTS, among

ALWAYS = Days()
_MOST: BindParameter[int] = bindparam("most", type_=Integer)


def by(column: str, wanted: Wanted, circumstances: Sequence[int], days: Days = ALWAYS) -> Sequence[Any]:
    """Rows of `column` of the roll-up (`circumstances_id` or `day`) and the number, under these circumstances.

    Heeds datasets and collection date of `wanted`.
    """
    has = days.first is not None, days.last is not None
    query = _by(db.engine.dialect.name, column, has, bool(wanted.datasets), wanted.collection_date is not None)
    return _rows(query, _bound(wanted, circumstances, days))


def by_dataset(wanted: Wanted, circumstances: Sequence[int], days: Days, most: int | None) -> Sequence[Any]:
    """Rows of a dataset's name, its key and the number, most first; datasets of one name are one. Heeds the date.

    Where there are many more than `most`, those names are listed that `wanted` has or the largest datasets.
    """
    has = days.first is not None, days.last is not None
    query = _by_dataset(db.engine.dialect.name, has, wanted.collection_date is not None, most is not None)
    return _rows(query, _bound(wanted, circumstances, days) | _most(wanted, most))


def by_dataset_of(wanted: Wanted, entries: Sequence[Any], most: int | None) -> Sequence[Any]:
    """As `by_dataset`, of all records of the entries, whose ids are as the database gives them."""
    bound = {"datasets": parameters(wanted)["datasets"], "entries": entries}
    return _rows(_by_dataset_of(db.engine.dialect.name, most is not None), bound | _most(wanted, most))


def by_day_of(entries: Sequence[Any], days: Days) -> Sequence[Any]:
    """Rows of day and number of all records of the entries, whose ids are as the database gives them."""
    query = _by_day(db.engine.dialect.name, days.first is not None, days.last is not None)
    return _rows(query, {"entries": entries, "first": days.first, "last": days.last})


def at_edge(wanted: Wanted, edge: Edge) -> Sequence[Any]:
    """Rows of circumstances, dataset (as the database gives it) and number, whoever may read them. Heeds the date."""
    query = _at_edge(wanted.entry_id is not None, wanted.collection_date is not None, edge.upper is not None)
    return _rows(query, parameters(wanted) | {"lower": edge.lower, "upper": edge.upper})


def datasets(names: Sequence[str]) -> set[Any]:
    """The ids of datasets of these names, as the database gives them."""
    query = select(type_coerce(Dataset.id, NullType())).where(among(Dataset.name_key, "datasets", TEXTS))
    return set(db.session.scalars(query, {"datasets": names}))


def _rows(query: Executable, bound: dict[str, Any]) -> Sequence[Any]:
    """Past the session, which takes twice the time for many rows."""
    return db.session.connection().execute(query, bound).all()


def _most(wanted: Wanted, most: int | None) -> dict[str, int]:
    return {} if most is None else {"most": most + len(wanted.datasets)}


def _bound(wanted: Wanted, circumstances: Sequence[int], days: Days) -> dict[str, Any]:
    return parameters(wanted) | {"circumstances": circumstances, "first": days.first, "last": days.last}


@functools.cache
def _by(dialect: str, column: str, days: tuple[bool, bool], has_datasets: bool, is_collected: bool) -> Executable:
    its_own = getattr(Tally, column)
    query = select(its_own, total_of(Tally.number)).where(among(Tally.circumstances_id, "circumstances", NUMBERS))
    return query.where(*in_tally(Tally, days, has_datasets, is_collected)).group_by(its_own)


@functools.cache
def _by_dataset(dialect: str, days: tuple[bool, bool], is_collected: bool, has_most: bool) -> Executable:
    table: Any = Tally if any(days) or is_collected else DatasetTally
    numbers = _numbers(table).where(among(table.circumstances_id, "circumstances", NUMBERS))
    return _of_names(numbers.where(*in_tally(table, days, False, is_collected)), has_most)


@functools.cache
def _by_dataset_of(dialect: str, has_most: bool) -> Executable:
    """With `most`, names are looked up of the largest datasets alone, and of those that have the same names."""
    numbers = _numbers(EntryDatasetTally).where(among(EntryDatasetTally.entry_id, "entries", IDS))
    if has_most:
        largest = numbers.order_by(desc("number"), EntryDatasetTally.dataset_id).limit(_MOST * 3).subquery()
        names = select(Dataset.name_key).join(largest, largest.c.dataset_id == Dataset.id)
        same = select(Dataset.id).where(or_(Dataset.name_key.in_(names), _is_wanted()))
        numbers = numbers.where(EntryDatasetTally.dataset_id.in_(same))
    return _of_names(numbers, has_most)


def _numbers(table: Any) -> Select[Any]:
    return select(table.dataset_id, total_of(table.number).label("number")).group_by(table.dataset_id)


def _of_names(numbers: Select[Any], has_most: bool) -> Executable:
    counted = numbers.subquery()
    number, name = total_of(counted.c.number), func.min(Dataset.name)
    query = select(name, Dataset.name_key, number).join(counted, counted.c.dataset_id == Dataset.id)
    query = query.group_by(Dataset.name_key)
    if has_most:
        query = query.order_by(_is_wanted().desc()).limit(_MOST)
    return query.order_by(number.desc(), Dataset.name_key)


def _is_wanted() -> ColumnElement[bool]:
    return among(Dataset.name_key, "datasets", TEXTS)


@functools.cache
def _by_day(dialect: str, has_first: bool, has_last: bool) -> Executable:
    query = select(DayTally.day, total_of(DayTally.number)).where(among(DayTally.entry_id, "entries", IDS))
    return query.where(*in_tally(DayTally, (has_first, has_last), False, False)).group_by(DayTally.day)


@functools.cache
def _at_edge(has_entry: bool, is_collected: bool, has_upper: bool) -> Executable:
    dataset_id = type_coerce(Record.dataset_id, NullType())
    query = select(Record.circumstances_id, dataset_id, func.count()).where(Record.timestamp >= bindparam("lower"))
    if has_upper:
        query = query.where(Record.timestamp < bindparam("upper"))
    if has_entry:
        query = query.where(Record.entry_id == bindparam("entry"))
    if is_collected:
        query = query.where(Record.collection_date == bindparam("collected"))
    return query.group_by(Record.circumstances_id, Record.dataset_id)
