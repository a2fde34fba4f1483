"""Files from one folder to another, each compared with its sha256 on the way.

Read and written, never linked nor cloned: a copy that shares its blocks with the original rots with it.
"""

import ctypes
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from portal.backup.snapshot import StoredFile
from portal.errors import NoSpace
from portal.storage.base import Damaged, Missing
from portal.storage.files import opened, read_pieces, start_writing, write_all
from portal.web.figures import human_size

PART = ".part"

_syncfs = ctypes.CDLL(None, use_errno=True).syncfs


def copy(file: StoredFile, source: Path, target: Path, more: Callable[[int], None]) -> None:
    """Durable but for the name in its folder, and never under its name before it is whole. `more` hears of bytes.

    Missing, Damaged: the source. OSError: the target.
    """
    part = target.with_name(target.name + PART)
    try:
        with opened(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as out:
            digest, done = hashlib.sha256(), 0
            for piece in _pieces(source):
                digest.update(piece)
                write_all(out, piece, done)
                start_writing(out, done, len(piece))
                done += len(piece)
                more(len(piece))
            if (done, digest.hexdigest()) != (file.size, file.sha256):
                raise Damaged(f"{done:,} bytes with the sha256 {digest.hexdigest()}")
            os.fchmod(out, 0o400)
            os.fsync(out)
        part.rename(target)
    except (Missing, Damaged):
        part.unlink(missing_ok=True)
        raise


def _pieces(source: Path) -> Iterator[memoryview]:
    try:
        with opened(source, os.O_RDONLY) as fd:
            yield from read_pieces(fd, 0, os.fstat(fd).st_size, lambda: False)
    except FileNotFoundError as error:
        raise Missing(str(error)) from error
    except OSError as error:
        raise Damaged(str(error)) from error


def is_there(file: StoredFile, target: Path) -> bool:
    """Whether a file of that name and size has been copied. It cannot have changed since: files never do."""
    try:
        found = target.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == file.size


def make_folders(root: Path, key: str) -> Path:
    """Where `key` goes under `root`; the folders on the way are made."""
    target = root / key
    for folder in (*reversed(target.parents[: key.count("/")]), target.parent):
        folder.mkdir(0o700, exist_ok=True)
    return target


def require_space(folder: Path, size: int) -> None:
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    if size > free:
        raise NoSpace(f"{folder} has {human_size(free)} free; {human_size(size)} are needed.")


def sync_disk(folder: Path) -> None:
    """Makes everything durable that was written to the disk under `folder`, names included, at once."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _syncfs(fd):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
    finally:
        os.close(fd)
