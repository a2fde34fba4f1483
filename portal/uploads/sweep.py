"""The sweep: uploads past their time, bytes that a crash or a deletion left behind, rows that nobody needs any more.

Each step looks again under its own lock before it takes anything away. So any number of sweeps may run at once, and
one that is killed leaves nothing that the next does not find.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from flask import current_app
from sqlalchemy import ColumnElement, and_, delete, func, or_, select

from portal.alone import Work, alone
from portal.database import begin_write, end_read, now
from portal.domain.audit import AuditEntry, What
from portal.domain.records import Record
from portal.domain.sessions import forget_ended
from portal.domain.throttle import Attempts
from portal.domain.versions import Version
from portal.errors import Conflict, Gone
from portal.extensions import db
from portal.security.actor import nobody
from portal.storage.base import StagedUpload, StorageError, StoredKey
from portal.uploads import machine, session
from portal.uploads.leftovers import remove_made_entry
from portal.uploads.session import LEASE, UNFINISHED, Status, Upload

GRACE = timedelta(hours=1)
"""How long bytes may lie before the row that names them: far longer than any request takes to commit."""

FEW_FILES = 20
_BATCH = 500
_AT_ONCE = 20
_BREATH = 0.1  # seconds between two writes: those who wait for SQLite's lock look for it every tenth of a second

T = TypeVar("T")
log = logging.getLogger("portal.uploads")


@dataclass(slots=True)
class Swept:
    """How many of each were taken away. `size`: bytes of `files`; `failed`: what is still there and should not be."""

    expired: int = 0
    forgotten: int = 0
    staged: int = 0
    files: int = 0
    size: int = 0
    sessions: int = 0
    attempts: int = 0
    failed: int = 0


def reap(grace: timedelta = GRACE, *, unattended: bool = False, sure: bool = False) -> Swept:
    """Takes away what is over. Commits as it goes.

    What the database does not know stays where it looks like the wrong one, unless whoever asks is `sure`: it never
    had a file, or more files lack an owner than have one. Unattended that is logged, otherwise it is a Conflict.
    On PostgreSQL one sweeps at a time: unattended, another finds nothing to do, otherwise it waits.
    """
    with alone(Work.SWEEP, wait=not unattended) as is_alone:
        return _reap(grace, unattended, sure) if is_alone else Swept()


def _reap(grace: timedelta, unattended: bool, sure: bool) -> Swept:
    swept = Swept()
    overdue = db.session.scalars(select(Upload.id).where(_overdue()).order_by(Upload.id)).all()
    for upload_ids in _batches(iter(overdue), _AT_ONCE):
        swept.expired += _expire(upload_ids)
        time.sleep(_BREATH)
    staged, files = list(left_staging(grace)), list(left_files(grace))
    if (staged or files) and not sure and (doubt := _doubt(len(files))):
        if not unattended:
            raise Conflict(f"{doubt} If this is the right database, say --sure.")
        log.error("%s If this is the right database, `portal uploads reap --sure` removes what is orphaned.", doubt)
        staged, files = staged if _has_had_files() else [], []
    for each in staged:
        swept.staged += _removed(machine.store().discard, each.upload_id, swept)
    for stored in files:
        if _removed(machine.store().delete, stored.key, swept):
            swept.files, swept.size = swept.files + 1, swept.size + stored.size
    swept.forgotten = _committed(_forget)
    swept.sessions = _committed(forget_ended)
    swept.attempts = _committed(Attempts(current_app.extensions["portal"].login_throttle).forget_older)
    return swept


def left_staging(grace: timedelta = GRACE) -> Iterator[StagedUpload]:
    """Staging areas of uploads that are over, and those older than `grace` that no row knows."""
    for batch in _batches(machine.store().list_uploads()):
        rows = select(Upload.id, Upload.status).where(Upload.id.in_([staged.upload_id for staged in batch]))
        statuses = {row.id: row.status for row in db.session.execute(rows)}
        end_read()
        for staged in batch:
            status = statuses.get(staged.upload_id)
            if status not in UNFINISHED and (status or _is_older(staged.changed_at, grace)):
                yield staged


def left_files(grace: timedelta = GRACE) -> Iterator[StoredKey]:
    """Stored files older than `grace` that are no version's and no record's, nor about to become one."""
    for batch in _batches(machine.store().list_keys()):
        ids = [_id(stored) for stored in batch]
        # Listed first, then looked up in this order: who finds an upload over finds what it made.
        unfinished = select(Upload.id).where(Upload.id.in_(ids), Upload.status.in_(UNFINISHED))
        known = {*db.session.scalars(unfinished)}
        for table in (Version, Record):
            known |= {*db.session.scalars(select(table.id).where(table.id.in_(ids)))}
        end_read()
        yield from (stored for stored in batch if _id(stored) not in known and _is_older(stored.changed_at, grace))


def _doubt(left: int) -> str:
    """Why the storage, of whose files so many have no owner, looks like another database's; empty if it does not."""
    owned = _count_owned()
    if not owned and not _has_had_files():
        return "The storage holds files, and this database never had any."
    if left > max(FEW_FILES, owned):
        return f"{left:,} stored files belong to nothing in this database and {owned:,} do."
    return ""


