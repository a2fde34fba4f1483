"""Bytes and keys. Knows no people, no database and no HTTP; imports nothing of ours."""

from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from portal.storage.base import Store
from portal.storage.disk import DiskStore


class StorageSettings(Protocol):
    @property
    def storage_url(self) -> str: ...
    @property
    def s3_endpoint_url(self) -> str | None: ...
    @property
    def s3_public_url(self) -> str | None: ...


def open_store(settings: StorageSettings) -> Store:
    """The store at `file:///absolute/folder` or `s3://bucket/prefix`. Does not touch it yet."""
    url = urlsplit(settings.storage_url)
    if url.scheme == "file":
        return DiskStore(Path(unquote(url.path)))
    from portal.storage.bucket import Bucket  # 30 MiB, which only those who use it pay
    from portal.storage.s3 import S3Store

    return S3Store(Bucket(url.netloc, unquote(url.path), settings.s3_endpoint_url, settings.s3_public_url))
