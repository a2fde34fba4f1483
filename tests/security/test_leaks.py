"""Names of what is hidden appear nowhere for who may not see it, and nothing else gives away that it is there."""

import difflib
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal.api import declared
from portal.domain.kinds import Kind
from tests import make
from tests.people import People, Person
from tests.security.calls import Things, by_cookie, by_token, request_of
from tests.security.expectations import Line, lines
from tests.security.planted import MARK, UNMARKED, absent, ids_of, marked, plant
from tests.security.test_matrix import ends_sessions

WHOEVER_HAS_THE_ADDRESS = ("/files/records/<token>", "/api/v2/presigned/<id:upload_id>", "/static/<path:filename>")
LINES = [line for line in lines() if line.route not in WHOEVER_HAS_THE_ADDRESS]
READING = [line for line in LINES if not line.is_unsafe]

# What the pages search by. The parameters of the JSON are asked of its own declarations.
PAGES = {
    "/<kind:kind>": ("q", "type", "owner", "experiment"),
    "/<circumstance:word>": ("q",),
    "/teams": ("q",),
    "/teams/people": ("person",),
    "/records": ("model_names", "script_names", "experiment_names", "season_names", "site_names", "dataset_names"),
    "/records/<kind:kind>.<extension>": ("experiment_names", "season_names", "dataset_names"),
    "/<kind:kind>/<id:entry_id>/records": ("experiment_names", "season_names", "site_names", "dataset_names"),
}
VALUES = {"owner": f"{MARK}-person", "model_names": marked("entry"), "script_names": marked("entry"), "q": MARK}
BY_WORD = {
    "name": marked("entry"),
    "url": f"https://example.org/{MARK}",
    "extension": MARK,
    "info": f'{{"{marked("key")}": "{marked("value")}"}}',
    "type": marked("type"),
    "person": MARK,
}


PASSING = ("Date", "X-Request-Id", "Set-Cookie")
SAY_NOTHING = {
    "GET /records/<id:record_id>/preview",
    "GET /api/<kind:kind>/records/id/<id:record_id>/download",
    "GET /api/v2/organizations/<org>/apps/<app>/models/<model>/environment_groups",
}


def door(line: Line) -> Any:
    return by_cookie if line.is_page else by_token


def askers(people: People) -> list[Person]:
    """A visitor, somebody in another team, and somebody who was in the hidden one."""
    return [people.anonymous, people.stranger, people.reader]


def seen(answer: TestResponse, *ids: str) -> tuple[int, str, str]:
    """Status, headers and text, without what differs from request to request and from id to id."""
    headers = str(sorted((name, value) for name, value in answer.headers if name not in PASSING))
    text = "" if answer.mimetype.startswith("image/") else answer.text
    token = re.search(r'name="csrf-token" content="([^"]+)"', text)
    for mark in (answer.headers["X-Request-Id"], *ids, *(token.groups() if token else ())):
        headers, text = headers.replace(mark, "…"), text.replace(mark, "…")
    signed = r"(/files/records/)[^\"'?&\s]+"
    return answer.status_code, re.sub(signed, r"\1…", headers), re.sub(signed, r"\1…", text)


@pytest.fixture
def public(app: Flask, people: People, kind: Kind) -> Things:
    """A public entry of the owner, of whom everybody knows."""
    things = Things(app, people, kind, "public-read")
    things.make_entry()
    make.version(people.owner, things.entry_id)
    return things


def everything(public: Things, people: People) -> dict[str, tuple[int, str, str]]:
    """What each asker reads at every address, signed in both ways beforehand."""
    for person in askers(people):
        assert (person.client, person.headers) is not None
    found = {}
    for line in READING:
        for person in askers(people):
            found[f"{line} as {person.name}"] = seen(door(line)(person, request_of(line, public, person)))
    return found


def difference(where: str, before: tuple[int, str, str], after: tuple[int, str, str]) -> str:
    lines = difflib.unified_diff(
        *("\n".join(map(str, each)).splitlines() for each in (before, after)), n=0, lineterm=""
    )
    return "\n".join([where, *list(lines)[3:]])


