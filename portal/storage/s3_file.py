"""A stored object as a file, for those who read a little of it here and there."""

import io

from portal.storage.bucket import Bucket


class ObjectFile(io.RawIOBase):
    def __init__(self, bucket: Bucket, key: str, size: int) -> None:
        self._bucket, self._key, self._size, self._at = bucket, key, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        past = min(self._at + len(buffer), self._size)
        data = b"".join(self._bucket.get(self._key, self._at, past)) if past > self._at else b""
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def readall(self) -> bytes:
        """In one request; the inherited one would make one for every 8 KiB."""
        data = b"".join(self._bucket.get(self._key, self._at)) if self._at < self._size else b""
        self._at += len(data)
        return data
