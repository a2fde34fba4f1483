"""Whoever is deleted is nobody: at every address, with every credential they had."""

import pytest
from flask.testing import FlaskClient

from portal.domain import tokens
from portal.domain.kinds import Kind
from tests import make
from tests.people import People, Person, in_transaction
from tests.security.calls import Things, by_cookie, outcome, request_of
from tests.security.contents import contents
from tests.security.expectations import Line, lines
from tests.security.test_matrix import ends_sessions

ASK_NOBODY = ("/healthz", "/readyz", "/uploads/client.py", "/static/", "/files/records/", "/api/v2/presigned/")
LINES = [line for line in lines() if not line.route.startswith(ASK_NOBODY)]


@pytest.fixture(params=["protected-write", "public-write"])
def things(request: pytest.FixtureRequest, people: People, kind: Kind) -> Things:
    things = Things(people.owner.app, people, kind, request.param)
    things.make_entry()
    make.version(people.owner, things.entry_id)
    things.make_upload()
    things.make_token()
    things.make_app()
    return things


def deleted(people: People) -> Person:
    """The teammate, whom an administrator deletes while they are signed in everywhere."""
    person = people.teammate
    assert person.csrf_token
    assert person.client.get("/account").status_code == person.api.get("/api/v2/user/info").status_code == 200
    assert people.admin.api.delete(f"/api/v2/user/{person.id}").status_code == 200
    return person


def test_in_their_browser_they_are_a_visitor(people: People, things: Things) -> None:
    person = deleted(people)
    column = "public" if things.state.startswith("public") else "hidden"
    wrong = []
    for line in LINES:
        if line.is_page and not ends_sessions(line):
            found = outcome(by_cookie(person, request_of(line, things, person)))
            if found != line.expected(column):
                wrong.append(f"{line}: {found}, expected {line.expected(column)}")
    assert not wrong, "\n".join(["", *wrong])


def test_their_tokens_open_nothing_and_change_nothing(people: People, things: Things) -> None:
    with in_transaction(people.owner.app):
        personal = tokens.issue(people.teammate.actor, people.teammate.id, "laptop", "write")[1]
    begun = make.begin(people.teammate, b"", word=things.kind.word)
    person = deleted(people)
    ways = [person.headers, *({"Authorization": f"Bearer {secret}"} for secret in (personal, begun["token"]))]
    program = person.app.test_client(use_cookies=False)
    before = contents(people.owner.app)
    for line in LINES:
        for headers in ways:
            assert status(program, line, things, person, headers) == 401, (line, headers)
    assert contents(people.owner.app) == before


def status(program: FlaskClient, line: Line, things: Things, person: Person, headers: dict[str, str]) -> int:
    return program.open(**request_of(line, things, person), headers=headers).status_code
