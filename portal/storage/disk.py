"""A folder of the local file system as a store. All processes of one machine may use it at once.

    staging/<upload id>/journal   which chunks are acknowledged, and where their bytes are
    staging/<upload id>/data      their bytes
    staging/<upload id>/whole     their bytes in order, made at the end if they are not so in `data`
    versions/<nn>/<nn>/<id>       published files, never changed again
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from portal.storage.base import (
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
from portal.storage.files import hash_file, opened, sync_folder
from portal.storage.finish import Finisher
from portal.storage.journal import Journal
from portal.storage.keys import STAGING, VERSIONS, is_key, is_staging_key, staging_key
from portal.storage.log import Logs
from portal.storage.slot import Slot
from portal.storage.staging import DATA, changed_at, make, opened_journal, remove

_PROBE = ".probe"
_FULL = (errno.ENOSPC, errno.EDQUOT)


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
        self, upload_id: str, idx: int, length: int, source: Source, expected_sha256: bytes | None = None
    ) -> StoredChunk:
        folder = self._path(staging_key(upload_id))
        with (
            self._faults(STAGING),
            opened_journal(folder, self._logs) as journal,
            opened(folder / DATA, os.O_RDWR) as data,
        ):
            slot = Slot(journal, data, idx, length)
            try:
                sha256 = slot.fill(source)
                if expected_sha256 is not None and sha256 != expected_sha256:
                    raise DigestMismatch(f"the bytes of chunk {idx} have the sha256 {sha256.hex()}")
            except BaseException:
                slot.give_up()
                raise
            return slot.keep(sha256)

    def received(self, upload_id: str) -> Received:
        with self._journal(upload_id) as journal, journal.appending():
            return journal.received()

    def assemble(self, upload_id: str, progress: Progress, stop: Stop) -> int:
        with self._finisher(upload_id, stop) as finisher:
            return finisher.assemble(progress)

    def hash_staged(self, upload_id: str, progress: Progress, stop: Stop) -> tuple[int, str]:
        with self._finisher(upload_id, stop) as finisher:
            return finisher.hash(progress)

    def reopen(self, upload_id: str) -> None:
        with self._finisher(upload_id) as finisher:
            finisher.reopen()

    def publish(self, upload_id: str, key: str, sha256: str) -> None:
        final, folder = self._path(key), self._path(staging_key(upload_id))
        with self._faults(VERSIONS):
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
            with suppress(FileNotFoundError, Missing, Damaged), opened_journal(folder, self._logs) as journal:
                journal.discard()
                if journal.take_finishing():  # else the bytes may be about to be published
                    with opened(folder / DATA, os.O_RDWR) as data:
                        os.ftruncate(data, 0)  # at once, however long a writer of before holds it open
            remove(folder)
            sync_folder(folder.parent)

    def local_path(self, key: str) -> Path:
        self._stat(key)
        return self._path(key)

    def size(self, key: str) -> int:
        return self._stat(key).st_size

    def hash(self, key: str, progress: Progress, stop: Stop) -> tuple[int, str]:
        with self._faults(VERSIONS), opened(self._path(key), os.O_RDONLY) as fd:
            try:
                return hash_file(fd, progress, stop)
            except OSError as error:
                raise Damaged(f"{key} cannot be read: {error}") from error

    def delete(self, key: str) -> None:
        path = self._path(key)
        with suppress(Missing), self._faults(VERSIONS):
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
        with self._faults(VERSIONS):
            self._prepare()
            for path in (self._root / VERSIONS).glob("*/*/*"):
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
        with self._faults(STAGING):
            self._prepare()
