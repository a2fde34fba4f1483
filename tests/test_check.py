"""`portal check` finds every file that is not what was stored, and no other."""

import os
import random
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from click.testing import CliRunner
from flask.cli import ScriptInfo
from sqlalchemy import select, text

from portal.cli import cli
from portal.database import new_id
from portal.domain import entries, records
from portal.domain.circumstances import Names
from portal.domain.entries import Entry
from portal.domain.kinds import MODEL
from portal.domain.records import NewRecord
from portal.domain.versions import Version
from portal.extensions import db
from portal.storage import keys
from portal.uploads import sweep
from portal.uploads.record_file import add_with_file
from tests import make
from tests.people import in_transaction
from tests.recorded import record
from tests.stored import path_of

pytestmark = pytest.mark.disk

FILES = 24


@pytest.fixture
def check(app):
    """The command on the test's own portal."""
    return lambda: CliRunner().invoke(cli, ["check"], obj=ScriptInfo(create_app=lambda: app))


@pytest.fixture
def paths(app, people):
    """Where the versions 1 … FILES of an entry lie, by number; the entry's id under 0."""
    entry_id = make.entry(people.owner, "yield-net")
    found = {0: entry_id}
    for number in range(1, FILES + 1):
        make.version(people.owner, entry_id, bytes([number]) * 100 * number)
    with app.app_context():
        for number in range(1, FILES + 1):
            key = keys.version_key(make.stored_version(entry_id, number).id)
            found[number] = path_of(app.extensions["storage"], key)
    return found


def flip(path):
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def download(people, paths, number):
    return people.owner.client.get(f"/models/{paths[0]}/versions/{number}/download", buffered=True)


def test_nothing_is_said_of_files_that_are_whole(check, paths):
    ended = check()
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert "0 files missing or damaged, 0 orphaned." in ended.stderr


def test_every_damaged_or_missing_file_is_named_and_given_out_no_more(check, paths, people):
    for number in (3, 8, 21):
        flip(paths[number])
    kept = paths[5].read_bytes()
    paths[5].unlink()
    paths[13].chmod(0o600)
    os.truncate(paths[13], 7)

    assert download(people, paths, 8).status_code == 200, "nobody has looked yet"
    ended = check()
    assert ended.exit_code == 1
    lines = ended.stdout.splitlines()
    assert len(lines) == 5
    for number, word in {3: "damaged", 5: "missing", 8: "damaged", 13: "damaged", 21: "damaged"}.items():
        (line,) = (line for line in lines if paths[number].name in line)
        assert line.startswith(word)
        assert f"version {number} of the model “yield-net”" in line
        answer = download(people, paths, number)
        assert answer.status_code == 500
    assert download(people, paths, 4).status_code == 200

    for number in (3, 8, 21):
        flip(paths[number])
    paths[5].write_bytes(kept)
    paths[13].write_bytes(bytes([13]) * 1300)
    assert check().exit_code == 0
    for number in (3, 5, 8, 13, 21):
        assert download(people, paths, number).data == bytes([number]) * 100 * number


def test_orphans_are_named_but_are_no_damage(check, paths, app, monkeypatch):
    monkeypatch.setattr(sweep.time, "time", lambda now=sweep.time.time: now() + 7200)
    orphan = new_id()
    paths[1].parent.joinpath(orphan[:-4] + paths[1].name[-4:]).write_bytes(b"whose?")
    app.extensions["storage"].begin(orphan, 10, 10)
    ended = check()
    assert ended.exit_code == 0
    file, area = sorted(ended.stdout.splitlines(), key=len, reverse=True)
    assert file.startswith("orphaned versions/")
    assert area.startswith(f"orphaned staging/{orphan}")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_row_that_points_nowhere_is_damage(check, paths, app):
    with closing(sqlite3.connect(app.extensions["portal"].data_dir / "portal.db")) as connection, connection:
        connection.execute("DELETE FROM user WHERE username = 'owner'")
    ended = check()
    assert ended.exit_code == 1
    assert "points at a user that is not there" in ended.stdout


def test_the_file_of_a_record_is_checked_like_that_of_a_version(check, app, people):
    entry_id = make.entry(people.owner, "yield-net")
    with app.app_context():
        entry = entries.get(people.owner.actor, MODEL, entry_id)
        new = NewRecord(names=Names(site="Waseca"), file_name="plot.csv")
        record_id = add_with_file(people.owner.actor, entry, "plot.csv", [b"variety,yield\n"], lambda: new).id
        path = path_of(app.extensions["storage"], keys.record_key(UUID(record_id)))
    assert check().exit_code == 0
    address = people.owner.api.get(f"/api/models/records/id/{record_id}/download").headers["Location"]
    flip(path)
    ended = check()
    assert ended.exit_code == 1
    assert ended.stdout.startswith(f"damaged records/{record_id[-2:]}/")
    assert f"record {record_id} of the model “yield-net”, plot.csv: sha256" in ended.stdout
    assert people.anonymous.api.get(address).status_code == 500
    flip(path)
    assert check().exit_code == 0
    assert people.anonymous.api.get(address).data == b"variety,yield\n"
    path.unlink()
    assert check().stdout.startswith("missing records/")


