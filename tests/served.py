"""The portal as `portal serve` runs it, in processes of its own that a test may kill, and a bad line to it."""

import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest
from flask import Flask

SERVE = """
import sys
from portal.serve import serve
from portal.settings import Settings
serve(Settings.from_environ(), port=int(sys.argv[1]), workers=2)
"""


RESET = struct.pack("ii", 1, 0)


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Served:
    """`app`'s settings behind gunicorn, on a port that stays the same over kill() and start()."""

    def __init__(self, app: Flask, log: Path) -> None:
        self.environ = {**os.environ, **app.extensions["portal"].as_environ()}
        self.port, self.log = free_port(), log
        self.address = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        with open(self.log, "ab") as log:
            command = [sys.executable, "-c", SERVE, str(self.port)]
            self.process = subprocess.Popen(command, env=self.environ, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 120
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """As the power would: nobody gets to say goodbye."""
        workers = psutil.Process(self.process.pid).children()
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        psutil.wait_procs(workers)  # until the last is gone, the port is theirs


class Line:
    """A TCP line to `port`: `rate` bytes a second upwards, reset after about every `cut_every` bytes; 0 is no limit."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.rate = self.cut_every = 0
        self.carried = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        with near, suppress(OSError), socket.create_connection(("127.0.0.1", self.target), 5) as far:
            down = threading.Thread(target=self._carry, args=(far, near), daemon=True)
            down.start()
            self._carry(near, far, upwards=True)
            down.join()

    def _carry(self, source: socket.socket, target: socket.socket, upwards: bool = False) -> None:
        left = random.expovariate(1 / self.cut_every) if upwards and self.cut_every else float("inf")
        with suppress(OSError):
            while data := source.recv(16 << 10):
                left -= len(data)
                if left < 0:
                    for end in (source, target):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                        end.shutdown(socket.SHUT_RD)
                    return
                if upwards and self.rate:
                    time.sleep(len(data) / self.rate)
                target.sendall(data)
                self.carried += len(data) if upwards else 0
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def served(app: Flask, tmp_path: Path) -> Iterator[Served]:
    server = Served(app, tmp_path / "server.log")
    yield server
    if server.process.poll() is None:
        server.kill()
    assert not psutil.pid_exists(server.process.pid)


@pytest.fixture
def line(served: Served) -> Iterator[Line]:
    line = Line(served.port)
    yield line
    line.close()
