"""Counts beside the values of filters: which names circumstances have, which of those asked for they lack."""

import functools
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, Select, literal, select, type_coerce, union_all
from sqlalchemy.types import NullType

from portal.domain import rules
from portal.domain.kinds import KINDS
from portal.domain.record_filters import BY_KEY, Wanted
from portal.domain.record_scope import NAMES, Under
from portal.extensions import db
from portal.search.several import IDS, among

Facet = list[tuple[str | None, int]]
FIELDS = ("entries", *NAMES)
Names = Mapping[str, Mapping[Any, tuple[str | None, str]]]
Misses = Callable[[Under], Sequence[str]]


def names_of(around: Sequence[Under]) -> Names:
    """By field and id the name and its key."""
    found: dict[str, dict[Any, tuple[str | None, str]]] = {field: {None: (None, "")} for field in NAMES}
    ids = {field: list({getattr(each, field) for each in around} - {None}) for field in NAMES}
    for field, its_id, name, key in db.session.execute(_statement(db.engine.dialect.name), ids):
        found[field][its_id] = name, key
    return found


@functools.cache
def _statement(dialect: str) -> Executable:
    def of(field: str, table: Any) -> Select[Any]:
        columns: Any = literal(field), type_coerce(table.id, NullType()), table.name, table.name_key
        return select(*columns).where(among(table.id, field, IDS))

    return union_all(*(of(field, table) for field, (table, _) in NAMES.items()))


def misses_of(wanted: Wanted, names: Names) -> Misses:
    """Tells which names asked for some circumstances do not have."""
    asked = {field: {rules.key(name) for name in getattr(wanted, field)} for field in FIELDS if getattr(wanted, field)}
    good = {
        field: keys if field == "entries" else {its_id for its_id, (_, key) in names[field].items() if key in keys}
        for field, keys in asked.items()
    }
    return lambda each: [field for field, values in good.items() if getattr(each, field) not in values]


def facets_of(
    wanted: Wanted, around: Sequence[Under], names: Names, misses: Misses, numbers: Mapping[int, int]
) -> dict[str, Facet]:
    """What lacks one name alone is counted by the filter that asks for it, which does not heed itself."""
    counted: dict[str, Counter[Any]] = {field: Counter() for field in FIELDS}
    entry_names: dict[Any, str] = {}
    for each in around:
        number = numbers.get(each.id, 0)
        missed = misses(each) if number else FIELDS
        for field in missed if len(missed) == 1 else () if missed else FIELDS:
            key = getattr(each, field)
            if field == "entries":
                key = each.kind, key
                entry_names.setdefault(key, each.entry_name)
            counted[field][key] += number
    found: dict[str, Facet] = {}
    for kind in KINDS if wanted.entry_id is None else ():
        if wanted.kind in (None, kind):
            own = [(entry_names[key], number) for key, number in counted["entries"].items() if key[0] == kind.word]
            found[f"{kind.word}_names"] = list(own)
    for field in NAMES:
        found[f"{field[:-1]}_names"] = [(names[field][key][0], number) for key, number in counted[field].items()]
    return found


def asked_by(wanted: Wanted, key: str) -> set[str]:
    """The keys of the names that the filter of this parameter asks for."""
    return {rules.key(name) for name in getattr(wanted, BY_KEY[key].field)}


def most_first(facet: Facet, most: int | None, asked: Collection[str]) -> Facet:
    """At most `most` values, and those that are asked for."""
    found = sorted(facet, key=lambda each: (-each[1], each[0] or ""))
    if most is None:
        return found
    return found[:most] + [each for each in found[most:] if asked and rules.key(each[0] or "") in asked]
