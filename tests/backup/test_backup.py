"""`portal backup` copies a portal while it serves, and `portal restore` makes the same portal of the copy."""

import json
import os
import signal
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner
from flask import Flask
from flask_migrate import downgrade

from portal import create_app, folder
from portal.backup import making
from portal.cli import cli
from portal.domain import entries
from portal.domain.kinds import MODEL
from portal.extensions import db
from portal.schema import attach
from portal.settings import Settings
from portal.storage.keys import version_key
from portal.uploads import sweep
from portal.uploads.session import Upload
from tests import make
from tests.api.sending import Sending
from tests.api.test_record_files import record_with
from tests.backup.conftest import Command, files_in
from tests.command import environ_of, start, surroundings
from tests.people import People, in_transaction
from tests.security.contents import contents
from tests.storage.mounts import run as run_as_root

pytestmark = pytest.mark.disk

ENDED = {"login_session", "upload"}  # what a restored portal does not go on with


@contextmanager
def restored_app(home: Path) -> Iterator[Flask]:
    app = create_app(Settings.from_environ(surroundings(home)))
    yield app
    with app.app_context():
        db.engine.dispose()


def test_the_portal_comes_back_as_it_was(
    app: Flask, people: People, held: dict[str, bytes], backup: Command, restore: Command, home: Path, folder: Path
) -> None:
    record_with(people.stranger, MODEL, b"variety,yield\n", "plot.csv")
    held = files_in(app.extensions["portal"].data_dir / "files")
    assert len(held) == 6

    ended = backup()
    assert (ended.exit_code, ended.stdout.splitlines()[0][:22]) == (0, "6 files (10.0 kB; 6 ne")
    ended = restore()
    assert ended.exit_code == 0, ended.output
    assert "6 files, 10.0 kB." in ended.stdout

    assert files_in(home / "files") == held
    before = contents(app)
    with restored_app(home) as again:
        after = contents(again)
    assert after.pop("login_session") == []
    assert {name: rows for name, rows in before.items() if name not in ENDED} == {
        name: rows for name, rows in after.items() if name not in ENDED
    }
    ended = restore(command="check")
    assert (ended.exit_code, ended.stdout) == (0, "")


def test_only_its_own_user_reads_it(
    held: dict[str, bytes], backup: Command, restore: Command, folder: Path, home: Path
) -> None:
    before = os.umask(0o022)
    try:
        assert (backup().exit_code, restore().exit_code) == (0, 0)
    finally:
        os.umask(before)
    for root in (folder, home):
        open_to_others = [path for path in (root, *root.rglob("*")) if stat.S_IMODE(path.stat().st_mode) & 0o077]
        assert open_to_others == []


def test_the_key_goes_along_if_the_portal_keeps_it(
    app: Flask, backup: Command, restore: Command, folder: Path, home: Path
) -> None:
    assert "The secret key is not" in backup().stdout
    key = app.extensions["portal"].secret_key
    (app.extensions["portal"].data_dir / "secret_key").write_text(key + "\n")
    assert "secret key" not in backup().stdout
    assert "PORTAL_SECRET_KEY" not in restore().stdout
    assert Settings.from_environ(surroundings(home)).secret_key == key


def test_again_only_what_is_new_is_copied_and_what_is_gone_goes(
    app: Flask, people: People, held: dict[str, bytes], backup: Command, folder: Path
) -> None:
    assert backup().exit_code == 0
    copied = {path: path.stat().st_ino for path in (folder / "files").rglob("*") if path.is_file()}
    gone = make.entry(people.owner, "short-lived")
    make.version(people.owner, gone, b"soon gone")
    assert "6 files (10.0 kB; 1 new)" in backup().stdout
    assert {path: path.stat().st_ino for path in copied} == copied

    with in_transaction(app):
        entries.remove(people.owner.actor, entries.get(people.owner.actor, MODEL, gone))
    assert "5 files (10.0 kB; 0 new)" in backup().stdout
    assert files_in(folder / "files") == held
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {path.name for path in folder.glob("portal*")} == {manifest["database"]}


