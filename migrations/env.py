"""Runs migrations on the portal's own engine, one transaction for all of them."""

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from portal import alone
from portal.extensions import db
from portal.sqlite import make_file


def run() -> None:
    engine = db.engine
    if engine.dialect.name == "sqlite":
        make_file(engine)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            _enforce_foreign_keys(connection, False)
        connection = connection.execution_options(writes=True)
        configure = current_app.extensions["migrate"].configure_args
        context.configure(connection=connection, target_metadata=db.metadata, **configure)
        try:
            with context.begin_transaction():
                if engine.dialect.name == "postgresql":
                    alone.take(connection, alone.Work.UPGRADE, wait=True)
                context.run_migrations()
        finally:
            connection.rollback()  # of the look at what is to be done, where there was nothing
            if engine.dialect.name == "sqlite":
                _enforce_foreign_keys(connection, True)


def _enforce_foreign_keys(connection: Connection, is_on: bool) -> None:
    """SQLite cannot alter a table in place: it is copied, and the old one dropped, with all that refers to it.

    Within a transaction the pragma does nothing, and SQLAlchemy would begin one: it goes past it.
    """
    raw = connection.connection.driver_connection
    assert raw is not None
    assert not raw.in_transaction
    raw.execute(f"PRAGMA foreign_keys={'ON' if is_on else 'OFF'}")
    assert raw.execute("PRAGMA foreign_keys").fetchone() == (int(is_on),)


if context.is_offline_mode():
    raise SystemExit("The portal's migrations run on a database; there is no offline mode.")
run()
