"""Both databases find by JSON what the rule in Python says, whatever stands in the keys."""

import itertools
import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.domain.entries import Entry
from portal.extensions import db
from portal.search.dialects import holds, json_contains
from tests import make
from tests.people import People

KEYS = (
    "",
    "null",
    "NULL",
    "a",
    "a,b",
    "a.b",
    "$",
    "{",
    "}",
    "{a,b}",
    '"',
    '"a"',
    "'",
    "\\",
    "\\'",
    "%",
    " ",
    "0",
    "-1",
)
KEYS += ("é", "\u2603", "😀", ":a", "%(a)s", "a\nb", "[0]", "a'--", "*")
OBJECTS: list[dict[str, Any]] = [
    *({key: 1} for key in KEYS),
    *({key: {"a": None}} for key in KEYS),
    *({"a": {key: [1, {"b": "c"}]}} for key in KEYS),
    {"a": [1, 2]},
    {"a": {"b": 1}},
    {"a": {}},
    {"a": []},
    {"a": "1"},
    {"a": 1.5},
    {"a": True},
    {"a": None},
    {},
]


@pytest.fixture
def stored(people: People) -> dict[str, dict[str, Any]]:
    return {make.entry(people.owner, f"entry {number}", info=info): info for number, info in enumerate(OBJECTS)}


def test_finds_what_the_rule_says(app: Flask, stored: dict[str, dict[str, Any]]) -> None:
    with app.app_context():
        for wanted in [*OBJECTS, {"a": 1.0}, {"a": {"a": None}, "": 1}, {"0": [1]}]:
            found = set(db.session.scalars(select(Entry.id).where(json_contains(Entry.info, wanted))))
            assert found == {entry_id for entry_id, info in stored.items() if holds(info, wanted)}, wanted


def test_finds_what_lies_deep(app: Flask, people: People) -> None:
    deep: dict[str, Any] = {"end": 1}
    for key in itertools.islice(itertools.cycle(KEYS), 60):
        deep = {key: deep}
    entry_id = make.entry(people.owner, info=deep)
    answer = people.owner.api.get("/api/models/", query_string={"model_info": json.dumps(deep)})
    assert [row["id"] for row in answer.json] == [entry_id]
