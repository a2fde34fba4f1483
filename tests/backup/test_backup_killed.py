"""kill -9 of a backup and of a restore at any moment: until the end nothing has changed, and run again they end well.

The suite kills a few times. `PORTAL_TEST_KILLS=500 pytest tests/backup/test_backup_killed.py` kills 500 of each.
"""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask

from portal.backup import making, restoring
from portal.settings import Settings
from tests import make
from tests.backup.conftest import Command, files_in
from tests.command import surroundings
from tests.people import People
from tests.storage.processes import forked

pytestmark = pytest.mark.disk

KILLS = int(os.environ.get("PORTAL_TEST_KILLS", "8"))


@contextmanager
def silent(_label: str, _size: int) -> Iterator[Callable[[int], None]]:
    yield lambda _number: None


def killed(work: Callable[[], object], after: float) -> bool:
    """Whether a process of its own that does `work` was ended before its time, so many seconds from its beginning."""
    pid = forked(work)  # type: ignore[arg-type]
    time.sleep(after)
    os.kill(pid, signal.SIGKILL)
    _pid, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    os.waitpid(forked(work), 0)  # type: ignore[arg-type]
    return time.monotonic() - began


@pytest.fixture
def full(app: Flask, people: People) -> str:
    """The id of an entry with many versions, one of them large."""
    entry_id = make.entry(people.owner)
    make.version(people.owner, entry_id, random.randbytes(3_000_000))
    for number in range(20):
        make.version(people.owner, entry_id, bytes([number]) * 1000)
    return entry_id


def test_a_backup_is_the_one_before_until_it_is_the_new_one(
    app: Flask, people: People, full: str, backup: Command, restore: Command, folder: Path, home: Path
) -> None:
    settings, kills = app.extensions["portal"], 0

    def work() -> None:
        making.make(settings, folder, silent)

    lasts = seconds(work)
    before = None
    while kills < KILLS:
        if random.random() < 0.3:
            shutil.rmtree(folder)
            before = None
        for _ in range(5):
            make.version(people.owner, full, random.randbytes(1000))
        kills += killed(work, random.uniform(0, lasts))
        after = files_in(settings.data_dir / "files")
        ended = restore()
        if before is None and ended.exit_code == 2:
            assert "no backup of Model Portal" in ended.stderr or "never finished" in ended.stderr
        else:
            assert ended.exit_code == 0, ended.output
            assert files_in(home / "files") in (before, after)
            shutil.rmtree(home)
        assert backup().exit_code == 0
        before = after
        assert files_in(folder / "files") == after
        assert len(list(folder.glob("portal*"))) == 1
    assert (restore().exit_code, restore(command="check").stdout) == (0, "")


def test_there_is_no_portal_until_there_is_all_of_it(
    app: Flask, full: str, backup: Command, restore: Command, folder: Path, home: Path
) -> None:
    assert backup().exit_code == 0
    settings = Settings.from_environ({**surroundings(home), "PORTAL_SECRET_KEY": "x" * 32})

    def work() -> None:
        restoring.restore(settings, folder, silent)

    lasts, kills = seconds(work), 0
    for _ in range(KILLS):
        shutil.rmtree(home)
        kills += killed(work, random.uniform(0, lasts))
        if not (home / "portal.db").exists():
            if home.exists() and any(home.iterdir()):
                assert "has not come to its end" in restore("list", command="user").stderr
            assert not (home / "portal.db").exists()
            assert restore().exit_code == 0
        elif (home / "restore-unfinished").exists():
            assert restore().exit_code == 0
        assert {path.name for path in home.iterdir()} - {"secret_key"} == {"files", "portal.db"}
        assert files_in(home / "files") == files_in(folder / "files")
    assert kills
    assert (restore(command="check").exit_code, restore(command="check").stdout) == (0, "")
