"""Route × person × state of the entry, enumerated from the URL map and compared with `expectations.py`."""

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal.database import new_id
from portal.domain.kinds import MODEL, Kind
from portal.domain.teams import Membership, Team
from portal.extensions import db
from tests import make
from tests.people import People, Person, in_transaction
from tests.security.calls import Things, by_cookie, by_token, outcome, request_of
from tests.security.contents import contents
from tests.security.expectations import COLUMNS, IN_THE_TEAM, OTHERWISE, Line, levels, lines

LINES = lines()
ABOUT_ENTRIES = [line for line in LINES if line.about == "entry"]
ABOUT_OTHERS = [line for line in LINES if line.about != "entry"]
# Done by somebody who is thrown away after it.
ENDS_SESSIONS = {
    "POST /login",
    "POST /logout",
    "POST /signup",
    "POST /account/password",
    "POST /account/sessions/end",
    "POST /api/v2/user/password",
}
Ask = Callable[[Person, dict], TestResponse]


@pytest.fixture
def crowd(app: Flask, people: People) -> People:
    """The stranger leads another team, and nobody may profit from that."""
    with in_transaction(app):
        other = Team(name="Oat lab", name_key="oat lab")
        db.session.add(other)
        db.session.flush()
        assert people.stranger.id
        db.session.add(Membership(team_id=other.id, user_id=people.stranger.id, is_admin=True))
    return people


def routes_of(app: Flask) -> set[str]:
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_the_table_is_well_formed() -> None:
    assert len({str(line) for line in LINES}) == len(LINES)
    for line in LINES:
        assert len(line.cells) == len(COLUMNS), line
        assert line.about in ("none", "entry", "upload", "token", "team", "app", "person"), line
        assert all(cell == "login" or re.fullmatch("[2345][0-9][0-9]", cell) for cell in line.cells), line


def test_every_route_has_an_expectation_and_every_expectation_a_route(app: Flask) -> None:
    expected, real = {str(line) for line in LINES}, routes_of(app)

    assert real - expected == set(), "routes without a line in expectations.py"
    assert expected - real == set(), "lines in expectations.py without a route"


def test_a_route_without_an_expectation_would_be_seen(app: Flask) -> None:
    app.add_url_rule("/planted", view_func=lambda: "")

    assert routes_of(app) - {str(line) for line in LINES} == {"GET /planted"}


def test_what_is_about_entries(crowd: People, kind: Kind) -> None:
    wrong = []
    for state, columns in levels().items():
        things = Things(crowd.owner.app, crowd, kind, state)
        things.make_entry()
        make.version(crowd.owner, things.entry_id)
        for name, column in columns.items():
            person = getattr(crowd, name)
            wrong += list(surprises(ABOUT_ENTRIES, things, person, column, usual_door))
            if state == "public-read" and name != "anonymous":
                wrong += list(surprises(ABOUT_ENTRIES, things, person, column, other_door))
    assert not wrong, "\n".join(["", *wrong])


def test_what_is_about_a_kind(crowd: People, kind: Kind) -> None:
    make.entry(crowd.owner, "for all to see", access="public", kind=kind)
    asked = [line for line in ABOUT_OTHERS if ":kind>" in line.route]

    assert_as_expected(asked, crowd, kind)


@pytest.mark.disk
def test_what_is_about_no_kind(crowd: People) -> None:
    asked = [line for line in ABOUT_OTHERS if ":kind>" not in line.route]

    assert_as_expected(asked, crowd, MODEL)


def assert_as_expected(asked: list[Line], crowd: People, kind: Kind) -> None:
    things = Things(crowd.owner.app, crowd, kind, "protected-write")
    things.make_entry()
    wrong = []
    for last in (False, True):
        part = [line for line in asked if ends_sessions(line) is last]
        for name in OTHERWISE:
            if last and name == "team_admin":
                continue  # these hash passwords, and the column has been asked for
            person = getattr(crowd, name)
            for about, columns in ((False, OTHERWISE), (True, IN_THE_TEAM)):
                lines = [line for line in part if (line.about == "team") is about]
                wrong += list(surprises(lines, things, person, columns[name], usual_door))
                if name == "owner":
                    wrong += list(surprises(lines, things, person, columns[name], other_door))
    assert not wrong, "\n".join(["", *wrong])


