"""Server processes under measurement: start, CPU and memory of the whole tree, stop (Linux: reads /proc)."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """One server and its children on a loopback port, from `with` to the end of its block.

    `command` may hold `{port}`. What the server prints goes to `log`.
    """

    def __init__(
        self, command: Sequence[object], log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        self._command = [str(word).format(port=self.port) for word in command]
        self._env = {**os.environ, **(env or {})}
        self._cwd = cwd

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, env=self._env, cwd=self._cwd, start_new_session=True
            )
        try:
            self._wait_until_it_listens(seconds=120)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _wait_until_it_listens(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{self._command[0]} did not start, see {self.log}") from None
                time.sleep(0.1)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def tree(self) -> list[psutil.Process]:
        process = psutil.Process(self._process.pid)
        return [process, *process.children(recursive=True)]

    def cpu(self) -> float:
        """CPU seconds, user and system, that the tree has used so far, ended children included."""
        return sum(sum(process.cpu_times()[:4]) for process in self.tree())

    def memory(self) -> str:
        """Of the largest process of the tree: the most it ever had resident, and its share of that now (PSS)."""
        pids = [process.pid for process in self.tree()]
        peak = max(_mib(pid, "status", "VmHWM") for pid in pids)
        share = max(_mib(pid, "smaps_rollup", "Pss") for pid in pids)
        return f"at most {peak:.0f} MiB resident, now {share:.0f} MiB its share"


def _mib(pid: int, file: str, field: str) -> float:
    found = re.search(rf"^{field}:\s+(\d+) kB$", Path(f"/proc/{pid}/{file}").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0