def test_an_unfinished_upload_ends_with_what_it_had_made(
    people: People, held: dict[str, bytes], backup: Command, restore: Command, home: Path
) -> None:
    open_upload = Sending(people.owner, b"weights" * 100, 100).put_all(3)
    checked = Sending(people.owner, b"weights" * 100, 100).put_all()
    with in_transaction(people.owner.app):
        db.session.get_one(Upload, checked.id).status = "checking"
    assert "Not part of it: 2 unfinished uploads." in backup().stdout
    assert restore().exit_code == 0
    with restored_app(home) as app, app.app_context():
        states = {upload.id: upload.state for upload in db.session.query(Upload) if upload.status != "done"}
        assert states == {open_upload.id: "expired", checked.id: "expired"}
        assert sweep.reap(timedelta(0)).expired == 2
        assert [entry.name for entry in db.session.query(entries.Entry)] == ["yield-net"]
    assert (restore(command="check").exit_code, files_in(home / "files")) == (0, held)


def test_a_file_that_is_deleted_meanwhile_is_no_damage(
    app: Flask, people: People, held: dict[str, bytes], folder: Path, restore: Command, home: Path
) -> None:
    """Deleted with its row and swept away while the backup, which knows the row, copies another file."""
    doomed = [make.entry(people.owner, f"doomed {number}") for number in range(20)]
    for entry_id in doomed:
        make.version(people.owner, entry_id, os.urandom(100))
    labels = []

    @contextmanager
    def bar(label: str, _size: int) -> Iterator[Callable[[int], None]]:
        labels.append(label)

        def more(_number: int) -> None:
            if label == "new files" and doomed:
                with in_transaction(app):
                    for entry_id in doomed:
                        entries.remove(people.owner.actor, entries.get(people.owner.actor, MODEL, entry_id))
                doomed.clear()
                with app.app_context():
                    sweep.reap(timedelta(0))
                make.version(people.owner, make.entry(people.owner, "just arrived"), b"new")

        yield more

    made = making.make(app.extensions["portal"], folder, bar)
    assert labels == ["the database", "new files"] * 2
    assert (made.lacking, made.manifest.files) == ([], 6)
    assert restore().exit_code == 0
    assert (restore(command="check").stdout, len(files_in(home / "files"))) == ("", 6)


def test_what_is_damaged_in_the_portal_is_named_and_a_good_copy_is_kept(
    app: Flask, people: People, held: dict[str, bytes], backup: Command, restore: Command, folder: Path, home: Path
) -> None:
    assert backup().exit_code == 0
    entry_id = make.entry(people.owner, "second")
    for number in range(2):
        make.version(people.owner, entry_id, b"some more weights" * (number + 1))
    with app.app_context():
        keys = [version_key(UUID(make.stored_version(entry_id, number).id)) for number in (1, 2)]
    root = app.extensions["portal"].data_dir / "files"
    flip(root / keys[0])
    (root / keys[1]).unlink()
    flip(root / max(held, key=lambda key: len(held[key])))

    ended = backup()
    assert ended.exit_code == 1
    assert sorted(line.split()[:3] for line in ended.stdout.splitlines()[:2]) == [
        ["not", "whole", key] for key in sorted(keys)
    ]
    assert files_in(folder / "files") == held

    ended = restore()
    assert ended.exit_code == 1
    assert "2 files of the backup missing or damaged. --incomplete goes on without." in ended.stderr
    assert not (home / "portal.db").exists()
    assert restore("--incomplete").exit_code == 1
    checked = restore(command="check")
    assert {tuple(line.split()[:2]) for line in checked.stdout.splitlines()} == {("missing", key) for key in keys}


def flip(path: Path) -> None:
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_rotten_backup_makes_no_portal(
    held: dict[str, bytes], backup: Command, restore: Command, folder: Path, home: Path
) -> None:
    assert backup().exit_code == 0
    (key, *_) = [key for key, data in held.items() if data]
    flip(folder / "files" / key)
    ended = restore()
    assert ended.exit_code == 1
    assert f"not whole {key}" in ended.stdout
    assert not (home / "portal.db").exists()
    refused = restore("list", command="user")
    assert refused.exit_code == 1
    assert "`portal restore` has not come to its end" in refused.stderr

    (database,) = folder.glob("portal-*.db")
    flip(database)
    ended = restore()
    assert ended.exit_code == 1
    assert "The database in the backup is not whole" in ended.stderr

    flip(database)
    flip(folder / "files" / key)
    assert restore().exit_code == 0
    assert files_in(home / "files") == held


