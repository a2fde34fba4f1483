"""The database that a command works on: the embedded one is made and upgraded as needed, any other by its owner."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade

from portal import create_app, folder
from portal.data_dir import require_restored
from portal.errors import Conflict
from portal.extensions import db
from portal.schema import attach, migrate
from portal.settings import SettingError, Settings
from portal.sqlite import make_file

P = ParamSpec("P")
R = TypeVar("R")


def make_app(settings: Settings | None = None) -> Flask:
    """The portal, by default on the environment's settings; the embedded database has tables even on its first day."""
    app = create_app(settings)
    attach(app, folder("migrations"))
    settings = app.extensions["portal"]
    if settings.is_embedded:
        require_restored(settings.data_dir)
        with app.app_context(), one_at_a_time(settings.data_dir):
            make_file(db.engine)
            if not _revisions():
                upgrade()
    return app


def on_database(command: Callable[P, R]) -> Callable[P, R]:
    """The command runs in an application context, on a database that has the tables it needs."""

    @wraps(command)
    def on_tables(*args: P.args, **kwargs: P.kwargs) -> R:
        bring_up_to_date()
        return command(*args, **kwargs)

    return with_appcontext(on_tables)


def bring_up_to_date() -> None:
    """Upgrades the embedded database; of any other says what is to be done (Conflict)."""
    settings: Settings = current_app.extensions["portal"]
    if settings.is_embedded:
        with one_at_a_time(settings.data_dir):
            if _is_behind():
                upgrade()
    elif _is_behind():
        raise Conflict("The database lacks this version's migrations. Run `portal db upgrade`, then try again.")


@contextmanager
def one_at_a_time(data_dir: Path) -> Iterator[None]:
    """Within the block no other command changes the embedded database's tables, not even one of another process."""
    try:
        file = (data_dir / "upgrade.lock").open("a")
    except OSError as error:
        raise SettingError(f"PORTAL_DATA_DIR takes a folder that the portal may write: {error}") from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_behind() -> bool:
    """Whether migrations are pending. Conflict where the database comes from a newer version of the portal."""
    scripts = ScriptDirectory.from_config(migrate.get_config())
    known = {script.revision for script in scripts.walk_revisions()}
    applied = _revisions()
    if applied - known:
        raise Conflict("A newer version of Model Portal has made or upgraded this database. Install that version.")
    return applied != set(scripts.get_heads())


def _revisions() -> set[str]:
    with db.engine.connect() as connection:
        return set(MigrationContext.configure(connection).get_current_heads())
