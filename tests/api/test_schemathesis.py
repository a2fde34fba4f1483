"""Random requests made from the document itself: no fault of the portal, and no answer that it does not describe.

The suite sends two thousand. More: `PORTAL_TEST_RUNS=20000 pytest tests/api/test_schemathesis.py`.
"""

import base64
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from portal.domain.kinds import BY_SLUG, BY_WORD, MODEL, Kind
from tests import databases, make
from tests.api.existing import Existing
from tests.people import PASSWORD, Person, make_people

RUNS = int(os.environ.get("PORTAL_TEST_RUNS", "2000"))
A_ROUND = 6  # requests of one operation, valid or not, made from one seed
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
CONFIG = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})


@schemathesis.serializer("application/x-ndjson")
def lines(_context: Any, value: Any) -> dict[str, Any]:
    return {"data": value if isinstance(value, bytes) else str(value).encode()}


@pytest.fixture
def database_url(sqlite_files: databases.SqliteFiles, tmp_path: Path) -> Iterator[str]:
    with sqlite_files.fresh(tmp_path) as url:
        yield url


@pytest.mark.disk
def test_random_requests_are_answered_as_the_document_says(make_app: Callable[..., Flask]) -> None:
    app = make_app(login_throttle="1000000 per minute")
    people = make_people(app)
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", read_whole(app), config=CONFIG)
    operations = [found.ok() for found in schema.get_all_operations()]
    sent: Counter[str] = Counter()
    done: Counter[str] = Counter()
    wrong: dict[str, str] = {}
    for number in count():
        for operation in operations:
            for mode in GenerationMode:
                try:
                    send(operation, mode, number, Existing(people, kind_in(operation.path)), sent, done)
                except Unsatisfiable:
                    assert mode is GenerationMode.NEGATIVE, f"no request of {operation.label} can be made"
                except Exception as error:  # every operation is asked, whatever came of another
                    wrong[operation.label] = said(error)
        if sent.total() >= RUNS or wrong:
            break
    app.extensions["watch"].unheard.clear()  # made up on purpose
    assert not wrong, "\n\n".join(["", *wrong.values()])
    assert set(done) == {operation.label for operation in operations}, "each was to be done at least once"


def send(
    operation: Any, mode: GenerationMode, number: int, there: Existing, sent: Counter[str], done: Counter[str]
) -> None:
    """A round of requests, each by somebody, most of them about what exists."""
    people = there.people
    callers = [people.owner] * 3 + [people.admin] * 2 + [people.reader, people.anonymous]

    @seed(number)
    @settings(
        max_examples=A_ROUND,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
        deadline=None,
        database=None,
    )
    @given(operation.as_strategy(generation_mode=mode), st.sampled_from(callers), st.integers(0, 3))
    def one(case: Any, person: Person, luck: int) -> None:
        sent[operation.label] += 1
        if luck:
            there.aim(case)
        answer = case.call_and_validate(headers=credential(operation, person), checks=CHECKS)
        done[operation.label] += answer.status_code < 400
        if case.method != "GET" and answer.status_code < 400:
            there.forget()

    one()


def credential(operation: Any, person: Person) -> dict[str, str]:
    """What `person` presents; for one upload, the token of one that they have just begun."""
    schemes = {scheme for one in operation.definition.raw.get("security", []) for scheme in one}
    if person.id is not None and "uploadToken" in schemes:
        begun = make.begin(person, b"bytes", word=kind_in(operation.path).word)
        return {"Authorization": f"Bearer {begun['token']}"}
    if person.id is not None and "basic" in schemes:
        pair = base64.b64encode(f"{person.name}@example.org:{PASSWORD}".encode())
        return {"Authorization": f"Basic {pair.decode()}"}
    return person.headers


def kind_in(path: str) -> Kind:
    known = {**BY_SLUG, **BY_WORD}
    return next((known[word] for word in path.split("/") if word in known), MODEL)


def read_whole(app: Flask) -> Callable[..., list[bytes]]:
    """The application as somebody sees it who reads every answer to its end, which schemathesis does not."""

    def answer(environ: Any, start_response: Any) -> list[bytes]:
        with closing(app(environ, start_response)) as body:  # type: ignore[type-var]
            return [b"".join(body)]

    return answer


def said(error: BaseException) -> str:
    """What went wrong, of all the checks that one request failed."""
    parts = getattr(error, "exceptions", ())
    return "\n".join(map(said, parts)) if parts else f"{type(error).__name__}: {error}"
