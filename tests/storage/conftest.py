from collections.abc import Callable
from pathlib import Path

import pytest

from portal.storage.base import Store
from portal.storage.disk import DiskStore

pytest.register_assert_rewrite("tests.storage.store_contract")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def another_process(root: Path) -> Callable[[], Store]:
    """A store that shares nothing with the others but the disk."""
    return lambda: DiskStore(root)
