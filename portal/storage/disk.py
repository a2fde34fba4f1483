"""A folder of the local file system as a store. All processes of one machine may use it at once.

staging/<upload id>/journal   which chunks are acknowledged, and where their bytes are
staging/<upload id>/data      their bytes
staging/<upload id>/whole     their bytes in order, made at the end if they are not so in `data`
versions/<nn>/<nn>/<id>       published files, never changed again
records/<nn>/<nn>/<id>        the same, of records
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from portal.durable import sync_folder
from portal.storage.base import (
    Answer,
    Conflict,
    Damaged,
    DigestMismatch,
    Missing,
    NoSpace,
    Progress,
    Received,
    Source,
    StagedUpload,
    Stop,
    Store,
    StoredChunk,
    StoredKey,
    Unavailable,
)
from portal.storage.files import hash_file, opened
from portal.storage.finish import Finisher, reopen
from portal.storage.journal import Journal
from portal.storage.keys import AREAS, STAGING, area_of, is_key, is_staging_key, staging_key
from portal.storage.log import Logs
from portal.storage.slot import Slot
from portal.storage.staging import DATA, changed_at, make, opened_journal, remove

_PROBE = ".probe"
_FULL = (errno.ENOSPC, errno.EDQUOT)


def _never() -> bool:
    return False


class DiskStore(Store):
    """Nothing is touched before the first call, so that a portal starts while its disk is away."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._logs = Logs()
        self._prepared = False

    def begin(self, upload_id: str, size: int | None, chunk_size: int | None) -> None:
        with self._faults(STAGING):
            self._prepare()
            make(self._path(staging_key(upload_id)), size, chunk_size, self._logs)

    def put_chunk(
        self,
        upload_id: str,
        idx: int,
        length: int,
        source: Source,
        expected_sha256: bytes | None = None,
        *,
        once: bool = False,
    ) -> StoredChunk:
        folder = self._path(staging_key(upload_id))
        with (
            self._faults(STAGING),
            opened_journal(folder, self._logs) as journal,
            opened(folder / DATA, os.O_RDWR) as data,
        ):
            slot = Slot(journal, data, idx, length, once)
            try:
                sha256 = slot.fill(source)
                if expected_sha256 is not None and sha256 != expected_sha256:
                    raise DigestMismatch(f"the bytes of chunk {idx} have the sha256 {sha256.hex()}")
            except BaseException:
                slot.give_up()
                raise
            try:
                return slot.keep(sha256)
            except Conflict:
                slot.give_up()
                raise

    def received(self, upload_id: str) -> Received:
        with self._journal(upload_id) as journal, journal.appending():
            return journal.received()

    def assemble(self, upload_id: str, progress: Progress, stop: Stop) -> int:
        with self._finisher(upload_id, stop) as finisher:
            return finisher.assemble(progress)

    def hash_staged(self, upload_id: str, progress: Progress, stop: Stop) -> tuple[int, str]:
        with self._finisher(upload_id, stop) as finisher:
            return finisher.hash(progress)

    def doubt(self, upload_id: str, stop: Stop) -> None:
        """Every chunk was hashed when it came."""

    def reopen(self, upload_id: str) -> None:
        with self._journal(upload_id) as journal:
            reopen(self._path(staging_key(upload_id)), journal)

    def publish(self, upload_id: str, key: str, sha256: str) -> None:
        final, folder = self._path(key), self._path(staging_key(upload_id))
        with self._faults(area_of(key)):
            for parent in (final.parent.parent, final.parent):
                parent.mkdir(0o700, exist_ok=True)
        try:
            with self._finisher(upload_id) as finisher:
                finisher.publish(final, sha256)
        except Missing:
            if not os.path.lexists(final):
                raise
        with self._faults(STAGING):
            for parent in list(final.parents)[:3]:
                sync_folder(parent)
            remove(folder)

    def discard(self, upload_id: str) -> None:
        folder = self._path(staging_key(upload_id))
        with self._faults(STAGING):
            self._prepare()
            with suppress(FileNotFoundError, Missing, Damaged), opened_journal(folder, self._logs) as journal:
                journal.discard()
                if journal.take_finishing():  # else the bytes may be about to be published
                    with opened(folder / DATA, os.O_RDWR) as data:
                        os.ftruncate(data, 0)  # at once, however long a writer of before holds it open
            remove(folder)
            sync_folder(folder.parent)

    def open(self, key: str) -> FileIO:
        self._stat(key)
        with self._faults(area_of(key)):
            return self._path(key).open("rb", buffering=0)

    def url_to_get(self, key: str, answer: Answer, seconds: int) -> None:
        return None

    @property
    def origin(self) -> None:
        return None

    def url_to_put(self, upload_id: str, idx: int, sha256: bytes | None, seconds: int) -> None:
        return None

    def size(self, key: str) -> int:
        return self._stat(key).st_size

    def hash(self, key: str, progress: Progress, stop: Stop) -> tuple[int, str]:
        with self._faults(area_of(key)), opened(self._path(key), os.O_RDONLY) as fd:
            try:
                return hash_file(fd, progress, stop)
            except OSError as error:
                raise Damaged(f"{key} cannot be read: {error}") from error

    def delete(self, key: str) -> None:
        path = self._path(key)
        with suppress(Missing), self._faults(area_of(key)):
            path.unlink()
            sync_folder(path.parent)

    def list_uploads(self) -> Iterator[StagedUpload]:
        with self._faults(STAGING):
            self._prepare()
            for name in os.listdir(self._root / STAGING):
                if is_staging_key(f"{STAGING}/{name}"):
                    with suppress(FileNotFoundError):
                        yield StagedUpload(name, changed_at(self._root / STAGING / name))

    def list_keys(self) -> Iterator[StoredKey]:
        for area in AREAS:
            with self._faults(area):
                self._prepare()
                for folder, _folders, names in os.walk(self._root / area, onerror=_raise):
                    for name in names:
                        path = Path(folder, name)
                        key = path.relative_to(self._root).as_posix()
                        if is_key(key):
                            with suppress(FileNotFoundError):
                                found = path.lstat()
                                yield StoredKey(key, found.st_size, found.st_mtime)

    def free_space(self) -> int | None:
        with self._faults(STAGING):
            self._prepare()
            disk = os.statvfs(self._root)
            return disk.f_bavail * disk.f_frsize

    def ready(self) -> None:
        try:
            with self._faults(STAGING):
                self._prepare()
                with opened(self._root / STAGING / _PROBE, os.O_WRONLY | os.O_CREAT) as fd:
                    os.pwrite(fd, b"\n", 0)
        except (Missing, NoSpace, Damaged) as error:
            raise Unavailable(str(error)) from error

    def _path(self, key: str) -> Path:
        """The only door to the file system: a key of ours, and no symbolic link on the way from the root."""
        if not (is_key(key) or is_staging_key(key)):
            raise ValueError(f"not a key of ours: {key!r}")
        path = self._root
        for part in key.split("/"):
            path /= part
            if os.path.islink(path):
                raise Damaged(f"a symbolic link in the storage: {path}")
        return path

    def _stat(self, key: str) -> os.stat_result:
        with self._faults(area_of(key)):
            found = self._path(key).lstat()
        if not stat.S_ISREG(found.st_mode):
            raise Damaged(f"{key} is not a file")
        return found

    @contextmanager
    def _journal(self, upload_id: str) -> Iterator[Journal]:
        with self._faults(STAGING), opened_journal(self._path(staging_key(upload_id)), self._logs) as journal:
            yield journal

    @contextmanager
    def _finisher(self, upload_id: str, stop: Stop = _never) -> Iterator[Finisher]:
        with self._journal(upload_id) as journal:
            yield Finisher(self._path(staging_key(upload_id)), journal, stop)

    def _prepare(self) -> None:
        """Make the folders once in a process's life. Later their absence means that the disk is away, and they must
        not be made again in its mount point."""
        if self._prepared:
            return
        for folder in (self._root, *(self._root / area for area in (STAGING, *AREAS))):
            folder.mkdir(0o700, parents=True, exist_ok=True)
        sync_folder(self._root)
        with suppress(PermissionError):
            sync_folder(self._root.parent)
        self._prepared = True

    @contextmanager
    def _faults(self, area: str) -> Iterator[None]:
        """What the operating system says, in the words of the contract."""
        try:
            yield
        except FileNotFoundError as error:
            here = os.path.isdir(self._root / area)
            raise (Missing if here else Unavailable)(str(error)) from error
        except OSError as error:
            if error.errno in _FULL:
                raise NoSpace(str(error)) from error
            if error.errno == errno.ELOOP:
                raise Damaged(f"a symbolic link in the storage: {error}") from error
            raise Unavailable(str(error)) from error


def _raise(error: OSError) -> None:
    raise error