def test_what_is_hidden_changes_nothing_that_others_read(people: People, kind: Kind, public: Things) -> None:
    """Lists, counts, facets, neighbours, headers: as before there was anything to hide."""
    before = everything(public, people)
    plant(people, kind, public)
    after = everything(public, people)
    wrong = [difference(where, before[where], after[where]) for where in before if before[where] != after[where]]
    assert not wrong, "\n".join(["", *wrong])
    assert [where for where, said in after.items() if MARK in str(said).lower()] == []


def test_what_is_hidden_answers_as_what_does_not_exist(people: People, kind: Kind, public: Things) -> None:
    """Every address and method, asked about hidden things: the answer is that about nothing, and names nothing."""
    planted = plant(people, kind, public)
    nothing = absent(planted)
    wrong = []
    for line in LINES:
        if line.about == "none" or line.method == "PUT":
            continue
        for person in askers(people):
            here, gone = (door(line)(person, _aimed(line, things, person)) for things in (planted, nothing))
            said, expected = seen(here, *ids_of(planted)), seen(gone, *ids_of(nothing))
            if said != tuple(_marked(part) for part in expected):
                wrong.append(difference(f"{line} as {person.name}", expected, said))
            elif MARK in f"{said}".replace(MARK, "", _asked(line, planted, person)):
                wrong.append(f"{line} as {person.name}: {said}")
    assert not wrong, "\n".join(["", *wrong])


def test_a_search_for_what_is_hidden_finds_what_a_search_for_nothing_finds(
    app: Flask, people: People, kind: Kind, public: Things
) -> None:
    plant(people, kind, public)
    wrong = []
    for line in READING:
        for name, value in _searches(app, line, kind):
            for person in askers(people)[:2]:
                request = request_of(line, public, person)
                answers = [
                    door(line)(person, {**request, "query_string": urlencode({name: text})})
                    for text in (value, value.replace(MARK, UNMARKED))
                ]
                here, gone = map(seen, answers)
                if here != tuple(_marked(part) for part in gone):
                    wrong.append(difference(f"{line}?{name}={value} as {person.name}", gone, here))
    assert not wrong, "\n".join(["", *wrong])


def test_the_owner_would_have_seen_all_of_it(people: People, kind: Kind, public: Things) -> None:
    """What is planted is where it would be read."""
    planted = plant(people, kind, public)
    hidden = planted.people.owner
    silent = []
    for line in READING:
        if line.about in ("entry", "team", "app", "upload"):
            answer = door(line)(hidden, request_of(line, planted, hidden))
            if MARK not in f"{answer.headers}{seen(answer)[2]}".lower():
                silent.append(str(line))
    assert set(silent) == SAY_NOTHING


def _aimed(line: Line, things: Things, person: Person) -> dict[str, Any]:
    if str(line) == "POST /<kind:kind>/<id:entry_id>/access":  # the form shows what it would do
        return {"method": "POST", "path": things.path(line), "data": {"access": "private"}, "buffered": True}
    return request_of(line, things, Person(person.app, person.name, person.id) if ends_sessions(line) else person)


def _asked(line: Line, things: Things, person: Person) -> int:
    """How often the request itself says it, and the answer may repeat it."""
    return str(_aimed(line, things, person)).count(MARK)


def _marked(part: Any) -> Any:
    return part.replace(UNMARKED, MARK) if isinstance(part, str) else part


def _searches(app: Flask, line: Line, kind: Kind) -> Iterator[tuple[str, str]]:
    if line.is_page:
        names = set(PAGES.get(line.route, ()))
    else:
        rule = next(rule for rule in app.url_map.iter_rules() if f"{line.method} {rule.rule}" == str(line))
        given = declared.of(app.view_functions[rule.endpoint]).parameters(kind if ":kind>" in line.route else None)
        names = {str(name) for name in (*given.single, *given.repeated)}
    for name in sorted(names):
        word = name.removeprefix(f"{kind.word}_").removesuffix("_names").removesuffix("_name")
        if name in VALUES or word in BY_WORD:
            yield name, VALUES.get(name) or BY_WORD[word]
        elif name.endswith(("_name", "_names", "experiment")):
            yield name, marked(word)
