"""Bytes and keys. Knows no people, no database and no HTTP; imports nothing of ours."""

from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from portal.storage.base import Store
from portal.storage.disk import DiskStore


class StorageSettings(Protocol):
    @property
    def storage_url(self) -> str: ...


def open_store(settings: StorageSettings) -> Store:
    """The store at `file:///absolute/folder`. Does not touch it yet."""
    url = urlsplit(settings.storage_url)
    if url.scheme != "file":
        raise ValueError(f"{url.scheme}: storage is not supported yet")
    return DiskStore(Path(unquote(url.path)))
