"""Lists of entries: the registry's search for programs, and the list page with its filters, counts and sorts."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, case, func, or_, select, true

from portal.domain import revision, rules
from portal.domain.access import readable
from portal.domain.entries import Entry
from portal.domain.experiments import EntryExperiment, Experiment
from portal.domain.kept import Kept
from portal.domain.kinds import Kind
from portal.domain.teams import Team
from portal.domain.users import User
from portal.extensions import db
from portal.search.dialects import json_contains
from portal.search.filters import Filter, contains
from portal.search.texts import say
from portal.security.actor import Actor
from portal.security.guard import scoped

PAGE_ROWS = 50
FACET_VALUES = 12

# The tables' own columns: what is asked of these, and not of the mapped classes, costs half.
_ENTRY: Any = Entry.__table__.c
_USER: Any = User.__table__.c


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the registry dialect searches by; None asks nothing. `info` must be contained in the stored object."""

    name: str | None = None
    url: str | None = None
    extension: str | None = None
    info: dict[str, Any] | None = None
    experiment: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found = []
        if self.name is not None:
            found.append(Entry.name_key == rules.key(self.name))
        if self.url is not None:
            found.append(Entry.url == self.url)
        if self.extension is not None:
            found.append(Entry.extension == self.extension)
        if self.info is not None:
            found.append(json_contains(Entry.info, self.info))
        if self.experiment is not None:
            found.append(_in_experiment(Entry, self.experiment))
        return found


@scoped
def find(actor: Actor, kind: Kind, wanted: Wanted, limit: int, offset: int = 0) -> tuple[Sequence[Entry], int]:
    """The visible entries that match, oldest first, and how many there are in all."""
    conditions = [Entry.kind == kind.word, readable(actor, Entry), *wanted.conditions()]
    query = select(Entry).where(*conditions).order_by(Entry.created_at, Entry.id).limit(limit).offset(offset)
    found = db.session.scalars(query).all()
    return found, db.session.scalar(select(func.count()).select_from(Entry).where(*conditions)) or 0


def _in_experiment(entry: Any, name: str) -> ColumnElement[bool]:
    ties = select(EntryExperiment.entry_id).join(Experiment, Experiment.id == EntryExperiment.experiment_id)
    return entry.id.in_(ties.where(Experiment.name_key == rules.key(name)))


MOST_WORDS = 12


def _says(entry: Any, text: str) -> ColumnElement[bool]:
    """Every word, in any order, in the name, the description or the type."""
    return and_(true(), *(_says_word(entry, word) for word in text.split(maxsplit=MOST_WORDS - 1)))


def _says_word(entry: Any, word: str) -> ColumnElement[bool]:
    texts = entry.name_key, entry.description, entry.type
    return or_(*(say(texts, each) for each in {rules.key(word), word.lower()}))


def _owned_by(entry: Any, username: str) -> ColumnElement[bool]:
    owner = select(User.id).where(User.username_key == rules.key(username)).scalar_subquery()
    return entry.owner_id == owner


def _shared_with(entry: Any, name: str) -> ColumnElement[bool]:
    team = select(Team.id).where(Team.name_key == rules.key(name)).scalar_subquery()
    return and_(entry.access == "protected", entry.team_id == team)


def _has_file(entry: Any, value: str) -> ColumnElement[bool]:
    return entry.size.is_not(None) if value == "yes" else entry.size.is_(None)


FILTERS = (
    Filter("q", "Text", "“{}”", _says),
    Filter("type", "Type", "Type: {}", lambda entry, value: entry.type == value, lambda row: row.type),
    Filter("access", "Who may see it", "{}", lambda entry, value: entry.access == value, lambda row: row.access),
    Filter("team", "Team", "Team: {}", _shared_with, lambda row: row.team or ""),
    Filter("file", "File", "{}", _has_file, lambda row: "yes" if row.has_file else "no"),
    Filter("owner", "Owner", "Owner: {}", _owned_by, lambda row: row.username),
    Filter("experiment", "Experiment", "Experiment: {}", _in_experiment),
)
Chosen = Mapping[str, Sequence[str]]
BY_KEY = {each.key: each for each in FILTERS}

SORTS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "newest": ("Newest", (_ENTRY.created_at.desc(), _ENTRY.id.desc())),
    "name": ("Name", (_ENTRY.name_key, _ENTRY.id)),
    "size": ("Largest", (_ENTRY.size.desc().nulls_last(), _ENTRY.id.desc())),
}


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One page of a list. `facets` maps a filter's key to (value, count), most first; counts heed all other filters."""

    rows: Sequence[Row[Any]]
    total: int
    number: int
    pages: int
    facets: Mapping[str, list[tuple[str, int]]]


Counts = tuple[int, dict[str, list[tuple[str, int]]]]


