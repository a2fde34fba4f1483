"""Whether what is stored is what the database says: files, the counts of records, and the database itself."""

import logging
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text, true, update

from portal.database import begin_write, end_read
from portal.domain import recount
from portal.domain.entries import Entry
from portal.domain.records import Record
from portal.domain.versions import Version
from portal.extensions import db
from portal.storage import keys
from portal.storage.base import Damaged, Missing
from portal.uploads.machine import store
from portal.uploads.sweep import left_files, left_staging

_BATCH = 200

log = logging.getLogger("portal.uploads")


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
    sizes = [db.session.scalar(select(func.sum(column))) or 0 for column in (Version.size, Record.file_size)]
    end_read()
    return int(sum(sizes))


def files(progress: Callable[[int], None]) -> Iterator[Finding]:
    """Reads every file of a version or a record and compares it with its row; `progress` hears how many bytes more are
    done.

    One that is not whole is marked, so that downloads answer 500 before the first byte; one that is whole again loses
    the mark. Where more are missing than there are, none of these is: it looks like the wrong storage. Commits as it
    goes; holds no transaction while it reads.
    """
    there, missing = 0, []
    for row in _rows():
        finding = _compare(row, progress)
        if finding is not None and finding.trouble is Trouble.MISSING:
            missing.append(row)
        else:
            there += 1
            _mark(row, finding is not None)
        if finding is not None and _still_there(row):
            yield finding
    if len(missing) > max(there, 1):
        log.error("More files are missing than there are: none is marked, this looks like the wrong storage.")
        return
    for row in missing:
        _mark(row, True)


def orphans() -> Iterator[Finding]:
    """Bytes that nothing leads to. `portal uploads reap` removes them."""
    for stored in left_files():
        yield Finding(Trouble.ORPHANED, stored.key, f"{stored.size:,} bytes that belong to nothing")
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
    """A version or a record, as far as its file goes; `mark` is the column that says whether it is damaged."""

    id: str
    key: str
    size: int
    sha256: str
    is_damaged: bool | None
    about: str
    mark: Any


def _rows() -> Iterator[_Row]:
    for it in _batches(Version, Version.size, Version.sha256, Version.is_damaged, Version.file_name, Version.number):
        about = f"version {it.number} of the {it.kind} “{it.name}”, {it.file_name}"
        key = keys.version_key(UUID(it.id))
        yield _Row(it.id, key, it.size, it.sha256, it.is_damaged, about, Version.is_damaged)
    file = Record.file_size, Record.file_sha256, Record.is_file_damaged, Record.file_name
    for it in _batches(Record, *file, only=Record.file_sha256.is_not(None)):
        about = f"record {it.id} of the {it.kind} “{it.name}”, {it.file_name}"
        key = keys.record_key(UUID(it.id))
        yield _Row(it.id, key, it.file_size, it.file_sha256, it.is_file_damaged, about, Record.is_file_damaged)


def _batches(table: Any, *columns: Any, only: ColumnElement[bool] | None = None) -> Iterator[Any]:
    """Id and `columns` of `table`, kind and name of its entry; in the order of the ids, no transaction held between."""
    query = select(table.id, *columns, Entry.kind, Entry.name).join(Entry, Entry.id == table.entry_id)
    query = query.where(true() if only is None else only).order_by(table.id).limit(_BATCH)
    after = query
    while rows := db.session.execute(after).all():
        end_read()
        yield from rows
        after = query.where(table.id > rows[-1].id)


def _compare(row: _Row, progress: Callable[[int], None]) -> Finding | None:
    meter = _Meter(progress)
    try:
        size, sha256 = store().hash(row.key, meter.at, lambda: False)
    except Missing:
        return Finding(Trouble.MISSING, row.key, row.about)
    except Damaged as error:
        return Finding(Trouble.DAMAGED, row.key, f"{row.about}: {error}")
    finally:
        meter.at(row.size)
    if size != row.size:
        return Finding(Trouble.DAMAGED, row.key, f"{row.about}: {size:,} bytes, not {row.size:,}")
    if sha256 != row.sha256:
        return Finding(Trouble.DAMAGED, row.key, f"{row.about}: sha256 {sha256}, not {row.sha256}")
    return None


class _Meter:
    """Turns positions in one file into bytes more."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self.progress, self.done = progress, 0

    def at(self, position: int) -> None:
        self.progress(max(0, position - self.done))
        self.done = max(self.done, position)


def _mark(row: _Row, is_damaged: bool) -> None:
    if bool(row.is_damaged) == is_damaged:
        return
    begin_write()
    table, its_id = row.mark.class_, row.mark.class_.id
    db.session.execute(update(table).where(its_id == row.id).values({row.mark: is_damaged}))
    db.session.commit()


def _still_there(row: _Row) -> bool:
    """Not deleted while its file was being read."""
    its_id = row.mark.class_.id
    found = db.session.scalar(select(its_id).where(its_id == row.id))
    end_read()
    return found is not None
