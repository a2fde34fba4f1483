"""`portal serve` turns into the server, with the surroundings that the server needs."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

COMMAND = (
    "from portal.serve import serve; from portal.settings import Settings; serve(Settings.from_environ(), port={})"
)


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def served(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    paths = os.pathsep.join(path for path in sys.path if path)
    environ = {**os.environ, "PYTHONPATH": paths, "PORTAL_DATA_DIR": str(tmp_path), "PORTAL_SIGNUP": "closed"}
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-c", COMMAND.format(port)]
        process = subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=log, stderr=log)
    yield process
    process.kill()
    process.wait()


def health(port: int, log: Path) -> int:
    deadline = time.monotonic() + 20
    while True:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", "/healthz")
                with closing(connection.getresponse()) as answer:
                    return answer.status
        except OSError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads another process's environment from /proc")
def test_the_process_becomes_gunicorn_with_its_memory_settings_made_before_python_starts(served, port, tmp_path):
    assert health(port, tmp_path / "log") == 200
    surroundings = Path(f"/proc/{served.pid}/environ").read_bytes().split(b"\0")
    assert b"MALLOC_TRIM_THRESHOLD_=268435456" in surroundings
    assert b"MALLOC_MMAP_THRESHOLD_=67108864" in surroundings
    assert b"PORTAL_SIGNUP=closed" in surroundings
    assert b"gunicorn" in Path(f"/proc/{served.pid}/cmdline").read_bytes()


def test_it_ends_well_when_it_is_asked_to(served, port, tmp_path):
    assert health(port, tmp_path / "log") == 200
    served.terminate()
    assert served.wait(60) == 0  # requests that run are given 30 s
