"""How many records a filter lets in: in all, by each filter's values, by day. Read from the roll-up; only the parts of
days at the ends of a time range, and JSON, are counted from the rows themselves.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import func, literal, select, type_coerce
from sqlalchemy.types import NullType

from portal.database import is_writing
from portal.domain import record_plan, record_scope, record_sums, rules
from portal.domain.datasets import Dataset
from portal.domain.record_facets import Facet, asked_by, facets_of, misses_of, most_first, names_of
from portal.domain.record_filters import Wanted
from portal.domain.record_plan import Walk
from portal.domain.record_scope import NAMES, Days, Found, Under
from portal.domain.records import Record
from portal.extensions import db
from portal.search.several import IDS, among
from portal.security.actor import Actor
from portal.security.guard import scoped

MOST_COUNTED = 1001


class Total(NamedTuple):
    """`is_capped`: there are at least so many."""

    number: int
    is_capped: bool


class Counts(NamedTuple):
    """How many records there are, by the values of filters and by UTC day.

    `facets` maps a parameter to (name, number), most first, None being records without; each heeds all filters but its
    own. Names that are the same but for their case are one. `days` ascend, heed all filters and leave out empty days.
    Where JSON must be read, counting ends at `MOST_COUNTED`: then `total` is at least that, and `is_capped`. Facets and
    days never read JSON: they count what the other filters let in.
    """

    total: int
    is_capped: bool
    facets: Mapping[str, Facet]
    days: list[tuple[date, int]]


@scoped
def total(actor: Actor, wanted: Wanted, under: Found | None = None) -> Total:
    """How many records there are; exact unless there is a JSON condition.

    `under` is what `record_scope.find` has said of the same, where it has been asked.
    """
    whole, edges = record_scope.split(wanted.start, wanted.end)
    if whole is None and not edges:
        return Total(0, False)
    under = under or record_scope.find(actor, wanted)
    if wanted.where:
        return _read(wanted, under) if under.ids else Total(0, False)
    if wanted.start is None and wanted.end is None:
        return Total(under.number, False)
    own = set(under.ids)
    number = sum(row[1] for row in record_sums.by("day", wanted, under.ids, whole)) if whole else 0
    datasets = _datasets(wanted)
    for edge in edges:
        rows = record_sums.at_edge(wanted, edge)
        number += sum(row[2] for row in rows if row[0] in own and (datasets is None or row[1] in datasets))
    return Total(number, False)


@scoped
def counts(actor: Actor, wanted: Wanted, most: int | None = None) -> Counts:
    """Total, facets of at most `most` values each, beside those that are asked for, and days."""
    found = _kept_or_counted(actor, replace(wanted, where=()), most)
    if not wanted.where:
        return found
    number, is_capped = total(actor, wanted)
    return found._replace(total=number, is_capped=is_capped)


def _kept_or_counted(actor: Actor, wanted: Wanted, most: int | None) -> Counts:
    """Counts are kept for as long as no record is added or removed where they were counted.

    Not while this transaction writes: what it did may be rolled back.
    """
    if is_writing():
        return _count(record_scope.around(actor, wanted), wanted, most)
    key = wanted, most, tuple(map(tuple, record_scope.state(actor, wanted)))
    found = _kept.get(key)
    if found is None:
        found = _count(record_scope.around(actor, wanted), wanted, most)
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        _kept[key] = found
    return found


MOST_KEPT = 100
_kept: dict[object, Counts] = {}


def _count(around: Sequence[Under], wanted: Wanted, most: int | None) -> Counts:
    whole, edges = record_scope.split(wanted.start, wanted.end)
    known = {each.id for each in around}
    names = names_of(around)
    misses = misses_of(wanted, names)
    own = {each.id for each in around if not misses(each)}
    numbers = _numbers(wanted, around, whole)
    days = Counter(_by_day(wanted, around, own, whole))
    by_name, said = _by_dataset(wanted, around, own, whole, None if edges else most)
    datasets = _datasets(wanted)
    at_edges: Counter[Any] = Counter()
    for edge in edges:
        for circumstances_id, dataset_id, number in record_sums.at_edge(wanted, edge):
            is_wanted = datasets is None or dataset_id in datasets
            if is_wanted and circumstances_id in known:
                numbers[circumstances_id] += number
            if circumstances_id in own:
                at_edges[dataset_id] += number
                days[edge.day] += number if is_wanted else 0
    for name, key, dataset_id in _named(at_edges):
        by_name[key] += at_edges[dataset_id]
        said.setdefault(key, name)
    facets = facets_of(wanted, around, names, misses, numbers)
    facets["dataset_names"] = [(said[key], number) for key, number in by_name.items()]
    by_day = sorted((day, number) for day, number in days.items() if number)
    facets = {key: most_first(facet, most, asked_by(wanted, key)) for key, facet in facets.items()}
    return Counts(sum(days.values()), False, facets, by_day)


def _numbers(wanted: Wanted, around: Sequence[Under], whole: Days | None) -> Counter[int]:
    """By circumstances, heeding all but their names and JSON."""
    if whole is None:
        return Counter()
    if whole == Days() and not wanted.datasets and wanted.collection_date is None:
        return Counter({each.id: each.number for each in around})
    return Counter(dict(record_sums.by("circumstances_id", wanted, [each.id for each in around], whole)))


def _by_day(wanted: Wanted, around: Sequence[Under], own: set[int], whole: Days | None) -> dict[date, int]:
    if whole is None:
        return {}
    if wanted.datasets or _asks_within_entries(wanted):
        return dict(record_sums.by("day", wanted, list(own), whole))
    return dict(record_sums.by_day_of(_entries(around, own), whole))


def _by_dataset(
    wanted: Wanted, around: Sequence[Under], own: set[int], whole: Days | None, most: int | None
) -> tuple[Counter[str], dict[str, str]]:
    """By the key of a name the number, and the name."""
    rows: Sequence[Any] = ()
    if whole == Days() and not _asks_within_entries(wanted):
        rows = record_sums.by_dataset_of(wanted, _entries(around, own), most)
    elif whole is not None:
        rows = record_sums.by_dataset(wanted, list(own), whole, most)
    return Counter({key: number for _, key, number in rows}), {key: name for name, key, _ in rows}


def _asks_within_entries(wanted: Wanted) -> bool:
    """Whether something but times and datasets tells some records of an entry from others."""
    return wanted.collection_date is not None or any(getattr(wanted, field) for field in NAMES)


def _entries(around: Sequence[Under], own: set[int]) -> list[Any]:
    return list({each.entry for each in around if each.id in own})


def _datasets(wanted: Wanted) -> set[Any] | None:
    return record_sums.datasets([rules.key(name) for name in wanted.datasets]) if wanted.datasets else None


def _named(datasets: Counter[Any]) -> Sequence[Any]:
    if not datasets:
        return ()
    query = select(Dataset.name, Dataset.name_key, type_coerce(Dataset.id, NullType()))
    return db.session.execute(query.where(among(Dataset.id, "ids", IDS)), {"ids": list(datasets)}).all()


def _read(wanted: Wanted, under: Found) -> Total:
    """Counts the rows that satisfy JSON conditions, up to `MOST_COUNTED`."""
    has = (
        bool(wanted.datasets),
        wanted.collection_date is not None,
        False,
        wanted.start is not None,
        wanted.end is not None,
    )
    walk = Walk(db.engine.dialect.name, "fetch", True, False, True, *has)
    query = select(literal(1)).select_from(Record).where(*record_plan.within(walk), *record_plan.says(wanted))
    capped = select(func.count()).select_from(query.limit(MOST_COUNTED).subquery())
    bound = {"circumstances": under.ids, "lower": wanted.start, "upper": wanted.end}
    number = db.session.execute(capped, record_scope.parameters(wanted) | bound).scalar_one()
    return Total(number, number == MOST_COUNTED)
