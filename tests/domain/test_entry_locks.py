"""Who waits for an entry that somebody else is changing meets it as it is then, and with the rights they have then."""

import threading
import time
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from portal.domain.entries import Entry
from portal.extensions import db
from tests import make
from tests.people import People
from tests.racing import Call

PRIVATE = {"access": "private", "team_id": None}


def while_it_changes(app: Flask, entry_id: str, values: dict[str, Any], call: Call) -> Any:
    """What `call` answers, which comes while the values are written but not committed."""
    answers: list[Any] = []
    with app.app_context(), db.engine.connect().execution_options(writes=True) as connection:
        connection.execute(update(Entry.__table__).where(Entry.__table__.c.id == entry_id).values(**values))
        thread = threading.Thread(target=lambda: answers.append(call()))
        thread.start()
        time.sleep(0.5)
        connection.commit()
    thread.join()
    return answers[0]


@pytest.fixture
def entry_id(people: People) -> str:
    return make.entry(people.owner, access="protected", team_id=people.team_id, default_permission="write")


def test_a_team_admin_who_waited_deletes_nothing_that_became_private(app: Flask, people: People, entry_id: str) -> None:
    people.team_admin.headers  # noqa: B018 - logs in beforehand
    address = f"/api/models/id/{entry_id}"

    answer = while_it_changes(app, entry_id, PRIVATE, lambda: people.team_admin.api.delete(address))

    assert answer.status_code == 404
    assert people.owner.api.get(address).status_code == 200


def test_a_member_who_waited_renames_nothing_that_became_private(app: Flask, people: People, entry_id: str) -> None:
    people.teammate.headers  # noqa: B018
    address, named = f"/api/models/id/{entry_id}", {"model_name": "Mine now"}

    answer = while_it_changes(app, entry_id, PRIVATE, lambda: people.teammate.api.patch(address, json=named))

    assert answer.status_code == 404
    assert people.owner.api.get(address).json["model_name"] != "Mine now"


@pytest.mark.parametrize("path", ["", "/runs", "/records"])
def test_a_member_who_waited_finds_the_entry_under_its_new_owner(
    app: Flask, people: People, entry_id: str, path: str
) -> None:
    people.teammate.headers  # noqa: B018
    data = {"": {"model_name": "Ours"}, "/runs": {}, "/records": {"model_data": {}, "site_name": "A"}}[path]
    call = people.teammate.api.post if path else people.teammate.api.patch
    given = {"owner_id": people.team_admin.id}

    answer = while_it_changes(app, entry_id, given, lambda: call(f"/api/models/id/{entry_id}{path}", json=data))

    assert answer.status_code == 200, answer.json


def test_who_gave_it_away_meanwhile_does_not_delete_it(app: Flask, people: People) -> None:
    entry_id = make.entry(people.owner)
    people.owner.headers  # noqa: B018
    address = f"/api/models/id/{entry_id}"

    answer = while_it_changes(app, entry_id, {"owner_id": people.admin.id}, lambda: people.owner.api.delete(address))

    assert answer.status_code == 404
    assert people.admin.api.get(address).status_code == 200
