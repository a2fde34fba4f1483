"""Where the embedded default keeps its database, its files and its secret key."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from portal.durable import write_once
from portal.errors import Conflict

CHECKOUT = Path(__file__).resolve().parent.parent
SHORTEST_KEY = 32
UNFINISHED_RESTORE = "restore-unfinished"  # a file that is there as long as `portal restore` has not come to its end


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """The instance folder of a checkout; once installed, a folder of the person who runs the portal."""
    if (CHECKOUT / "pyproject.toml").is_file():
        return CHECKOUT / "instance"
    base = environ.get("XDG_DATA_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".local" / "share") / "model-portal"


def make_data_dir(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)


def require_restored(data_dir: Path) -> None:
    """Conflict where half a portal lies there."""
    if (data_dir / UNFINISHED_RESTORE).exists():
        raise Conflict(f"`portal restore` has not come to its end in {data_dir}. Run it again.")


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
