"""What the README has administrators of a portal on PostgreSQL type makes the same portal again."""

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from flask import Flask

from portal import create_app
from portal.domain import entries
from portal.domain.kinds import MODEL
from portal.extensions import db
from portal.settings import Settings
from portal.uploads import sweep
from tests import make
from tests.api.sending import Sending
from tests.backup.conftest import files_in
from tests.command import portal, surroundings
from tests.databases import PostgresqlServer
from tests.people import in_transaction, make_people
from tests.recorded import record
from tests.security.contents import contents
from tests.test_readme import README

pytestmark = pytest.mark.disk


def blocks() -> list[str]:
    """The shell lines of the README's section that are for PostgreSQL: the way there and the way back."""
    section = README.read_text().split("\n**On PostgreSQL or S3**")[1].split("\n## ")[0]
    return [part.split("```")[0] for part in section.split("```sh\n")[1:]]


def blocks_for(places: dict[str, str]) -> list[str]:
    found = []
    for block in blocks():
        for known, ours in places.items():
            block = block.replace(known, ours)
        found.append(block)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_there_and_back_while_the_portal_serves(
    make_app: Callable[..., Flask], postgresql_server: PostgresqlServer, tmp_path: Path
) -> None:
    if not shutil.which("rsync"):
        pytest.skip("rsync is not installed")
    app = make_app()
    people = make_people(app)
    doomed = [make.entry(people.owner, f"doomed {number}") for number in range(2)]
    kept = make.entry(people.owner, "kept", experiment="Barley 2026")
    for entry_id in (*doomed, kept):
        make.version(people.owner, entry_id, entry_id.encode() * 100)
    record(people.owner, kept)
    Sending(people.owner, b"weights" * 100, 100).put_all(3)
    stored = files_in(tmp_path / "files")
    assert len(stored) == 3

    def delete(entry_id: str) -> None:
        with in_transaction(app):
            entries.remove(people.owner.actor, entries.get(people.owner.actor, MODEL, entry_id))
        with app.app_context():
            sweep.reap(timedelta(0))

    with postgresql_server.fresh(tmp_path) as url:
        with psycopg.connect(plain(url)) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        places = {
            "postgresql://portal@db.example.org/portal": f"'{plain(app.extensions['portal'].database_url)}'",
            "postgresql://portal@db.example.org/restored": f"'{plain(url)}'",
            "/srv/portal/files": str(tmp_path / "files"),
            "/srv/restored": str(tmp_path / "restored"),
            "/mnt/backup": str(tmp_path / "backup"),
        }
        (tmp_path / "backup").mkdir()
        (tmp_path / "restored").mkdir()
        there, back = blocks_for(places)
        first, dump, last = there.partition("pg_dump ")
        dump, last = dump + last.partition("\n")[0], last.partition("\n")[2]
        environ = {"PATH": f"{postgresql_server.server.bin_path}:{os.environ['PATH']}"}
        steps = [first, first.removesuffix("copy_files\n") + dump, first.removesuffix("copy_files\n") + last, back]
        for step, entry_id in zip(steps, [*doomed, None, None], strict=True):
            subprocess.run(["bash", "-euo", "pipefail", "-c", step], env=environ, check=True)
            if entry_id:
                before = contents(app)
                delete(entry_id)

        assert files_in(tmp_path / "restored" / "files") == stored
        home = surroundings(
            tmp_path / "home",
            PORTAL_DATABASE_URL=url,
            PORTAL_STORAGE_URL=(tmp_path / "restored" / "files").as_uri(),
        )
        assert portal(home, "db", "upgrade").returncode == 0
        checked = portal(home, "check")
        assert (checked.returncode, checked.stdout) == (0, ""), "an orphan is named once it is an hour old"
        assert "1 upload expired" in portal(home, "uploads", "reap").stdout
        again = create_app(Settings.from_environ(home))
        after = contents(again)
        with again.app_context():
            db.engine.dispose()
    changed = {name for name, rows in after.items() if rows != before[name]}
    assert changed <= {"login_session", "upload", "entry", "revision", "audit_entry"}
    assert after["login_session"] == []
    assert [row for row in after["entry"] if "doomed 0" in row] == []
    assert [row for row in after["entry"] if "doomed 1" in row] != []


def plain(url: str) -> str:
    return url.replace("+psycopg", "")
