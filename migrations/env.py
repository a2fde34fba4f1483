"""Runs migrations on the portal's own engine, one transaction for all of them."""

from alembic import context
from flask import current_app

from portal.extensions import db


def run() -> None:
    engine = db.engine
    # SQLite cannot alter a table in place: it is copied, which must not fire the foreign keys that point at it.
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.rollback()
        connection = connection.execution_options(writes=True)
        configure = current_app.extensions["migrate"].configure_args
        context.configure(connection=connection, target_metadata=db.metadata, **configure)
        with context.begin_transaction():
            context.run_migrations()
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
            connection.rollback()


if context.is_offline_mode():
    raise SystemExit("The portal's migrations run on a database; there is no offline mode.")
run()