def test_a_damaged_database_does_not_take_the_place_of_a_good_copy(
    app: Flask, people: People, held: dict[str, bytes], backup: Command, restore: Command, folder: Path
) -> None:
    assert backup().exit_code == 0
    before = (folder / "manifest.json").read_bytes()
    with app.app_context():
        db.engine.dispose()
    database = app.extensions["portal"].data_dir / "portal.db"
    data = bytearray(database.read_bytes())
    for page in range(40, 80):
        data[4096 * page : 4096 * page + 64] = bytes(64)
    database.write_bytes(data)
    ended = backup()
    assert ended.exit_code == 1
    assert "malformed" in ended.stderr or "The database is damaged" in ended.stderr
    assert (folder / "manifest.json").read_bytes() == before
    assert restore().exit_code == 0


def test_the_backup_of_another_portal_is_left_alone(
    app: Flask, people: People, held: dict[str, bytes], backup: Command, folder: Path, tmp_path: Path
) -> None:
    assert backup().exit_code == 0
    other = CliRunner(env=surroundings(tmp_path / "other"))
    assert (
        other.invoke(cli, ["user", "create", "eve", "eve@example.org", "--password", "nine stapled horses"]).exit_code
        == 0
    )
    ended = other.invoke(cli, ["backup", str(folder)])
    assert ended.exit_code == 2
    assert "holds the backup of another portal" in ended.stderr
    assert files_in(folder / "files") == held


def test_a_backup_of_an_older_version_is_upgraded_at_the_next_start(
    app: Flask, people: People, held: dict[str, bytes], backup: Command, restore: Command
) -> None:
    attach(app, folder_of_migrations)
    with app.app_context():
        downgrade(revision="0001")
    assert "5 files" in backup().stdout
    assert restore().exit_code == 0
    assert restore("list", command="user").stdout.count("@example.org") == 6
    assert (restore(command="check").exit_code, restore(command="check").stdout) == (0, "")


folder_of_migrations = folder("migrations")


def test_a_backup_of_a_newer_version_is_refused(backup: Command, restore: Command, folder: Path, home: Path) -> None:
    assert backup().exit_code == 0
    manifest = folder / "manifest.json"
    original = manifest.read_text()
    for newer in ({"revision": "9999"}, {"format": 2}):
        manifest.write_text(json.dumps(json.loads(original) | newer))
        ended = restore()
        assert ended.exit_code == 2
        assert "A newer version of Model Portal" in ended.stderr
        assert not home.exists() or not any(home.iterdir())


def test_where_a_backup_does_not_go(app: Flask, backup: Command, tmp_path: Path) -> None:
    data_dir = app.extensions["portal"].data_dir
    foreign = tmp_path / "photos"
    foreign.mkdir()
    (foreign / "cat.jpg").touch()
    (tmp_path / "link").symlink_to(data_dir / "files")
    for path, sentence in {
        data_dir: "is inside the folder that is to be backed up",
        data_dir / "backup": "is inside the folder that is to be backed up",
        tmp_path / "link" / "backup": "is inside the folder that is to be backed up",
        foreign: "holds something that is no backup of Model Portal",
        tmp_path / "not" / "mounted": "is not there",
        foreign / "cat.jpg": "is a file",
    }.items():
        ended = backup(path)
        assert ended.exit_code == 2, path
        assert sentence in ended.stderr
    assert [path.name for path in foreign.iterdir()] == ["cat.jpg"]
    assert not (data_dir / "backup").exists()


