"""Flask-Migrate on the portal: apart, because what only serves need not carry Alembic (10 MiB a worker)."""

from pathlib import Path

from flask import Flask
from flask_migrate import Migrate

from portal.extensions import db
from portal.search.texts import TRIGRAMS

migrate = Migrate()


def attach(app: Flask, migrations: Path) -> None:
    """From now on `flask_migrate`'s verbs work in the application context of `app`."""
    migrate.init_app(app, db, directory=str(migrations), render_as_batch=True, include_name=_is_everywhere)


def _is_everywhere(name: str | None, kind: str, _within: object) -> bool:
    """What some databases have and others cannot is no difference from the tables of the code."""
    return not (kind == "index" and name == TRIGRAMS)
