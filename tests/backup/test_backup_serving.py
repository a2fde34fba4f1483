"""Sixteen clients write and delete while a backup is made; restored elsewhere nothing lacks that was there before.

The suite does it once. `PORTAL_TEST_RUNS=20 pytest tests/backup/test_backup_serving.py` does it twenty times.
"""

import hashlib
import os
import random
import shutil
import threading
import time
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask

from portal import create_app
from portal.domain.records import Record
from portal.domain.versions import Version
from portal.extensions import db
from portal.settings import Settings
from portal.storage.keys import record_key, version_key
from portal.uploads import sweep
from tests.backup.writers import Book, Writer
from tests.command import environ_of, portal, surroundings
from tests.people import People
from tests.served import Served, served

pytestmark = pytest.mark.disk

__all__ = ["served"]

RUNS = int(os.environ.get("PORTAL_TEST_RUNS", "1"))
CLIENTS = 16


class Sweeper(threading.Thread):
    """Takes the files of deleted entries away as soon as it may."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self.app, self.told_to_stop, self.files = app, threading.Event(), 0

    def run(self) -> None:
        while not self.told_to_stop.wait(0.2):
            with self.app.app_context():
                self.files += sweep.reap(timedelta(seconds=1)).files


@pytest.mark.slow
def test_what_was_there_when_the_backup_began_is_in_it(
    served: Served, app: Flask, people: People, folder: Path, home: Path
) -> None:
    writers = [Writer(served, people.owner.headers, seed) for seed in range(CLIENTS)]
    sweeper = Sweeper(app)
    for thread in (*writers, sweeper):
        thread.start()
    try:
        for _ in range(RUNS):
            time.sleep(random.uniform(1, 2))
            before = [writer.book.copy() for writer in writers]
            ended = portal(environ_of(app), "backup", str(folder))
            assert ended.returncode == 0, ended.stdout + ended.stderr
            doomed = set().union(*(writer.book.doomed for writer in writers))
            ended = portal(surroundings(home), "restore", str(folder))
            assert ended.returncode == 0, ended.stdout + ended.stderr
            ended = portal(surroundings(home), "check")
            assert (ended.returncode, ended.stdout) == (0, ""), ended.stdout
            for book in before:
                compare(book, doomed, home)
            shutil.rmtree(home)
    finally:
        sweeper.told_to_stop.set()
        for writer in writers:
            writer.stop()
        sweeper.join()
    assert sum(len(writer.book.versions) for writer in writers) > 100
    assert sweeper.files


def compare(book: Book, doomed: set[str], home: Path) -> None:
    """What is in the book is in the restored portal, but for what has been deleted since."""
    app = create_app(Settings.from_environ(surroundings(home)))
    with app.app_context():
        versions = {(version.entry_id, version.number): version for version in db.session.query(Version)}
        records = {record.id: record for record in db.session.query(Record)}
        for (entry_id, number), sha256 in book.versions.items():
            if entry_id not in doomed:
                version = versions[entry_id, number]
                assert version.sha256 == sha256 == sha256_of(home / "files" / version_key(UUID(version.id)))
        for record_id, (entry_id, sha256) in book.records.items():
            if entry_id not in doomed:
                record = records[record_id]
                assert record.file_sha256 == sha256
                assert sha256 is None or sha256_of(home / "files" / record_key(UUID(record_id))) == sha256
        db.engine.dispose()


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
