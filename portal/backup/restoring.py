"""A portal made from a backup, in a data directory that holds none. Its database comes last.

Until then a marker lies there. It keeps every other command away, and tells whoever restores again that what lies
beside it is theirs.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from alembic.script import ScriptDirectory

import portal
from portal.backup import copying, snapshot
from portal.backup.folder import Folder, Manifest, being_read, names_in
from portal.backup.home import Home, Refused
from portal.backup.making import Bar, Lack
from portal.backup.snapshot import Snapshot, StoredFile
from portal.data_dir import UNFINISHED_RESTORE, make_data_dir
from portal.durable import replace, sync_folder
from portal.errors import Conflict
from portal.settings import Settings
from portal.storage.base import Damaged, Missing
from portal.storage.keys import AREAS, STAGING


class Restored(NamedTuple):
    """`lacking` files are not whole in the backup; unless that was allowed, the portal is not there yet."""

    manifest: Manifest
    lacking: list[Lack]
    is_done: bool


def restore(settings: Settings, path: Path, bar: Bar, *, incomplete: bool = False) -> Restored:
    """Makes a portal of the backup in `path`. May be stopped at any point and called again.

    Refused where there is a portal already, or anything else, and where the backup is of a newer version.
    """
    home = Home.of(settings)
    with being_read(path) as (folder, manifest):
        _require_known(manifest)
        with _vacant(home):
            draft = _copy_database(manifest, folder, home, bar)
            with Snapshot(draft) as taken:
                lacking = _copy_files(taken, folder, home, bar)
            is_done = incomplete or not lacking
            if is_done:
                _open(draft, manifest, folder, home)
        return Restored(manifest, lacking, is_done)


def _require_known(manifest: Manifest) -> None:
    known = {each.revision for each in ScriptDirectory(str(portal.folder("migrations"))).walk_revisions()}
    if manifest.revision not in known:
        raise Refused(
            f"A newer version of Model Portal ({manifest.program}) has made this backup. Install that version."
        )


@contextmanager
def _vacant(home: Home) -> Iterator[None]:
    """The data directory is ours alone from here on; the marker stays where the block comes to no good end."""
    make_data_dir(home.data_dir)
    marker = home.data_dir / UNFINISHED_RESTORE
    if not marker.exists():
        if names_in(home.data_dir) - {home.files.name}:
            raise Refused(f"{home.data_dir} is not empty. Restore into an empty or new one (PORTAL_DATA_DIR).")
        if home.files.exists() and any(files for _folder, _folders, files in os.walk(home.files)):
            raise Refused(f"{home.files} holds files already. Restore into an empty folder.")
    with marker.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"Another command restores into {home.data_dir}.") from None
        if not marker.exists():
            raise Conflict(f"Another command has just restored into {home.data_dir}.")
        sync_folder(home.data_dir)
        yield


def _copy_database(manifest: Manifest, folder: Folder, home: Home, bar: Bar) -> Path:
    """Conflict where the one in the backup is damaged."""
    wanted = StoredFile(manifest.database, manifest.database_size, manifest.database_sha256)
    draft = home.data_dir / "restored.db"
    copying.require_space(home.data_dir, wanted.size)
    try:
        with bar("the database", wanted.size) as more:
            copying.copy(wanted, folder.path / wanted.key, draft, more)
    except (Missing, Damaged) as error:
        raise Conflict(f"The database in the backup is not whole: {error}.") from error
    draft.chmod(0o600)
    return draft


def _copy_files(taken: Snapshot, folder: Folder, home: Home, bar: Bar) -> list[Lack]:
    """What could not be copied, because it is not whole in the backup."""
    home.files.mkdir(0o700, parents=True, exist_ok=True)
    for area in (STAGING, *AREAS):
        (home.files / area).mkdir(0o700, exist_ok=True)
    lacking = []
    size = sum(file.size for file in _absent(taken, home))
    copying.require_space(home.files, size)
    with bar("files", size) as more:
        for file in _absent(taken, home):
            try:
                copying.copy(file, folder.files / file.key, copying.make_folders(home.files, file.key), more)
            except (Missing, Damaged) as error:
                lacking.append(Lack(file.key, str(error)))
    return lacking


def _absent(taken: Snapshot, home: Home) -> Iterator[StoredFile]:
    return (file for file in taken.files() if not copying.is_there(file, home.files / file.key))


def _open(draft: Path, manifest: Manifest, folder: Folder, home: Home) -> None:
    """From here on there is a portal."""
    snapshot.make_ready(draft)
    if manifest.has_secret_key:
        replace(home.secret_key, folder.secret_key.read_bytes())
    copying.sync_disk(home.files)
    for suffix in ("-wal", "-shm"):  # of a database that was made here by a server which does not know the marker
        home.database.with_name(home.database.name + suffix).unlink(missing_ok=True)
    draft.rename(home.database)
    sync_folder(home.data_dir)
    (home.data_dir / UNFINISHED_RESTORE).unlink()
    sync_folder(home.data_dir)
