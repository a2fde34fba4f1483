"""A backup made while the portal serves: first the database, then the files that it names, then the manifest.

A file lies in its place before its row is committed and never changes, so the files of one moment can be copied later.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import portal
from portal.backup import copying, snapshot
from portal.backup.folder import Folder, Manifest, being_written
from portal.backup.home import Home, Refused
from portal.backup.snapshot import Snapshot, StoredFile
from portal.database import now
from portal.durable import replace
from portal.errors import Conflict
from portal.settings import Settings
from portal.storage.base import Damaged, Missing, Unavailable
from portal.storage.keys import area_of

Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Called with what is about to be done and its bytes; within it, with how many bytes more are done."""

_MOST_SNAPSHOTS = 5


class Lack(NamedTuple):
    key: str
    why: str


class Made(NamedTuple):
    """`new` files of `manifest.files` were copied. Unfinished uploads are not part of a backup."""

    manifest: Manifest
    new: int
    lacking: list[Lack]
    unfinished: int


class _Deleted(Exception):
    """Files were deleted in the portal before they were copied, and their rows with them."""


def make(settings: Settings, path: Path, bar: Bar) -> Made:
    """Copies into `path` what is not there yet. May be stopped at any point and called again; until the end `path` is
    the backup that it was before, if any.

    Where a file was deleted in the meantime the database is copied once more, so that a backup is always one moment of
    the portal. The files that are new by then are younger than any that the sweep takes away.
    """
    home = Home.of(settings)
    with being_written(path, home.data_dir, home.files) as folder:
        before = folder.manifest()
        for _ in range(_MOST_SNAPSHOTS):
            taken_at = _copy_database(home, folder, before, bar)
            try:
                new, lacking = _copy_files(home, folder, bar)
            except _Deleted:
                continue
            has_key = _copy_key(settings, home, folder)
            return _finish(folder, taken_at, has_key, new, lacking)
    raise Conflict(
        "Files were deleted faster than they could be copied. Run it again: what is there is not copied anew."
    )


def _copy_database(home: Home, folder: Folder, before: Manifest | None, bar: Bar) -> datetime:
    """When that was."""
    size = snapshot.size_of(home.database)
    copying.require_space(folder.path, size)
    taken_at = now()
    with bar("the database", size) as more:
        snapshot.take(home.database, folder.draft, more)
    if before is not None and (folder.path / before.database).exists():
        with Snapshot(folder.path / before.database) as old, Snapshot(folder.draft) as new:
            known = old.people()
            if known and known.isdisjoint(new.people()):
                raise Refused(f"{folder.path} holds the backup of another portal. Choose another folder.")
    return taken_at


def _copy_files(home: Home, folder: Folder, bar: Bar) -> tuple[int, list[Lack]]:
    """How many, and what could not be copied because it is missing or damaged in the portal."""
    new, lacking, some_were_deleted = 0, [], False
    with Snapshot(folder.draft) as taken:
        size = sum(file.size for file in _absent(taken, folder))
        copying.require_space(folder.path, size)
        with bar("new files", size) as more:
            for file in _absent(taken, folder):
                target = copying.make_folders(folder.path, f"files/{file.key}")
                try:
                    copying.copy(file, home.files / file.key, target, more)
                    new += 1
                except (Missing, Damaged) as error:
                    if not (home.files / area_of(file.key)).is_dir():
                        raise Unavailable(f"{home.files} is away") from error
                    if _is_deleted(home, file):
                        some_were_deleted = True
                    else:
                        lacking.append(Lack(file.key, str(error)))
    if some_were_deleted:
        raise _Deleted
    return new, lacking


def _absent(taken: Snapshot, folder: Folder) -> Iterator[StoredFile]:
    return (file for file in taken.files() if not copying.is_there(file, folder.files / file.key))


def _is_deleted(home: Home, file: StoredFile) -> bool:
    """The row goes before the file."""
    with Snapshot(home.database, is_live=True) as live:
        return not live.knows(file.key)


def _copy_key(settings: Settings, home: Home, folder: Folder) -> bool:
    """Whether there is one to copy: that of PORTAL_SECRET_KEY is not ours to keep."""
    has_key = home.secret_key.exists() and home.secret_key.read_text(encoding="ascii").strip() == settings.secret_key
    if has_key:
        replace(folder.secret_key, home.secret_key.read_bytes())
    return has_key


def _finish(folder: Folder, taken_at: datetime, has_key: bool, new: int, lacking: list[Lack]) -> Made:
    with folder.draft.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    with Snapshot(folder.draft) as taken:
        sizes = [file.size for file in taken.files()]
        manifest = Manifest(
            program=portal.__version__,
            revision=taken.revision(),
            taken_at=taken_at,
            database=f"portal-{sha256[:16]}.db",
            database_size=folder.draft.stat().st_size,
            database_sha256=sha256,
            files=len(sizes),
            files_size=sum(sizes),
            lacking=[each.key for each in lacking],
            has_secret_key=has_key,
        )
        unfinished = taken.count_unfinished()
    folder.draft.rename(folder.path / manifest.database)
    copying.sync_disk(folder.path)
    folder.write(manifest)
    folder.remove_others(manifest)
    return Made(manifest, new, lacking, unfinished)