def _has_had_files() -> bool:
    published = select(AuditEntry.id).where(AuditEntry.what == What.VERSION_PUBLISHED)
    return any(db.session.scalar(each.limit(1)) is not None for each in (select(Upload.id), published))


def _count_owned() -> int:
    versions = select(func.count()).select_from(Version)
    files = select(func.count()).select_from(Record).where(Record.file_sha256.is_not(None))
    return (db.session.scalar(versions) or 0) + (db.session.scalar(files) or 0)


def _overdue() -> ColumnElement[bool]:
    """Past its time or without an entry, and nobody alive is checking it."""
    over = or_(Upload.expires_at <= now(), Upload.entry_id.is_(None))
    abandoned = or_(Upload.checked_at.is_(None), Upload.checked_at < now() - LEASE)
    return and_(over, or_(Upload.status == Status.OPEN, and_(Upload.status == Status.CHECKING, abandoned)))


def _expire(upload_ids: Iterable[str]) -> int:
    """Marks those expired that still are; their bytes go with the staging areas of all that is over."""
    begin_write()
    number = 0
    for upload_id in upload_ids:
        with suppress(Gone):  # forgotten in the meantime
            upload = session.lock(upload_id)
            if db.session.scalar(select(Upload.id).where(Upload.id == upload_id, _overdue())):
                upload.status, upload.expires_at = Status.EXPIRED, now() + current_app.extensions["portal"].upload_ttl
                remove_made_entry(upload, nobody(may_read_public=False))
                number += 1
    db.session.commit()
    return number


def _removed(remove: Callable[[str], None], name: str, swept: Swept) -> bool:
    try:
        remove(name)
    except StorageError as error:
        log.warning("%s cannot be removed: %s", name, error)
        swept.failed += 1
        return False
    return True


def _forget() -> int:
    begin_write()
    over = delete(Upload).where(Upload.status.not_in(UNFINISHED), Upload.expires_at <= now())
    return db.session.execute(over, execution_options={"synchronize_session": False}).rowcount  # type: ignore[attr-defined]


def _committed(forget: Callable[[], int]) -> int:
    number = forget()
    db.session.commit()
    return number


def _is_older(changed_at: float, grace: timedelta) -> bool:
    return changed_at <= time.time() - grace.total_seconds()


def _id(stored: StoredKey) -> str:
    return stored.key.rpartition("/")[2]


def _batches(things: Iterator[T], size: int = _BATCH) -> Iterator[list[T]]:
    while batch := list(islice(things, size)):
        yield batch