def ends_sessions(line: Line) -> bool:
    return str(line) in ENDS_SESSIONS


def usual_door(line: Line) -> Ask:
    return by_cookie if line.is_page else by_token


def other_door(line: Line) -> Ask:
    return by_token if line.is_page else by_cookie


def surprises(
    asked: list[Line], things: Things, person: Person, column: str, door: Callable[[Line], Ask]
) -> Iterator[str]:
    """Asks for every line as `person`; yields a sentence for each answer that is not the expected one."""
    for line in asked:
        caller = Person(person.app, person.name, person.id) if ends_sessions(line) else person
        answer = door(line)(caller, request_of(line, things.for_line(line), caller))
        expected = line.expected(column)
        if outcome(answer) != expected:
            yield f"{things.state} {line} as {person.name} ({column}): {outcome(answer)}, expected {expected}"


def test_what_is_hidden_looks_like_what_does_not_exist(crowd: People, kind: Kind) -> None:
    """A23: status, headers and body are those of an id that nothing has."""
    things = Things(crowd.owner.app, crowd, kind, "private")
    things.make_entry()
    absent = new_id()
    for line in ABOUT_ENTRIES:
        for person in (crowd.anonymous, crowd.stranger):
            request = request_of(line, things, person)
            here = usual_door(line)(person, request)
            gone = usual_door(line)(person, aimed_at(absent, things, request_of(line, things, person)))
            seen = seen_in(here, *things.ids)
            assert seen == seen_in(gone, absent), f"{line} as {person.name}"


def aimed_at(entry_id: str, things: Things, request: dict) -> dict:
    """The same request for another id, wherever it stands."""
    swapped = {"path": request["path"]}
    for each in things.ids:
        swapped["path"] = swapped["path"].replace(each, entry_id)
    for part in ("query_string", "json"):
        if part in request:
            values = request[part].items()
            swapped[part] = {key: entry_id if value == things.entry_id else value for key, value in values}
    return {**request, **swapped}


def seen_in(answer: TestResponse, *ids: str) -> tuple[object, ...]:
    """What the caller can tell apart, without what differs from request to request."""
    headers = sorted((name, value) for name, value in answer.headers if name not in ("X-Request-Id", "Set-Cookie"))
    request_id, text = answer.headers["X-Request-Id"], answer.text
    token = re.search(r'name="csrf-token" content="([^"]+)"', text)
    said = str(headers)
    for mark in (request_id, *ids, token[1] if token else request_id):
        text, said = text.replace(mark, "…"), said.replace(mark, "…")
    return answer.status_code, said, text


def test_reading_changes_nothing(crowd: People, kind: Kind) -> None:
    things = Things(crowd.owner.app, crowd, kind, "public-write")
    things.make_entry()
    make.version(crowd.owner, things.entry_id)
    things.make_upload()
    things.make_token()
    things.make_app()
    askers = (crowd.owner, crowd.stranger, crowd.anonymous)
    for person in askers:
        by_cookie(person, {"path": "/", "method": "GET"})
        by_token(person, {"path": "/", "method": "GET"})
    before = contents(crowd.owner.app)
    for line in LINES:
        for person in askers:
            if not line.is_unsafe:
                for method in ("GET", "HEAD", "OPTIONS"):
                    usual_door(line)(person, {**request_of(line, things, person), "method": method})
    assert contents(crowd.owner.app) == before


def test_head_answers_as_get_does(crowd: People, kind: Kind) -> None:
    things = Things(crowd.owner.app, crowd, kind, "protected-read")
    things.make_entry()
    make.version(crowd.owner, things.entry_id)
    things.make_upload()
    for line in LINES:
        for person in (crowd.teammate, crowd.stranger):
            if not line.is_unsafe:
                request = request_of(line, things, person)
                got = usual_door(line)(person, request)
                head = usual_door(line)(person, {**request, "method": "HEAD"})
                assert (head.status_code, head.data) == (got.status_code, b""), f"{line} as {person.name}"
