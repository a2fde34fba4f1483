"""The folder of one upload: made, opened, removed."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from portal.durable import sync_folder
from portal.storage.base import Conflict, Missing, NoSpace, chunk_count
from portal.storage.files import opened
from portal.storage.journal import RECORD_SIZE, Journal, write_header
from portal.storage.log import Logs

JOURNAL = "journal"
DATA = "data"
WHOLE = "whole"  # the chunks in order, where they are not so in DATA; there only while the upload is sealed
PART = "whole.part"

_SPARE_RECORDS = 64


def make(folder: Path, size: int | None, chunk_size: int | None, logs: Logs) -> None:
    """Durably, all of it or nothing. Conflict if it was made with other numbers before."""
    folder.mkdir(0o700, exist_ok=True)
    with opened(folder / JOURNAL, os.O_RDWR | os.O_CREAT) as fd, Journal.being_made(fd):
        if os.fstat(fd).st_nlink == 0:
            raise Missing("another beginning of this upload has just failed")
        try:
            journal = Journal(fd, logs)
        except Missing:
            _make(folder, fd, size, chunk_size)
        else:
            if (journal.size, journal.chunk_size) != (size, chunk_size):
                raise Conflict("the upload was begun with another size or chunk size")
    sync_folder(folder)
    sync_folder(folder.parent)


def _make(folder: Path, journal: int, size: int | None, chunk_size: int | None) -> None:
    try:
        with opened(folder / DATA, os.O_RDWR | os.O_CREAT | os.O_TRUNC) as data:
            if size:
                _reserve(data, size)
                if chunk_size:
                    os.posix_fallocate(journal, 0, RECORD_SIZE * (1 + chunk_count(size, chunk_size) + _SPARE_RECORDS))
            os.fsync(data)
        write_header(journal, size, chunk_size)
        os.fsync(journal)
    except BaseException:
        remove(folder)
        raise


def _reserve(data: int, size: int) -> None:
    disk = os.fstatvfs(data)
    if size > disk.f_bavail * disk.f_frsize:  # spares the attempt, and sizes that no file system knows
        raise NoSpace(f"{size} bytes do not fit")
    os.posix_fallocate(data, 0, size)


@contextmanager
def opened_journal(folder: Path, logs: Logs) -> Iterator[Journal]:
    with opened(folder / JOURNAL, os.O_RDWR) as fd:
        yield Journal(fd, logs)


def remove(folder: Path) -> None:
    """The journal last, so that whoever finds a part of it removed can tell what it was."""
    with suppress(FileNotFoundError):  # somebody else is removing it, too
        while folder.is_dir():
            for name in sorted(os.listdir(folder), key=lambda name: name == JOURNAL):
                (folder / name).unlink(missing_ok=True)
            try:
                folder.rmdir()
            except OSError as error:
                if error.errno != errno.ENOTEMPTY:  # a finisher has just added a file
                    raise


def changed_at(folder: Path) -> float:
    """When the last byte arrived, in seconds since the epoch."""
    return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
