"""A portal with some of everything, backed up and restored as its administrator does."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import ScriptInfo

from portal import create_app
from portal.cli import cli
from portal.extensions import db
from tests import databases, make, stored
from tests.command import surroundings
from tests.people import People
from tests.recorded import record

Command = Callable[..., Result]


@pytest.fixture
def app(tmp_path: Path, sqlite_files: databases.SqliteFiles) -> Iterator[Flask]:
    """On the embedded database: no other is backed up by the command."""
    home = tmp_path / "portal"
    home.mkdir(0o700)
    with sqlite_files.fresh(home) as url:
        app = create_app(databases.settings(home, url, **stored.folder_settings(home)))
        yield app
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backup"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The data directory that a backup is restored into."""
    return tmp_path / "restored"


@pytest.fixture
def backup(app: Flask, folder: Path) -> Command:
    """`portal backup` on the test's own portal."""

    def run(path: Path = folder) -> Result:
        return CliRunner().invoke(cli, ["backup", str(path)], obj=ScriptInfo(create_app=lambda: app))

    return run


@pytest.fixture
def restore(folder: Path, home: Path) -> Command:
    """`portal restore`, or another command on what was restored."""

    def run(*options: str, command: str = "restore") -> Result:
        arguments = [command, *options, *([str(folder)] if command == "restore" else [])]
        return CliRunner(env=surroundings(home)).invoke(cli, arguments)

    return run


@pytest.fixture
def held(app: Flask, people: People) -> dict[str, bytes]:
    """The bytes of every published file of a portal that has some of everything, by key."""
    entry_id = make.entry(people.owner, "yield-net", experiment="Barley 2026")
    for number in range(5):
        make.version(people.owner, entry_id, bytes([number]) * 1000 * number)
    record(people.owner, entry_id)
    return files_in(app.extensions["portal"].data_dir / "files")


def files_in(root: Path) -> dict[str, bytes]:
    areas = [root / area for area in ("versions", "records")]
    found = [path for area in areas for path in sorted(area.rglob("*")) if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}
