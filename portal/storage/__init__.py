"""Bytes and keys; knows no people."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from portal.storage.base import Store
from portal.storage.disk import DiskStore


def open_store(url: str) -> Store:
    """The store at `file:///folder`."""
    return DiskStore(Path(unquote(urlsplit(url).path)))
