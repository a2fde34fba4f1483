"""Locks on ranges of a file that belong to the open descriptor (Linux "open file description" locks).

Unlike the older kinds they exclude threads of one process as well as other processes, and the kernel drops them when
the descriptor is closed, be it by kill -9.
"""

import fcntl
import struct
from collections.abc import Iterator
from contextlib import contextmanager

_FLOCK = struct.Struct("hhqqi4x")  # struct flock: type, whence, start, length, pid


def lock(fd: int, start: int, length: int, *, shared: bool = False, wait: bool = True) -> bool:
    """Take the bytes [start, start + length), a length of 0 reaching to the end of any file. False if
    somebody else has some of them and `wait` is off."""
    kind = fcntl.F_RDLCK if shared else fcntl.F_WRLCK
    command = fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK
    try:
        fcntl.fcntl(fd, command, _FLOCK.pack(kind, 0, start, length, 0))
    except BlockingIOError:
        return False
    return True


def unlock(fd: int, start: int, length: int) -> None:
    fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_UNLCK, 0, start, length, 0))


@contextmanager
def locked(fd: int, start: int, length: int) -> Iterator[None]:
    lock(fd, start, length)
    try:
        yield
    finally:
        unlock(fd, start, length)


def holder(fd: int, start: int, length: int) -> tuple[int, int] | None:
    """Start and length of a range that another descriptor has locked and that touches this one, if there is any."""
    answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _FLOCK.pack(fcntl.F_WRLCK, 0, start, length, 0))
    kind, _whence, start, length, _pid = _FLOCK.unpack(answer)
    return None if kind == fcntl.F_UNLCK else (start, length)
