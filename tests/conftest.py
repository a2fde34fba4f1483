"""Every test that asks for `app` runs on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from portal import create_app
from portal.domain.kinds import KINDS, Kind
from portal.extensions import db
from tests import databases, stored
from tests.documented import Watch
from tests.people import People, make_people


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> databases.SqliteFiles:
    return databases.SqliteFiles(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[databases.PostgresqlServer]:
    server = databases.PostgresqlServer(tmp_path_factory.mktemp("postgresql"))
    yield server
    server.stop()


@pytest.fixture(params=databases.NAMES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    maker = request.getfixturevalue("sqlite_files" if request.param == "sqlite" else "postgresql_server")
    with maker.fresh(tmp_path) as url:
        yield url


@pytest.fixture
def make_app(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Makes the portal on the fresh database with settings of the test's choice; its JSON is held to its document."""
    made = []
    watches = []

    def make(**given: object) -> Flask:
        if request.node.get_closest_marker("disk"):
            given = {**stored.folder_settings(tmp_path), **given}
        app = create_app(databases.settings(tmp_path, database_url, **given))
        app.testing = True
        if stored.ON_S3:
            app.test_client_class = stored.FollowingClient
        watches.append(Watch(app))
        made.append(app)
        return app

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()
    undocumented = [complaint for watch in watches for complaint in (*watch.complaints, *watch.unheard)]
    assert not undocumented, "\n".join(["answers that /api/openapi.json does not describe:", *undocumented])


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app()


@pytest.fixture
def people(app: Flask) -> People:
    return make_people(app)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.word)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param
