"""The mark under which counts are kept: it changes with a commit that changes lists, and with nothing else."""

from flask import Flask
from sqlalchemy import select

from portal.domain import revision
from portal.domain.entries import Entry
from portal.domain.users import User
from portal.extensions import db
from tests.people import People, in_transaction


def mark(app: Flask) -> str:
    with app.app_context():
        return revision.current()


def add(people: People, name: str) -> None:
    db.session.add(Entry(kind="model", name=name, name_key=name, owner_id=people.owner.id))


def test_a_savepoint_leaves_the_mark_to_the_commit(app: Flask, people: People) -> None:
    """Else the row would stay locked from the savepoint on, and everybody who changes entries would wait."""
    before = mark(app)
    with in_transaction(app):
        with db.session.begin_nested():
            add(people, "one")
        assert revision.current() == before
    assert mark(app) != before


def test_a_savepoint_taken_back_does_not_take_back_what_was_before(app: Flask, people: People) -> None:
    before = mark(app)
    with in_transaction(app):
        add(people, "one")
        db.session.flush()
        db.session.begin_nested().rollback()
    assert mark(app) != before


def test_what_is_rolled_back_changes_no_mark(app: Flask, people: People) -> None:
    before = mark(app)
    with in_transaction(app):
        add(people, "one")
        db.session.flush()
        db.session.rollback()
    assert mark(app) == before


def test_what_is_only_read_changes_no_mark(app: Flask, people: People) -> None:
    before = mark(app)
    with in_transaction(app):
        db.session.scalars(select(User)).all()
    assert mark(app) == before