def test_where_nothing_is_restored(
    app: Flask, backup: Command, restore: Command, folder: Path, home: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        ended = restore()
        assert ended.exit_code == 2
        assert "is no backup of Model Portal" in ended.stderr
        folder.mkdir(exist_ok=True)
    (folder / "model-portal-backup.txt").touch()
    ended = restore()
    assert ended.exit_code == 2
    assert "was never finished" in ended.stderr

    assert backup().exit_code == 0
    assert restore("list", command="user").exit_code == 0
    ended = restore()
    assert ended.exit_code == 2
    assert f"{home} is not empty" in ended.stderr
    files = tmp_path / "disk" / "versions"
    files.mkdir(parents=True)
    (files / "x").touch()
    environ = surroundings(tmp_path / "second", PORTAL_STORAGE_URL=files.parent.as_uri())
    ended = CliRunner(env=environ).invoke(cli, ["restore", str(folder)])
    assert ended.exit_code == 2
    assert "holds files already" in ended.stderr


def test_files_on_a_disk_of_their_own_come_along(
    held: dict[str, bytes], backup: Command, folder: Path, tmp_path: Path
) -> None:
    assert backup().exit_code == 0
    disk = tmp_path / "disk"
    (disk / "lost+found").mkdir(parents=True)
    runner = CliRunner(env=surroundings(tmp_path / "second", PORTAL_STORAGE_URL=disk.as_uri()))
    assert runner.invoke(cli, ["restore", str(folder)]).exit_code == 0
    assert files_in(disk) == held
    ended = runner.invoke(cli, ["backup", str(folder)])
    assert ended.exit_code == 0
    assert "5 files (10.0 kB; 0 new)" in ended.stdout


@pytest.mark.parametrize("command", ["backup", "restore"])
@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"PORTAL_DATABASE_URL": "postgresql+psycopg://u:p@127.0.0.1:1/x"}, "pg_dump"),
        ({"PORTAL_DATABASE_URL": "sqlite:////srv/elsewhere.db"}, "not the embedded one"),
        ({"PORTAL_STORAGE_URL": "s3://bucket/portal"}, "bucket"),
    ],
)
def test_what_is_elsewhere_is_copied_with_its_own_tool(
    command: str, variables: dict[str, str], word: str, tmp_path: Path
) -> None:
    ended = CliRunner(env=surroundings(tmp_path / "portal", **variables)).invoke(
        cli, [command, str(tmp_path / "backup")]
    )
    assert ended.exit_code == 2
    assert word in ended.stderr
    assert not (tmp_path / "backup").exists()


def test_one_command_at_a_time_is_at_a_backup(backup: Command, restore: Command, app: Flask, folder: Path) -> None:
    assert backup().exit_code == 0
    ended = []

    @contextmanager
    def bar(_label: str, _size: int) -> Iterator[Callable[[int], None]]:
        ended.extend([backup(), restore()])
        yield lambda _number: None

    making.make(app.extensions["portal"], folder, bar)
    assert {each.exit_code for each in ended} == {1}
    assert all("Another command is at work" in each.stderr for each in ended)
    assert restore().exit_code == 0


@pytest.mark.parametrize("command", ["backup", "check"])
def test_ctrl_c_is_no_result_and_no_harm(
    app: Flask, held: dict[str, bytes], backup: Command, folder: Path, command: str
) -> None:
    """A pipe in the place of a file keeps the command waiting for somebody who writes."""
    root = app.extensions["portal"].data_dir / "files"
    key = max(held)
    (root / key).unlink()
    os.mkfifo(root / key)
    process = start(environ_of(app), *([command, str(folder)] if command == "backup" else [command]))
    assert process.stderr is not None
    while not process.stderr.readline().startswith(("Copying new files", "Reading")):
        assert process.poll() is None
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "")
    assert errors.splitlines()[-1].startswith("Interrupted; ")
    (root / key).unlink()
    (root / key).write_bytes(held[key])
    assert backup().exit_code == 0
    assert files_in(folder / "files") == held


def test_too_little_space_is_said_before_anything_is_copied(
    app: Flask, people: People, backup: Command, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if not run_as_root("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk):
        pytest.skip("mounting a small file system takes root, and a container that lets it")
    try:
        make.version(people.owner, make.entry(people.owner), os.urandom(9_000_000))
        ended = backup(disk)
        assert ended.exit_code == 1
        assert "free; 9.0 MB are needed." in ended.stderr
        assert not list(disk.rglob("versions"))
    finally:
        run_as_root("umount", "-l", disk)


def test_the_copy_is_of_one_moment_whoever_writes_between_two_steps(
    app: Flask, people: People, backup: Command, folder: Path
) -> None:
    """Without the open read the copy of the database would begin anew at every write, and never end."""
    database = app.extensions["portal"].data_dir / "portal.db"
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("CREATE TABLE ballast (number INTEGER, text TEXT)")
        writer.executemany("INSERT INTO ballast VALUES (?, ?)", ((number, "x" * 4000) for number in range(3000)))
        writer.commit()
        steps = 0

        @contextmanager
        def bar(label: str, _size: int) -> Iterator[Callable[[int], None]]:
            def more(_number: int) -> None:
                nonlocal steps
                if label == "the database":
                    steps += 1
                    assert steps < 50
                    writer.execute("UPDATE ballast SET number = number + 1")
                    writer.commit()

            yield more

        made = making.make(app.extensions["portal"], folder, bar)
    assert steps >= 3
    with closing(sqlite3.connect(folder / made.manifest.database)) as copy:
        assert copy.execute("SELECT count(*), max(number) FROM ballast").fetchone() == (3000, 2999)
