"""Where the embedded default keeps its database, its files and its secret key."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
SHORTEST_KEY = 32


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """The instance folder of a checkout; once installed, a folder of the person who runs the portal."""
    if (CHECKOUT / "pyproject.toml").is_file():
        return CHECKOUT / "instance"
    base = environ.get("XDG_DATA_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".local" / "share") / "model-portal"


def make_data_dir(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)


def kept_secret_key(data_dir: Path) -> str:
    """Made on the first call and the same ever after, also for processes that start at the same moment.

    Raises ValueError where the kept key was cut short.
    """
    kept = data_dir / "secret_key"
    if not kept.exists():
        write_once(kept, secrets.token_urlsafe(48))
    key = kept.read_text(encoding="ascii").strip()
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"{kept} holds fewer than {SHORTEST_KEY} characters; remove it to have a new key made")
    return key


def write_once(target: Path, text: str) -> None:
    """The first of several writers wins; a link, unlike a file opened exclusively, appears whole or not at all."""
    draft = target.with_name(f"{target.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, target)
    finally:
        draft.unlink()
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
