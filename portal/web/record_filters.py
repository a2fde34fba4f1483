"""The records page's filters as it shows them: choices with counts, chips in words, addresses that change one thing."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape
from werkzeug.datastructures import MultiDict

from portal.domain import rules
from portal.domain.kinds import Kind
from portal.domain.record_filters import FILTERS, Filter, Wanted, address_of, asked, values_of
from portal.errors import BadRequest
from portal.web.figures import count
from portal.web.filters import Choice, Facet

Query = list[tuple[str, str]]
OLDEST = "oldest"
MOST_CHOICES = 100
MOST_COLUMNS = 60
LONGEST_CHIP = 80


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks of the page; `problems` are what cannot be understood of it and is left out of `wanted`."""

    wanted: Wanted
    newest: bool = True
    after: str | None = None
    columns: tuple[str, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)

    def query(self, **changes: Any) -> Query:
        """The parameters that ask for the same filter, order and columns, with `changes` to the filter."""
        return address_of(self.wanted, **changes) + self.manner()

    def manner(self) -> Query:
        """What is asked beside the filter."""
        order = [] if self.newest else [("order", OLDEST)]
        return order + [("columns", name) for name in self.columns]


def read(args: MultiDict[str, str], kind: Kind | None = None, entry_id: str | None = None) -> Asked:
    given, problems = MultiDict(args), {}
    while True:
        try:
            wanted = asked(given, kind, entry_id)
            break
        except BadRequest as error:
            for name, message in error.fields:
                problems[name] = message
                for parameter in _parameters(name):
                    given.poplist(parameter)
            if not error.fields:
                raise
    columns = tuple(dict.fromkeys(name for name in args.getlist("columns") if name))[:MOST_COLUMNS]
    return Asked(wanted, args.get("order") != OLDEST, args.get("after") or None, columns, problems)


def _parameters(name: str) -> list[str]:
    return [name, *(each.also for each in FILTERS if each.key == name and each.also)]


def address(base: str, query: Query) -> str:
    return f"{base}?{urlencode(query)}" if query else base


def facets(counted: Mapping[str, Sequence[tuple[str | None, int]]], wanted: Wanted) -> list[Facet]:
    """What can be chosen, except where there is nothing to choose from."""
    found = [_facet(each, counted[each.key], wanted) for each in FILTERS if each.key in counted]
    return [
        facet for facet in found if [(each.value, each.is_active) for each in facet.choices] not in ([], [("", False)])
    ]


def _facet(each: Filter, counted: Sequence[tuple[str | None, int]], wanted: Wanted) -> Facet:
    chosen = {rules.key(value): value for value in values_of(each, wanted)}
    there = {rules.key(name or "") for name, _number in counted}
    rows = [*counted, *((value, 0) for key, value in chosen.items() if key not in there)]
    rows.sort(key=lambda row: rules.key(row[0] or "") not in chosen)  # what is chosen is never among what is left out
    choices = [
        Choice(name or "", words(each, name or ""), count(number), rules.key(name or "") in chosen)
        for name, number in rows[:MOST_CHOICES]
    ]
    return Facet(each.key, each.label, choices, len(rows) > MOST_CHOICES)


_anchored = functools.lru_cache(4_096)(quote)


def option(name: str, choice: Choice) -> Markup:
    """One choice of a facet as a box to tick. A page has hundreds, and a template takes ten times as long."""
    value, shown, anchor = escape(choice.value), escape(choice.words), _anchored(choice.value)
    checked, quiet = " checked" if choice.is_active else "", "" if choice.value else " quiet"
    return Markup(  # noqa: S704 - escaped above; the rest is ours
        '<label class="filter"><input class="form-check-input js-filter" type="checkbox" form="record-filter"'
        f' name="{name}" value="{value}" id="{name}-{anchor}"{checked}>'
        f' <span class="filter-words{quiet}">{shown}</span> <span class="filter-count">{choice.number}'
        '<span class="visually-hidden"> records</span></span></label>'
    )


def words(each: Filter, value: str) -> str:
    return value or f"Without {'an' if each.label[0] in 'AEIOU' else 'a'} {each.label.lower()}"


def chips(base: str, asked: Asked) -> list[tuple[str, str]]:
    """Each condition in force in words, with the address that is without it."""
    found = []
    for each in FILTERS:
        values = tuple(values_of(each, asked.wanted))
        for value in values:
            rest: Any = tuple(other for other in values if other != value) if each.is_many else None
            written = each.write(value)
            phrase = each.phrase.format(written) if written else words(each, "")
            shown = phrase if len(phrase) <= LONGEST_CHIP else f"{phrase[:LONGEST_CHIP]}…"
            found.append((shown, address(base, asked.query(**{each.field: rest}))))
    return found
