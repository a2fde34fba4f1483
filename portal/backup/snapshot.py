"""The database at one moment, as a file of its own, and what stands in it.

Read past SQLAlchemy: the copy may come from an older version of the portal, whose tables lack columns or are not there.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from uuid import UUID

from portal.durable import sync_file
from portal.errors import Conflict
from portal.storage.keys import RECORDS, VERSIONS, area_of, record_key, version_key

_PAGES = 1000  # at a time; between two steps Ctrl-C is heard and the bar moves
_PATIENCE = 8  # seconds

_FILES = {
    VERSIONS: "SELECT id, size, sha256 FROM version ORDER BY id",
    RECORDS: "SELECT id, file_size, file_sha256 FROM record WHERE file_sha256 IS NOT NULL ORDER BY id",
}


class StoredFile(NamedTuple):
    """What a row says of the file at `key`; bytes and hex."""

    key: str
    size: int
    sha256: str


class Snapshot:
    """A copy of the database, or the live one; closed by `with`."""

    def __init__(self, path: Path, *, is_live: bool = False) -> None:
        how = "mode=rw" if is_live else "mode=ro&immutable=1"
        uri = f"file:{quote(str(path.absolute()))}?{how}"
        self._connection = sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)

    def __enter__(self) -> "Snapshot":
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def files(self) -> Iterator[StoredFile]:
        """Every file that a version or a record has."""
        for area, query in _FILES.items():
            if self._has_table(area):
                make_key = version_key if area == VERSIONS else record_key
                for file_id, size, sha256 in self._connection.execute(query):
                    yield StoredFile(make_key(UUID(file_id)), size, sha256)

    def knows(self, key: str) -> bool:
        """Whether a row has the file at `key`."""
        area, file_id = area_of(key), UUID(key.rpartition("/")[2])
        if not self._has_table(area):
            return False
        query = f"SELECT 1 FROM {_table(area)} WHERE id IN (?, ?)"  # noqa: S608 - one of two words
        return self._connection.execute(query, (file_id.hex, str(file_id))).fetchone() is not None

    def people(self) -> set[str]:
        return {str(row[0]) for row in self._connection.execute("SELECT id FROM user")}

    def revision(self) -> str:
        """Of the migrations."""
        (found,) = self._connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(found)

    def count_unfinished(self) -> int:
        """Uploads that somebody could continue."""
        query = "SELECT count(*) FROM upload WHERE status IN ('open', 'checking')"
        return int(self._connection.execute(query).fetchone()[0])

    def _has_table(self, area: str) -> bool:
        query = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"
        return self._connection.execute(query, (_table(area),)).fetchone() is not None


def _table(area: str) -> str:
    return {VERSIONS: "version", RECORDS: "record"}[area]


def take(live: Path, target: Path, more: Callable[[int], None]) -> None:
    """Copies the database as it is now into `target`, durably. `more` hears of bytes. Conflict where it is damaged.

    The open read keeps the moment: without it SQLite begins anew whenever somebody writes between two steps, and never
    comes to an end. In WAL neither readers nor writers wait for it.
    """
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(live, timeout=_PATIENCE, isolation_level=None)) as source:
        (page_size,) = source.execute("PRAGMA page_size").fetchone()
        done = 0

        def progress(_status: int, remaining: int, total: int) -> None:
            nonlocal done
            more((total - remaining - done) * page_size)
            done = total - remaining

        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            copy.execute("PRAGMA synchronous=OFF")
            source.backup(copy, pages=_PAGES, progress=progress, sleep=0)
            source.execute("ROLLBACK")
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, whose name says all
            (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise Conflict(f"The database is damaged ({found}), and the backup stays as it was.")
    sync_file(target)


def size_of(live: Path) -> int:
    """Bytes that a copy will have, at most."""
    beside = live.with_name(f"{live.name}-wal")
    return live.stat().st_size + (beside.stat().st_size if beside.exists() else 0)


def make_ready(database: Path) -> None:
    """Makes a copy fit to be lived in: what goes on elsewhere, or went on once, does not go on in it.

    Bytes of unfinished uploads are not in a backup: the next sweep ends them, and what they had made in vain. Sessions
    end, also those that were ended since by somebody who logged out.
    """
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute(
            "UPDATE upload SET status = 'open', checked_at = NULL, expires_at = strftime('%Y-%m-%d %H:%M:%f000', 'now')"
            " WHERE status IN ('open', 'checking')"
        )
        connection.execute("DELETE FROM login_session")
        connection.execute("COMMIT")
    sync_file(database)
