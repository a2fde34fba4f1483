"""What the operating system says, in the words of the contract."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from portal.storage.base import Damaged, NoSpace, Unavailable

_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def faults() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NoSpace(str(error)) from error
        if error.errno == errno.ELOOP:
            raise Damaged(f"a symbolic link where there must be none: {error}") from error
        raise Unavailable(str(error)) from error
