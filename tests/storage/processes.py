"""Parts of a test that run in a process of their own, to be killed."""

import linecache
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType

OURS = f"{os.sep}portal{os.sep}storage{os.sep}"
CHANGES = re.compile(r"\bos\.(open|pwrite|ftruncate|posix_fallocate|fchmod)\(|\.(mkdir|rename|unlink|rmdir)\(")


def forked(work: Callable[[], None]) -> int:
    """The process id of a child that does `work` and ends; with status 1 if that raised."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def killed_at(work: Callable[[], None], change: int) -> bool:
    """Whether a child doing `work` came to the `change`-th thing that the storage package does to the disk (counted
    from 1), where kill -9 ended it before it was done."""

    def work_until() -> None:
        seen = 0

        def trace(frame: FrameType, event: str, _argument: object) -> object:
            nonlocal seen
            if OURS not in frame.f_code.co_filename:
                return None
            if event == "line" and CHANGES.search(linecache.getline(frame.f_code.co_filename, frame.f_lineno)):
                seen += 1
                if seen == change:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        work()

    _pid, status = os.waitpid(forked(work_until), 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0
    return False
