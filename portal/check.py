"""Whether what is stored is what the database says: files, the counts of records, and the database itself."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text, update

from portal.database import begin_write, end_read
from portal.domain import recount
from portal.domain.entries import Entry
from portal.domain.versions import Version
from portal.extensions import db
from portal.storage import keys
from portal.storage.base import Damaged, Missing
from portal.uploads.machine import store
from portal.uploads.sweep import left_files, left_staging

_BATCH = 200


class Trouble(StrEnum):
    MISSING = "missing"
    DAMAGED = "damaged"
    ORPHANED = "orphaned"


class Finding(NamedTuple):
    """`key` is where in the storage; `about` says whose file it is, and what is wrong with it."""

    trouble: Trouble
    key: str
    about: str


def total_size() -> int:
    """Bytes that `files` will read."""
    size = db.session.scalar(select(func.sum(Version.size))) or 0
    end_read()
    return int(size)


def files(progress: Callable[[int], None]) -> Iterator[Finding]:
    """Reads every version's file and compares it with its row; `progress` hears how many bytes more are done.

    A version whose file is not whole is marked, so that downloads answer 500 before the first byte; one that is whole
    again loses the mark. Commits as it goes; holds no transaction while it reads.
    """
    for version in _versions():
        finding = _compare(version, progress)
        if version.is_damaged != (finding is not None):
            _mark(version, finding is not None)
        if finding is not None and _still_there(version):
            yield finding


def orphans() -> Iterator[Finding]:
    """Bytes that nothing leads to. `portal uploads reap` removes them."""
    for stored in left_files():
        yield Finding(Trouble.ORPHANED, stored.key, f"{stored.size:,} bytes that are no version's")
    for staged in left_staging():
        yield Finding(Trouble.ORPHANED, keys.staging_key(staged.upload_id), "what is left of an upload")


def database() -> list[str]:
    """What SQLite finds wrong with its file and its foreign keys; PostgreSQL looks after itself."""
    if db.engine.dialect.name != "sqlite":
        return []
    found = [str(line) for line in db.session.scalars(text("PRAGMA integrity_check")) if line != "ok"]
    found += [
        f"row {row.rowid} of {row.table} points at a {row.parent} that is not there"
        for row in db.session.execute(text("PRAGMA foreign_key_check"))
    ]
    end_read()
    return found


def roll_up() -> Iterator[str]:
    """Where the counts of records are not as many as there are records."""
    for each in recount.differences():
        row = ", ".join(f"{name} {value}" for name, value in each.key.items())
        yield f"{each.table} counts {each.said:,} records, there are {each.real:,} ({row})"
    end_read()


class _Row(NamedTuple):
    id: str
    number: int
    file_name: str
    size: int
    sha256: str
    is_damaged: bool
    kind: str
    name: str


def _versions() -> Iterator[_Row]:
    columns = (Version.id, Version.number, Version.file_name, Version.size, Version.sha256, Version.is_damaged)
    query = select(*columns, Entry.kind, Entry.name).join(Entry, Entry.id == Version.entry_id).order_by(Version.id)
    after = query.limit(_BATCH)
    while rows := db.session.execute(after).all():
        end_read()
        yield from (_Row(*row) for row in rows)
        after = query.where(Version.id > rows[-1].id).limit(_BATCH)


def _compare(version: _Row, progress: Callable[[int], None]) -> Finding | None:
    key = keys.version_key(UUID(version.id))
    about = f"version {version.number} of the {version.kind} “{version.name}”, {version.file_name}"
    meter = _Meter(progress)
    try:
        size, sha256 = store().hash(key, meter.at, lambda: False)
    except Missing:
        return Finding(Trouble.MISSING, key, about)
    except Damaged as error:
        return Finding(Trouble.DAMAGED, key, f"{about}: {error}")
    finally:
        meter.at(version.size)
    if size != version.size:
        return Finding(Trouble.DAMAGED, key, f"{about}: {size:,} bytes, not {version.size:,}")
    if sha256 != version.sha256:
        return Finding(Trouble.DAMAGED, key, f"{about}: sha256 {sha256}, not {version.sha256}")
    return None


class _Meter:
    """Turns positions in one file into bytes more."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self.progress, self.done = progress, 0

    def at(self, position: int) -> None:
        self.progress(max(0, position - self.done))
        self.done = max(self.done, position)


def _mark(version: _Row, is_damaged: bool) -> None:
    begin_write()
    db.session.execute(update(Version).where(Version.id == version.id).values(is_damaged=is_damaged))
    db.session.commit()


def _still_there(version: _Row) -> bool:
    """Not deleted while its file was being read."""
    found = db.session.scalar(select(Version.id).where(Version.id == version.id))
    end_read()
    return found is not None
