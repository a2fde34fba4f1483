"""The command `portal` as people run it: a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

from flask import Flask

PORTAL = [sys.executable, "-c", "from portal.cli import main; main()"]


def surroundings(data_dir: Path, **variables: str) -> dict[str, str]:
    """This process's environment without any setting of a portal but these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    return {**inherited, "PORTAL_DATA_DIR": str(data_dir), **variables}


def start(environ: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([*PORTAL, *arguments], env=environ, stdout=pipe, stderr=pipe, text=True)


def portal(environ: dict[str, str], *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Without a terminal: what it asks for is read from `typed`."""
    return subprocess.run(
        [*PORTAL, *arguments],
        env=environ,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
    )


def environ_of(app: Flask) -> dict[str, str]:
    settings = app.extensions["portal"]
    return surroundings(settings.data_dir, **settings.as_environ())
