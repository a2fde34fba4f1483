"""The list of all that a caller may read has no pages: it must not grow heavy with what it lists."""

from itertools import pairwise
from typing import Any

from flask import Flask
from sqlalchemy import event, insert

from portal.database import new_id, now
from portal.domain.dependencies import Dependency
from portal.domain.entries import Entry
from portal.domain.kinds import Kind
from portal.extensions import db
from tests import make
from tests.people import People, in_transaction


def add(people: People, kind: Kind, number: int) -> None:
    """Public entries, each built on the one before."""
    rows = [
        {"id": new_id(), "kind": kind.word, "name": name, "name_key": name, "owner_id": people.owner.id}
        for name in (f"entry {count}" for count in range(number))
    ]
    same = {"access": "public", "created_at": now(), "updated_at": now()}
    built = [{"entry_id": row["id"], "depends_on_id": before["id"]} for before, row in pairwise(rows)]
    with in_transaction(people.owner.app):
        db.session.execute(insert(Entry), [row | same for row in rows])
        db.session.execute(insert(Dependency), built)


def test_binds_as_many_values_and_asks_as_often_whatever_it_lists(app: Flask, people: People, kind: Kind) -> None:
    """PostgreSQL takes 65,535 values in a statement."""
    bound: list[int] = []

    def count(_connection: Any, _cursor: Any, _said: str, values: Any, *_rest: Any) -> None:
        bound.append(len(values))

    def asked() -> tuple[int, list[int]]:
        bound.clear()
        rows = people.stranger.api.get(f"/api/v2/{kind.word}/list").json
        return len(rows), list(bound)

    add(people, kind, 2)
    asked()
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", count)
    few, before = asked()
    with in_transaction(app):
        db.session.query(Dependency).delete()
        db.session.query(Entry).delete()
    add(people, kind, 200)
    many, after = asked()
    assert (few, many) == (2, 200)
    assert before == after


def test_shows_newest_version_dependencies_and_uploads_of_each(people: People, kind: Kind) -> None:
    ready = make.entry(people.owner, "ready", kind=kind, access="public", type="cnn", attributes={"crop": "oat"})
    for data in (b"one", b"two!"):
        make.version(people.owner, ready, data)
    hidden = make.entry(people.owner, "hidden", kind=kind)
    begun = make.begin(people.owner, b"x", word=kind.word, **{f"{kind.word}_name": "begun"}, dependencies=[ready])
    rows = {row[f"{kind.word}_name"]: row for row in people.owner.api.get(f"/api/v2/{kind.word}/list").json}
    assert list(rows) == ["ready", "hidden", "begun"]
    newest = {"version": 2, "size": 4, "sha256": make.sha256(b"two!"), "train_status": "complete"}
    assert rows["ready"] | newest == rows["ready"]
    assert (rows["ready"]["type"], rows["ready"]["attributes"]) == ("cnn", {"crop": "oat"})
    assert [row["train_status"] for row in rows.values()] == ["complete", "not_started", "in_progress"]
    assert [row[f"{kind.word}_id"] for row in rows["begun"]["dependencies"]] == [ready]
    for entry_id in (ready, hidden, begun[f"{kind.word}_id"]):
        alone = people.owner.api.get(f"/api/v2/{kind.word}/{entry_id}").json
        assert alone == rows[alone[f"{kind.word}_name"]]
    assert [row[f"{kind.word}_id"] for row in people.stranger.api.get(f"/api/v2/{kind.word}/list").json] == [ready]
