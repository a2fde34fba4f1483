"""Migrations: one head, up from empty, down and up again, and the tables they make are the tables of the code."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text

from portal import folder
from portal.domain.entries import Entry
from portal.domain.versions import Version
from portal.extensions import db
from portal.schema import attach
from tests import make
from tests.apps import Model, app_of, model_in
from tests.people import make_people
from tests.recorded import record
from tests.security.contents import contents

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


def test_what_there_is_survives_the_way_from_the_release_before(app: Flask) -> None:
    people = make_people(app)
    entry_id = make.entry(people.owner, experiment="Barley 2026")
    make.version(people.owner, entry_id)
    make.begin(people.owner, b"unfinished", model_id=entry_id, model_name=None)
    record(people.owner, entry_id)
    attach(app, folder("migrations"))
    before = contents(app)
    with app.app_context():
        downgrade(revision="0002")
        upgrade()
        if db.engine.dialect.name == "sqlite":
            assert db.session.execute(text("PRAGMA foreign_key_check")).all() == []
    after = contents(app)
    assert after.pop("audit_entry") == []
    assert after.items() <= before.items()
    assert all(after[name] for name in ("entry", "version", "record", "upload", "membership"))


def test_down_from_apps_every_owner_keeps_names_apart(app: Flask) -> None:
    people = make_people(app)
    app_of(people)
    ids = [make.entry(people.owner, "yield-net"), model_in(people.owner), model_in(people.owner, name="other")]
    make.version(people.owner, ids[1])
    Model(people.owner).post("/deploy", json={})
    attach(app, folder("migrations"))
    with app.app_context():
        db.session.remove()
        downgrade(revision="0003")
        upgrade()
        names = [db.session.get_one(Entry, entry_id).name for entry_id in ids]
        assert (names[0], names[2]) == ("yield-net", "other")
        assert names[1].startswith("yield-net (Field ")
        assert db.session.query(Version).count() == 1
