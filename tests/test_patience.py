"""Who waits for an answer is not kept waiting by a question too large; who has asked for much gets it."""

import json
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal import patience, sqlite
from portal.extensions import db
from tests import make
from tests.people import People, make_people

RECORDS = 20_000
NOTHING = "where=" + "yield+%3E%3D+0+and+" * 12 + "yield+%3E+1000"


@pytest.fixture
def people(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> Iterator[People]:
    """On a portal without patience, with more records than can be read before it is over."""
    monkeypatch.setattr(sqlite, "_STEPS", 20_000)
    app = make_app()
    people = make_people(app)
    entry_id = make.entry(people.owner)
    lines = (_line(number) for number in range(RECORDS))
    answer = people.owner.api.post(
        f"/api/models/id/{entry_id}/records", data="\n".join(lines), content_type="application/x-ndjson"
    )
    assert answer.json["inserted"] == RECORDS
    _ = people.owner.client
    with app.app_context():
        if db.engine.dialect.name == "postgresql":  # which ends statements itself, before we give the server up
            from portal import postgresql

            monkeypatch.setitem(postgresql._SETTINGS, "statement_timeout", "100ms")
        else:
            monkeypatch.setattr(patience, "LIMIT", 0.05)
        db.engine.dispose()
    return people


def _line(number: int) -> str:
    time = f"2026-01-01T00:00:00.{number:06}Z"
    return json.dumps({"timestamp": time, "site_name": "A", "model_data": {"yield": number % 100}})


def test_a_search_that_reads_too_much_is_told_to_ask_for_less(people: People) -> None:
    browser: FlaskClient = people.owner.client
    page = browser.get(f"/records?{NOTHING}")
    assert page.status_code == 503
    assert "Ask for less at once" in page.text
    for path in ("/api/models/records", "/api/models/records/facets"):
        answer = people.owner.api.get(f"{path}?{NOTHING}" + ("" if "facets" in path else "&limit=10"))
        assert (answer.status_code, answer.json["title"]) == (503, "This takes too long"), path
        assert int(answer.headers["Retry-After"]) > 0
    assert browser.get("/healthz").status_code == 200


def test_a_stream_takes_the_time_it_takes(people: People) -> None:
    answer = people.owner.api.get(f"/api/models/records?{NOTHING}")
    assert (answer.status_code, answer.data) == (200, b"")


def test_what_is_deleted_may_be_much(people: People) -> None:
    (entry,) = people.owner.api.get("/api/models/all").json
    assert people.owner.api.delete(f"/api/v2/model/{entry['id']}").status_code == 200
