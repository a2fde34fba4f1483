"""Plain work on open files: write all, read all, make durable."""

import ctypes
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.storage.base import Progress, Stop, Stopped


def _piece() -> int:
    """Half of the processor's second-level cache, from 256 KiB (also where it is not known) to 1 MiB: larger pieces
    fall out of it between receiving, hashing and writing, smaller ones cost more calls."""
    try:
        cache = Path("/sys/devices/system/cpu/cpu0/cache/index2/size").read_text()
        kib = int(cache.strip().removesuffix("K"))
    except (OSError, ValueError):
        kib = 0
    return min(max(kib // 2, 256), 1024) << 10


PIECE = _piece()


_sync_file_range = ctypes.CDLL(None).sync_file_range
_sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
_WRITE = 2


@contextmanager
def opened(path: Path, flags: int) -> Iterator[int]:
    """The descriptor of `path`, made with mode 0600 where `flags` ask for it. A symbolic link is not followed."""
    fd = os.open(path, flags | os.O_NOFOLLOW, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def write_all(fd: int, piece: memoryview, offset: int) -> None:
    while piece:
        written = os.pwrite(fd, piece, offset)
        piece, offset = piece[written:], offset + written


def start_writing(fd: int, offset: int, length: int) -> None:
    """Let the disk begin with these bytes at once, so that the sync at the end finds most of them there. Only a hint,
    and worth a tenth to a fifth of the time of a large chunk."""
    _sync_file_range(fd, offset, length, _WRITE)


def read_pieces(fd: int, offset: int, length: int, stop: Stop) -> Iterator[memoryview]:
    """What the file holds in [offset, offset + length), in the same memory again and again; ends where it does."""
    buffer = memoryview(bytearray(min(length, PIECE)))
    past = offset + length
    while offset < past and (size := os.preadv(fd, [buffer[: past - offset]], offset)):
        if stop():
            raise Stopped("in the middle of reading")
        yield buffer[:size]
        offset += size


def hash_file(fd: int, progress: Progress, stop: Stop) -> tuple[int, str]:
    """Size and sha256 (hex)."""
    digest, size = hashlib.sha256(), 0
    for piece in read_pieces(fd, 0, os.fstat(fd).st_size, stop):
        digest.update(piece)
        size += len(piece)
        progress(size)
    return size, digest.hexdigest()
