"""With the database away every answer is still a whole one: 503 within its time, whoever asks and however."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from portal import create_app
from portal.domain import record_links
from portal.domain.kinds import MODEL
from portal.domain.records import Record
from portal.extensions import db
from tests.databases import settings
from tests.people import People, Person
from tests.rules.html import faults
from tests.security.calls import Things, request_of
from tests.security.expectations import lines

NEED_NO_DATABASE = {"/healthz", "/static/<path:filename>", "/uploads/client.py"}


@pytest.fixture(params=["sqlite", "postgresql"])
def away(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """The portal on a database that is not there."""
    nowhere = {
        "sqlite": f"sqlite:///{tmp_path / 'gone' / 'portal.db'}",
        "postgresql": "postgresql+psycopg://portal@127.0.0.1:9/portal",
    }
    app = create_app(settings(tmp_path, nowhere[request.param]))
    yield app
    with app.app_context():
        db.engine.dispose()


def test_every_answer_is_a_whole_one(away: Flask) -> None:
    nobody = Person(away, "anonymous")
    things = Things(
        away, People(*[nobody] * 7, team_id=""), MODEL, "private", entry_id="0" * 8 + "-0000" * 3 + "-" + "0" * 12
    )
    things.upload_id = things.token_id = things.entry_id
    with away.app_context():
        things.file_token = record_links.token_for(Record(id=things.entry_id, file_sha256="0" * 64))
    browser = away.test_client()
    with browser.session_transaction() as session:
        session["_user_id"], session["_fresh"] = "ms_whoever", True
    for line in lines():
        if line.is_unsafe or line.route in NEED_NO_DATABASE:
            continue
        request = request_of(line, things, nobody)
        for headers in ({}, {"Authorization": "Bearer mp_whoever"}, {"Authorization": "Bearer ms_whoever"}):
            for client in (browser, away.test_client()):
                answer = client.open(**request, headers=headers)
                if answer.status_code == 503:
                    assert 0 < int(answer.headers["Retry-After"]) <= 10, line
                else:
                    assert answer.status_code in (200, 302, 401), (str(line), headers)
                if answer.mimetype == "text/html" and answer.status_code != 302:
                    assert faults(answer.text) == [], line
    assert browser.get("/account").status_code == 503
    assert browser.get("/api/models/all").status_code == 503
    assert browser.get("/readyz").status_code == 503
    assert browser.get("/healthz").status_code == 200
    assert browser.get("/nothing").status_code == 404
