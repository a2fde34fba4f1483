"""Migrations keep what there is: from every released revision to the last, back again, and up once more.

The suite has a few hundred records. `PORTAL_TEST_RUNS=100000 pytest tests/migrations` has a hundred thousand.
"""

import hashlib
import os
from collections.abc import Callable, Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Connection, inspect, select, text

from portal import folder
from portal.extensions import db
from portal.schema import attach
from tests.migrations.filling import fill, tables_of

RECORDS = int(os.environ.get("PORTAL_TEST_RUNS", "300"))
REVISIONS = [each.revision for each in ScriptDirectory(str(folder("migrations"))).walk_revisions()][::-1]

Hashes = dict[str, tuple[int, str]]
"""Number and hash of the rows of each table."""


@pytest.fixture
def migrated(make_app: Callable[[], Flask]) -> Iterator[Flask]:
    """At the last revision, without content."""
    app = make_app()
    attach(app, folder("migrations"))
    with app.app_context():
        yield app


def columns() -> dict[str, set[str]]:
    with db.engine.connect() as connection:
        return {table.name: set(table.columns.keys()) for table in tables_of(connection)}


def hashes(known: dict[str, set[str]]) -> Hashes:
    """Of the tables and columns that are `known`; the order of the rows does not count."""
    found = {}
    with db.engine.connect() as connection:
        for table in tables_of(connection):
            if table.name in known:
                named = [table.c[name] for name in sorted(known[table.name])]
                total = number = 0
                for row in connection.execute(select(*named)):
                    total += int.from_bytes(hashlib.sha256(repr(tuple(row)).encode()).digest())
                    number += 1
                found[table.name] = number, f"{total:x}"
    return found


def schema() -> set[str]:
    """Columns, keys, constraints and indexes, conditions included, in the database's own words."""
    with db.engine.connect() as connection:
        found = {str(row) for row in connection.execute(text(DEFINITIONS[connection.dialect.name]))}
        return found | set(_constraints(connection))


DEFINITIONS = {
    "sqlite": "SELECT tbl_name, name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL",
    "postgresql": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


def _constraints(connection: Connection) -> Iterator[str]:
    look = inspect(connection)
    for name in look.get_table_names():
        yield f"{name} {look.get_pk_constraint(name)}"
        for column in look.get_columns(name):
            yield f"{name} {sorted((key, str(value)) for key, value in column.items())}"
        for key in look.get_foreign_keys(name):
            yield f"{name} {sorted((each, str(value)) for each, value in key.items())}"
        for key in look.get_unique_constraints(name):
            yield f"{name} {key['name']} {key['column_names']}"


def require_sound() -> None:
    """Nothing points nowhere, and the tables are those of the code."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        else:
            query = "SELECT count(*) FROM pg_constraint WHERE NOT convalidated"
            assert connection.execute(text(query)).scalar() == 0
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


def fill_all() -> Hashes:
    with db.engine.connect().execution_options(writes=True) as connection, connection.begin():
        fill(connection, RECORDS)
    filled = hashes(columns())
    assert all(number for number, _hash in filled.values()), filled
    return filled


@pytest.mark.parametrize("revision", REVISIONS)
def test_up_down_and_up_again_from(migrated: Flask, revision: str) -> None:
    last = schema()
    downgrade(revision="base")
    upgrade(revision=revision)
    released, known = schema(), columns()
    before = fill_all()
    for _ in range(2):
        upgrade()
        assert hashes(known) == before
        assert schema() == last
        require_sound()
        downgrade(revision=revision)
        assert hashes(known) == before
        assert schema() == released


@pytest.mark.parametrize("revision", REVISIONS)
def test_down_from_the_last_keeps_what_has_a_place_at(migrated: Flask, revision: str) -> None:
    last = columns()
    downgrade(revision="base")
    upgrade(revision=revision)
    known = {name: names & last.get(name, set()) for name, names in columns().items()}
    upgrade()
    fill_all()
    before = hashes(known)
    downgrade(revision=revision)
    assert hashes(known) == before
    upgrade()
    require_sound()
    assert hashes(known) == before


def test_a_difference_in_a_row_would_be_seen(migrated: Flask) -> None:
    before = fill_all()
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE record SET info = '{}' WHERE file_size = 8"))
    changed = {name for name, found in hashes(columns()).items() if found != before[name]}
    assert changed == {"record"}