def test_wrong_counts_of_records_are_named(check, app, people):
    entry_id = make.entry(people.owner)
    with in_transaction(app):
        entry = entries.get(people.owner.actor, MODEL, entry_id)
        for hour in range(20, 28):
            moment = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(hours=hour)
            records.add(people.owner.actor, entry, NewRecord({}, names=Names(site="Waseca"), timestamp=moment))
    ended = check()
    assert (ended.exit_code, ended.stdout) == (0, "")
    for table in ("circumstances", "dataset_tally", "day_tally", "tally"):
        with in_transaction(app):
            db.session.execute(text(f"UPDATE {table} SET number = number + 1"))
    ended = check()
    assert ended.exit_code == 1
    lines = [" ".join(line.split()[:6]) for line in ended.stdout.splitlines()]
    assert sorted(lines) == sorted(
        [
            "roll-up circumstances counts 9 records, there",
            *["roll-up dataset_tally counts 5 records, there"] * 2,
            *["roll-up day_tally counts 5 records, there"] * 2,
            *["roll-up tally counts 5 records, there"] * 2,
        ]
    )
    with in_transaction(app):
        for table in ("tally", "dataset_tally", "day_tally"):
            db.session.execute(text(f"DELETE FROM {table}"))
    assert "there are 4 (" in check().stdout, "also of rows that are gone"


def test_every_flipped_byte_of_a_thousand_files_is_found_and_no_other(check, app, people):
    entry_id = make.entry(people.owner, "yield-net")
    make.version(people.owner, entry_id)
    with in_transaction(app):
        first = make.stored_version(entry_id)
        root = path_of(app.extensions["storage"], keys.version_key(UUID(first.id))).parents[3]
        versions = [
            Version(id=new_id(), entry_id=entry_id, number=number, file_name=f"{number}.bin", size=500 + number)
            for number in range(2, 1001)
        ]
        where = {}
        for version in versions:
            data = random.Random(version.number).randbytes(version.size)
            version.sha256 = make.sha256(data)
            where[version.number] = root / keys.version_key(UUID(version.id))
            where[version.number].parent.mkdir(parents=True, exist_ok=True)
            where[version.number].write_bytes(data)
        db.session.add_all(versions)
        entry = db.session.get_one(Entry, entry_id)
        entry.version, entry.size = 1000, 1500
    flipped = random.sample(sorted(where), 50)
    for number in flipped:
        flip(where[number])
    for _ in range(2):
        ended = check()
        assert ended.exit_code == 1
        found = [re.match(r"damaged versions/\S+ version (\d+) of", line) for line in ended.stdout.splitlines()]
        assert sorted(int(each[1]) for each in found) == sorted(flipped)


def test_what_rows_say_of_each_other_is_compared(check, app, people, paths):
    other = make.entry(people.owner, "other")
    make.version(people.owner, other)
    record(people.owner, other)
    waiting = make.begin(people.owner, b"weights", chunk_size=7, model_id=other, model_name=None)
    assert check().exit_code == 0
    with app.app_context():
        app.extensions["storage"].discard(waiting["upload_id"])
    uuid = (lambda text: UUID(text).hex) if db_is_sqlite(app) else str
    with in_transaction(app):
        for statement in (
            "UPDATE version SET number = 40 WHERE number = 24",
            f"UPDATE entry SET size = 1, access = 'protected' WHERE id = '{uuid(other)}'",
            f"UPDATE record SET entry_id = '{uuid(paths[0])}'",
            f"DELETE FROM version WHERE entry_id = '{uuid(other)}'",
        ):
            db.session.execute(text(statement))
    ended = check()
    assert ended.exit_code == 1
    lines = [line for line in ended.stdout.splitlines() if not line.startswith(("roll-up", "orphaned"))]
    expected = [
        "untrue the model “yield-net” has 24 versions, and the last is 40",
        "untrue the model “yield-net” is said to be at version 24, and its last is 40",
        "untrue the model “other” is said to be at version 1, and its last is None",
        "untrue the model “other” is said to have 1 bytes, and its newest version has None",
        "untrue the model “yield-net” is said to have 2400 bytes, and its newest version has None",
        "untrue the model “other” is shared with a team that it does not name, or names one and is not shared",
        f"missing staging/{waiting['upload_id']} what has arrived of an upload",
    ]
    assert set(expected) <= set(lines)
    assert any(
        re.fullmatch("untrue record .* of the model “other” is listed under something else", line) for line in lines
    )
    assert any(re.fullmatch("untrue upload .* was acknowledged, and there is no version of it", line) for line in lines)
    assert len(lines) == len(expected) + 2


def db_is_sqlite(app):
    with app.app_context():
        return db.engine.dialect.name == "sqlite"


def test_a_portal_without_an_administrator_is_told_so_and_is_not_damaged(check, app, people):
    assert "administrator" not in check().stderr
    with in_transaction(app):
        db.session.execute(text('UPDATE "user" SET is_admin = false'))
    ended = check()
    assert ended.exit_code == 0
    assert "Nobody is an administrator" in ended.stderr


def test_where_more_is_missing_than_is_there_nothing_is_marked(app, check, paths):
    """Somebody named another folder: what the portal serves from the right one must not go."""
    for number in range(1, FILES):
        paths[number].rename(paths[number].with_suffix(".away"))
    found = check()
    assert (found.exit_code, found.stdout.count("missing versions/")) == (1, FILES - 1)
    for number in range(1, FILES):
        paths[number].with_suffix(".away").rename(paths[number])
    with app.app_context():
        assert not any(db.session.scalars(select(Version.is_damaged)))
    assert check().exit_code == 0