@scoped
def page(actor: Actor, kind: Kind, chosen: Chosen, sort: str = "newest", number: int = 1) -> EntryPage:
    """Page `number` (from 1; past the end is the last) of the visible entries that every filter in `chosen` lets in.

    Of several values of one filter any will do.
    """
    asked = kind.word, _sight(actor), tuple((key, tuple(values)) for key, values in sorted(chosen.items()))
    total, facets = _COUNTS.get((revision.current(), asked), lambda: _count(actor, kind, chosen))
    pages = max(1, -(-total // PAGE_ROWS))
    number = min(max(number, 1), pages)
    query = _QUERIES.get((sort, asked), lambda: _page_query(actor, kind, chosen, sort))
    rows = db.session.execute(query, {"skipped": (number - 1) * PAGE_ROWS}).all()
    return EntryPage(rows, total, number, pages, facets)


def _sight(actor: Actor) -> Hashable:
    """Two actors whose sight is the same see the same entries."""
    return "all" if actor.is_admin else (actor.user_id, tuple(sorted(actor.teams)), actor.may_read_public)


# Counts are found under the mark they were counted at: anew only when something that lists show has changed.
_COUNTS: Kept[Counts] = Kept(1000)
_QUERIES: Kept[Select[Any]] = Kept(200)


def _page_query(actor: Actor, kind: Kind, chosen: Chosen, sort: str) -> Select[Any]:
    return _rows(actor, kind, chosen).order_by(*SORTS[sort][1]).limit(PAGE_ROWS).offset(bindparam("skipped"))


def _count(actor: Actor, kind: Kind, chosen: Chosen) -> Counts:
    groups = _groups(actor, kind, chosen)
    facets = {each.key: _tally(groups, each, chosen) for each in FILTERS if each.group}
    facets["experiment"] = _experiments(actor, kind, chosen)
    return sum(row.number for row in groups if _fits(row, chosen)), facets


@scoped
def own_names(actor: Actor, kind: Kind, most: int = 200) -> Sequence[Any]:
    """The actor's own entries as rows of id and name, last changed first."""
    own = select(Entry.id, Entry.name).where(Entry.kind == kind.word, Entry.owner_id == actor.user_id)
    return db.session.execute(own.order_by(Entry.updated_at.desc()).limit(most)).all()


@scoped
def search(actor: Actor, kind: Kind, text: str, most: int) -> tuple[Sequence[Row[Any]], int]:
    """Visible entries with `text` in their name or description, as rows like those of a page, and how many there are.

    Those with it in their name come first, then the newest.
    """
    in_name = case((contains(_ENTRY.name_key, rules.key(text)), 0), else_=1)
    query = _rows(actor, kind, {"q": (text,)}).add_columns(func.count().over().label("total"))
    found = db.session.execute(query.order_by(in_name, *SORTS["newest"][1]).limit(most)).all()
    return [row[:-1] for row in found], found[0].total if found else 0  # type: ignore[misc]


def _rows(actor: Actor, kind: Kind, chosen: Chosen) -> Select[Any]:
    return _within(_ROWS, actor, kind, chosen, BY_KEY)


_ROWS = select(
    _ENTRY.kind,
    _ENTRY.id,
    _ENTRY.name,
    func.substr(_ENTRY.description, 1, 200).label("description"),
    _ENTRY.type,
    _ENTRY.access,
    _ENTRY.created_at,
    _ENTRY.size,
    _ENTRY.version,
    _USER.username,
).join_from(Entry.__table__, User.__table__, _USER.id == _ENTRY.owner_id)


def _groups(actor: Actor, kind: Kind, chosen: Chosen) -> Sequence[Row[Any]]:
    """How many entries there are of each combination that the facets tell apart: one pass over one index."""
    has_file = _ENTRY.size.is_not(None).label("has_file")
    keys = (_ENTRY.access, _ENTRY.owner_id, _ENTRY.team_id, _ENTRY.type, has_file)
    counted = select(*keys, func.count().label("number"))
    counted = _within(counted, actor, kind, chosen, ("q", "experiment")).group_by(*keys)
    inner = counted.subquery()
    names = User.username, Team.name.label("team")
    named = select(inner.c.access, inner.c.type, inner.c.has_file, inner.c.number, *names)
    named = named.join(User, User.id == inner.c.owner_id).outerjoin(Team, Team.id == inner.c.team_id)
    return db.session.execute(named).all()


def _within(query: Any, actor: Actor, kind: Kind, chosen: Chosen, heeded: Any) -> Select[Any]:
    heard = [(BY_KEY[key], values) for key, values in chosen.items() if key in heeded]
    conditions = [or_(*(each.condition(_ENTRY, value) for value in values)) for each, values in heard]
    return query.where(_ENTRY.kind == kind.word, readable(actor, _ENTRY), *conditions)


def _fits(row: Row[Any], chosen: Chosen, but: str = "") -> bool:
    return all(
        any(_same(each, each.group(row), value) for value in chosen[each.key])
        for each in FILTERS
        if each.group and each.key in chosen and each.key != but
    )


def _same(each: Filter, value: str, wanted: str) -> bool:
    return rules.key(value) == rules.key(wanted) if each.key in ("owner", "team") else value == wanted


def _tally(groups: Sequence[Row[Any]], each: Filter, chosen: Chosen) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for row in groups:
        if each.group and _fits(row, chosen, but=each.key):
            counts[each.group(row)] += row.number
    return counts.most_common(FACET_VALUES)


def _experiments(actor: Actor, kind: Kind, chosen: Chosen) -> list[tuple[str, int]]:
    counted = (
        select(Experiment.name, func.count().label("number"))
        .join(EntryExperiment, EntryExperiment.experiment_id == Experiment.id)
        .join(Entry, Entry.id == EntryExperiment.entry_id)
    )
    others = [key for key in BY_KEY if key != "experiment"]
    counted = _within(counted, actor, kind, chosen, others).group_by(Experiment.name)
    rows = db.session.execute(counted.order_by(func.count().desc(), Experiment.name).limit(FACET_VALUES))
    return [(row.name, row.number) for row in rows]


revision.watch(Entry, EntryExperiment, User, Team)
