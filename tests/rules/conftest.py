"""What needs no database: the wired portal on a file that is never opened."""

from pathlib import Path

import pytest
from flask import Flask

from portal import create_app
from tests.databases import settings


@pytest.fixture(scope="session")
def bare_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder: Path = tmp_path_factory.mktemp("bare")
    return create_app(settings(folder, f"sqlite:///{folder / 'portal.db'}"))
