"""Small file systems, mounted for one test."""

import fcntl
import os
import struct
import subprocess
from pathlib import Path

_SHUT_DOWN = 0x8004587D  # FS_IOC_SHUTDOWN
_WITHOUT_THE_LOG = struct.pack("I", 2)


def run(*command: object) -> bool:
    return subprocess.run([str(word) for word in command], capture_output=True).returncode == 0


def cut_the_power(disk: Path) -> None:
    """Nothing that is not on the disk by now gets there any more."""
    fd = os.open(disk, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, _SHUT_DOWN, _WITHOUT_THE_LOG)
    finally:
        os.close(fd)
