"""The folder of a backup: whose it is, what it holds, and that nobody else is at it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from portal.backup.copying import PART
from portal.backup.home import Refused
from portal.backup.snapshot import Snapshot
from portal.durable import replace
from portal.errors import Conflict
from portal.storage.files import opened
from portal.storage.keys import AREAS, is_key

FORMAT = 1
SIGN = "model-portal-backup.txt"
_SAYS = "A backup of Model Portal; `portal restore` makes a portal of it. It is whole if there is a manifest.json.\n"
_NOT_OURS = {"lost+found"}  # a file system's own, where the folder is a mount point


class Manifest(BaseModel):
    """Sizes in bytes. `lacking`: keys of files that were missing or damaged when the backup was made."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    program: str
    revision: str
    taken_at: datetime
    database: Annotated[str, Field(pattern=r"^portal-[0-9a-f]{16}\.db$")]
    database_size: int
    database_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    files: int
    files_size: int
    lacking: list[str]
    has_secret_key: bool


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = path / "files"
        self.draft = path / f"portal.db{PART}"
        self.secret_key = path / "secret_key"

    def manifest(self) -> Manifest | None:
        """None before the first backup has come to its end. Refused where this version cannot read it."""
        try:
            found = Manifest.model_validate_json((self.path / "manifest.json").read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise Refused(f"{self.path / 'manifest.json'} is no manifest that this version can read.") from error
        if found.format != FORMAT:
            raise Refused("A newer version of Model Portal has made this backup. Install that version.")
        return found

    def write(self, manifest: Manifest) -> None:
        """From now on the backup is the one that this describes."""
        replace(self.path / "manifest.json", (manifest.model_dump_json(indent=2) + "\n").encode())

    def remove_others(self, manifest: Manifest) -> None:
        """Databases of before, files that the database of the manifest does not name, and what was cut short."""
        for path in self.path.glob("portal*.db*"):
            if path.name != manifest.database:
                path.unlink()
        with Snapshot(self.path / manifest.database) as snapshot:
            for area in AREAS:
                for folder, _folders, names in os.walk(self.files / area):
                    for name in names:
                        path = Path(folder, name)
                        key = path.relative_to(self.files).as_posix()
                        if is_key(key.removesuffix(PART)) and (name.endswith(PART) or not snapshot.knows(key)):
                            path.unlink()


def names_in(folder: Path) -> set[str]:
    return set(os.listdir(folder)) - _NOT_OURS


@contextmanager
def being_written(path: Path, *apart_from: Path) -> Iterator[Folder]:
    """The folder at `path`, made if need be, with nobody else at it. Refused if it is not for us, or inside of one that
    it is to be `apart_from`."""
    if any(each.resolve() in (path.resolve(), *path.resolve().parents) for each in apart_from):
        raise Refused(f"{path} is inside the folder that is to be backed up. Choose another, best on another disk.")
    if not path.parent.is_dir():
        raise Refused(f"{path.parent} is not there. Make it, or mount it, first.")
    path.mkdir(0o700, exist_ok=True)
    names = names_in(path)
    if names and SIGN not in names:
        raise Refused(f"{path} holds something that is no backup of Model Portal. Choose an empty or a new folder.")
    with _locked(path, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX) as sign:
        if not os.fstat(sign).st_size:
            os.write(sign, _SAYS.encode())
        yield Folder(path)


@contextmanager
def being_read(path: Path) -> Iterator[tuple[Folder, Manifest]]:
    """A whole backup, which nobody changes meanwhile. Refused if there is none."""
    if not (path / SIGN).exists():
        raise Refused(f"{path} is no backup of Model Portal.")
    with _locked(path, os.O_RDONLY, fcntl.LOCK_SH):
        folder = Folder(path)
        manifest = folder.manifest()
        if manifest is None:
            raise Refused(f"The backup in {path} was never finished. Make it again with `portal backup`.")
        yield folder, manifest


@contextmanager
def _locked(path: Path, flags: int, how: int) -> Iterator[int]:
    with opened(path / SIGN, flags) as sign:
        try:
            fcntl.flock(sign, how | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"Another command is at work in {path}. Try again when it has ended.") from None
        yield sign
