"""Where the embedded portal lives: what is copied, and where it is put again."""

from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

from portal.settings import Settings


class Refused(Exception):
    """What was asked for cannot be done here; the text says why, and what to do instead."""


class Home(NamedTuple):
    data_dir: Path
    files: Path

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Refused where the portal keeps its database or its files elsewhere: half a backup would be none."""
        where = urlsplit(settings.storage_url)
        if not settings.is_embedded:
            raise Refused(
                "The database is not the embedded one: it and the stored files are copied, and put back, with their "
                "own tools (PostgreSQL: pg_dump). The README's section “Backup” says how, and in which order."
            )
        if where.scheme != "file":
            raise Refused(
                "The files are in a bucket: they and the database are copied, and put back, with their own tools. "
                "The README's section “Backup” says how, and in which order."
            )
        return cls(settings.data_dir, Path(unquote(where.path)))

    @property
    def database(self) -> Path:
        return self.data_dir / "portal.db"

    @property
    def secret_key(self) -> Path:
        return self.data_dir / "secret_key"
