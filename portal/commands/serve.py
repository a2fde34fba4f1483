"""`portal serve`: gunicorn on the configured data."""

import logging
import socket

import click
from sqlalchemy.exc import OperationalError

import portal.serve
from portal.commands.database import bring_up_to_date, make_app
from portal.errors import Conflict
from portal.extensions import db
from portal.settings import Settings
from portal.storage.base import StorageError, Store

log = logging.getLogger("portal.commands")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), help="Processes; by default one a core, two at least.")
def serve(host: str, port: int, workers: int | None) -> None:
    """Serve the portal on the configured data.

    The embedded database is made or upgraded first. Any other must be up to date; while it is away the portal comes up
    all the same, answers 503, and works as soon as the database is back.
    """
    settings = Settings.from_environ()
    require_free(host, port)
    prepare(settings)
    portal.serve.serve(settings, host, port, workers)


def prepare(settings: Settings) -> None:
    try:
        app = make_app(settings)
        with app.app_context():
            bring_up_to_date()
            db.engine.dispose()
    except OperationalError as error:
        log.warning("the database does not answer, which /readyz says until it does: %s", error.orig)
    else:
        tell_storage(app.extensions["storage"])


def tell_storage(storage: Store) -> None:
    """Says why nothing can be stored; the portal comes up all the same, and stores as soon as it can."""
    try:
        storage.ready()
    except (StorageError, OSError) as error:
        log.warning("the storage cannot be written, which /readyz says until it can: %s", error)


def require_free(host: str, port: int) -> None:
    """Conflict where another program listens there, before a page is promised to anybody."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as error:
        raise Conflict(f"Cannot listen on {host}, port {port}: {error.strerror}.") from None
