"""Migrations: one head, up from empty, down and up again, and the tables they make are the tables of the code."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from portal import folder
from portal.extensions import db
from portal.schema import attach
from tests import make
from tests.people import make_people

HISTORY = ScriptDirectory(str(folder("migrations")))


@pytest.fixture
def migrated(make_app: Callable[[], Flask]) -> Iterator[Flask]:
    app = make_app()
    attach(app, folder("migrations"))
    with app.app_context():
        yield app


def differences() -> list[object]:
    """What `portal db check` would complain of."""
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, db.metadata)


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names())


def test_there_is_one_head() -> None:
    assert len(HISTORY.get_heads()) == 1


def test_every_migration_can_be_undone() -> None:
    for script in HISTORY.walk_revisions():
        assert "op." in Path(script.path).read_text().partition("def downgrade")[2], script.revision


def test_the_tables_are_those_of_the_code(migrated: Flask) -> None:
    assert differences() == []


def test_a_difference_would_be_seen(migrated: Flask) -> None:
    with db.engine.begin() as connection:
        connection.exec_driver_sql('ALTER TABLE "user" ADD COLUMN forgotten INTEGER')

    assert [each[0] for each in differences()] == ["remove_column"]  # type: ignore[index]


def test_down_to_nothing_and_up_again(migrated: Flask) -> None:
    made = tables()
    assert set(db.metadata.tables) <= made
    downgrade(revision="base")
    assert tables() == {"alembic_version"}
    upgrade()
    assert tables() == made
    assert differences() == []


def test_one_step_down_and_up_with_content(app: Flask) -> None:
    people = make_people(app)
    entry_id = make.entry(people.owner)
    make.version(people.owner, entry_id)
    attach(app, folder("migrations"))
    with app.app_context():
        db.session.remove()
        downgrade()
        upgrade()
        assert differences() == []
