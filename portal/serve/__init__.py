"""`portal serve`: gunicorn on the configured data, see ../README.md for why it is set up the way it is."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from typing import NoReturn

from portal.settings import Settings

# glibc reads these before Python runs: without the thresholds every piece of an upload is mapped, faulted in and
# unmapped anew; with an arena for each few threads, parallel uploads take half as much memory again.
MALLOC = {
    "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20),
    "MALLOC_MMAP_THRESHOLD_": str(64 * 2**20),
    "MALLOC_ARENA_MAX": "2",
}


def serve(settings: Settings, host: str = "127.0.0.1", port: int = 8000, workers: int | None = None) -> NoReturn:
    """Becomes the server: this process is replaced by gunicorn's and keeps its id. SIGTERM ends it gracefully."""
    allow_many_connections()
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    arguments = ["-P", "-m", "gunicorn", "--config", "python:portal.serve.gunicorn_settings", "--bind", address]
    arguments += ["--workers", str(workers or default_workers()), "portal.serve.application:make()"]
    measured = {"PROMETHEUS_MULTIPROC_DIR": tempfile.mkdtemp(prefix="portal-metrics-")}
    environ = {**os.environ, **MALLOC, **measured, **settings.as_environ()}
    os.execve(sys.executable, [sys.executable, *arguments], environ)  # noqa: S606 - no shell is meant


def default_workers() -> int:
    """One a core; two at least, so that one that dies is not the last."""
    return min(max(os.cpu_count() or 1, 2), 8)


def allow_many_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
