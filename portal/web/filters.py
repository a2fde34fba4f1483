"""The list page's filters as it shows them: choices with counts, chips in words, addresses that change one thing."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import url_for
from werkzeug.datastructures import MultiDict

from portal.domain.kinds import KINDS, Kind
from portal.domain.listing import FILTERS, SORTS, Chosen, EntryPage
from portal.web.figures import Pages, count

_WORDS = {
    ("access", "private"): "Private",
    ("access", "protected"): "Team",
    ("access", "public"): "Public",
    ("file", "yes"): "With a file",
    ("file", "no"): "No file yet",
}
DEFAULT_SORT = "newest"


class Asked(NamedTuple):
    """What an address asks of a list; `number` is the page's, from 1."""

    chosen: Chosen
    sort: str
    number: int


class Choice(NamedTuple):
    value: str
    words: str
    number: str
    is_active: bool


class Facet(NamedTuple):
    """`has_more`: there are choices beyond those listed."""

    name: str
    words: str
    choices: list[Choice]
    has_more: bool = False


def asked(args: MultiDict[str, str]) -> Asked:
    return Asked(chosen_filters(args), chosen_sort(args), page_number(args))


def shown(kind: Kind, asked: Asked, found: EntryPage) -> dict[str, Any]:
    """What `entries/index.html` needs beside the rows."""
    base = url_for("entries.index", kind=kind)
    text = {"q": asked.chosen.get("q", ())}
    return {
        "base": base,
        "chosen": asked.chosen,
        "sort": asked.sort,
        "sorts": [(key, words) for key, (words, _order) in SORTS.items()],
        "facets": facets(found, asked.chosen),
        "chips": chips(base, asked.chosen, asked.sort),
        "total": found.total,
        "pages": Pages(found.number, found.pages, address(base, asked.chosen, asked.sort, page="")),
        "elsewhere": [
            (other, address(url_for("entries.index", kind=other), text, DEFAULT_SORT))
            for other in KINDS
            if other is not kind and text["q"]
        ],
    }


def chosen_filters(args: MultiDict[str, str]) -> Chosen:
    """The filters that the address asks for; what is empty or unknown asks nothing."""
    asked = {each.key: [value.strip()[:255] for value in args.getlist(each.key)[:20]] for each in FILTERS}
    return {key: [value for value in values if value] for key, values in asked.items() if any(values)}


def chosen_sort(args: MultiDict[str, str]) -> str:
    asked = args.get("sort", DEFAULT_SORT)
    return asked if asked in SORTS else DEFAULT_SORT


def page_number(args: MultiDict[str, str]) -> int:
    text = args.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def address(base: str, chosen: Chosen, sort: str, **more: str) -> str:
    query = [(key, value) for key, values in chosen.items() for value in values]
    query += [("sort", sort)] if sort != DEFAULT_SORT else []
    query += list(more.items())
    return f"{base}?{urlencode(query)}" if query else base


def facets(page: EntryPage, chosen: Chosen) -> list[Facet]:
    return [
        Facet(each.key, each.label, _choices(each.key, page.facets[each.key], chosen.get(each.key, ())))
        for each in FILTERS
        if each.key in page.facets
    ]


def chips(base: str, chosen: Chosen, sort: str) -> list[tuple[str, str]]:
    """Each filter in force in words, with the address that is without it."""
    found = []
    for each in FILTERS:
        for value in chosen.get(each.key, ()):
            others = [other for other in chosen[each.key] if other != value]
            rest = {**chosen, each.key: others}
            found.append((each.phrase.format(_WORDS.get((each.key, value), value)), address(base, rest, sort)))
    return found


def _choices(key: str, counted: list[tuple[str, int]], wanted: Sequence[str]) -> list[Choice]:
    numbers = {**dict(counted), **{value: 0 for value in wanted if value not in dict(counted)}}
    numbers.pop("", None)
    return [
        Choice(value, _WORDS.get((key, value), value), count(number), value in wanted)
        for value, number in numbers.items()
    ]
