"""The search in JSON: what is written is understood or refused with the place, and both databases find by the rule."""

import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from portal.domain.entries import Entry
from portal.errors import BadRequest
from portal.extensions import db
from portal.search.json_conditions import OPERATORS, Condition, holds, parse
from portal.search.json_sql import json_says
from tests import make
from tests.people import People
from tests.search.test_json_contains import KEYS


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", []),
        ("  ", []),
        ("yield > 40", [(("yield",), ">", 40)]),
        ("yield>=-4.5e1", [(("yield",), ">=", -45.0)]),
        ("variety = Manchuria", [(("variety",), "=", "Manchuria")]),
        ("variety != No. 457 B ", [(("variety",), "!=", "No. 457 B")]),
        ('note CONTAINS "frost and hail"', [(("note",), "contains", "frost and hail")]),
        ("a = 1 and b = true AND c = null", [(("a",), "=", 1), (("b",), "=", True), (("c",), "=", None)]),
        ("soil.ph < 7", [(("soil", "ph"), "<", 7)]),
        ('"soil.ph"."say \\"a\\\\"=""', [(("soil.ph", 'say "a\\'), "=", "")]),
        ("größe-2 = 5,5", [(("größe-2",), "=", "5,5")]),
        ("a = 1e999", [(("a",), "=", "1e999")]),
        ("a contains 4", [(("a",), "contains", "4")]),
        ("and = and", [(("and",), "=", "and")]),
    ],
)
def test_what_is_understood(source: str, expected: list[tuple[tuple[str, ...], str, Any]]) -> None:
    assert [(each.path, each.operator, each.value) for each in parse(source)] == expected


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("yield", "At the end"),
        ("yield 40", "At character 7, “40”"),
        ("yield >", "At the end"),
        ("= 40", "At character 1, “= 40”"),
        ("yield > 40 and", "At the end"),
        ('a = "b" c', "At character 9, “c”"),
        ('a = "b', "At character 5"),
        ("a. = 1", "At character 3"),
        ("a > true", "At character 5, “true”"),
        ("a" * 1001, "at most 1000 characters"),
        (" and ".join(["a=1"] * 21), "at most 20 conditions"),
    ],
)
def test_what_is_refused_says_where(source: str, place: str) -> None:
    with pytest.raises(BadRequest, match="where: ") as refused:
        parse(source)
    assert place in refused.value.detail


TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)


@given(st.lists(TEXTS, min_size=1, max_size=3), st.sampled_from(OPERATORS), TEXTS)
def test_a_condition_can_be_written_and_read_again(path: list[str], operator: str, value: str) -> None:
    condition = Condition(tuple(path), operator, value)
    assert parse(str(condition)) == (condition,)


@given(st.text(max_size=30))
def test_any_text_is_understood_or_refused(source: str) -> None:
    try:
        found = parse(source)
    except BadRequest:
        return
    assert parse(" and ".join(map(str, found))) == found


VALUES: list[Any] = [40, 40.5, -1, 0, 2**53 + 1, 1e300, "40", "40.0", "", "Frost", "frost", "a%b", "ü", [40], {}]
VALUES += [True, False, None]
OBJECTS: list[dict[str, Any]] = [
    *({"a": value} for value in VALUES),
    *({key: value} for key in KEYS for value in (40, "x", True)),
    *({"a": {key: 40}} for key in KEYS),
    {"a": ["x", {"a": 40}]},
    {"0": 40},
    {},
]
EQUAL = ("40", '"40"', "true", "null", "Frost", "4e1", '""')
ORDERED = ("40", "40.25", '"40"', "frost", "1e400")
WRITTEN = [f"a {operator} {value}" for operator in ("=", "!=") for value in EQUAL]
WRITTEN += [f"a {operator} {value}" for operator in ("<", "<=", ">", ">=") for value in ORDERED]
WRITTEN += ["a contains FROST", "a contains %", 'a contains ""', "a contains 4", "a.a = 40", "a.0 = x", "0 > 1"]


def test_both_databases_find_what_the_rule_says(app: Flask, people: People) -> None:
    stored = {make.entry(people.owner, f"entry {number}", info=info): info for number, info in enumerate(OBJECTS)}
    keys = [json.dumps(key, ensure_ascii=False).replace("\\n", "\n") for key in KEYS]
    written = [
        *WRITTEN,
        *(f"{prefix}{key} {rest}" for key in keys for prefix in ("", "a.") for rest in ("> 1", "= x", "!= 1")),
    ]
    with app.app_context():
        for source in written:
            (condition,) = parse(source)
            found = set(db.session.scalars(select(Entry.id).where(json_says(Entry.info, condition))))
            assert found == {entry_id for entry_id, info in stored.items() if holds(condition, info)}, source
