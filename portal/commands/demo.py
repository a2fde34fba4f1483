"""`portal demo`: a portal with something in it, in a folder of its own."""

import os
from collections.abc import Mapping

import click

import portal.serve
from portal.commands.database import bring_up_to_date, make_app, one_at_a_time
from portal.commands.serve import require_free
from portal.data_dir import default_data_dir
from portal.demo.content import fill, is_filled
from portal.demo.people import KEPT, PEOPLE, kept_passwords
from portal.demo.unfinished import FILE
from portal.errors import Conflict
from portal.extensions import db
from portal.settings import Settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
def demo(host: str, port: int) -> None:
    """Serve a portal with demonstration content.

    Everything is in one folder, PORTAL_DATA_DIR or "demo" in the default one, whatever database and storage are
    configured. Delete the folder to begin anew.
    """
    settings = demo_settings(os.environ)
    require_free(host, port)
    passwords = prepare(settings)
    address = f"[{host}]" if ":" in host else host
    click.echo(welcome(f"http://{address}:{port}", settings, passwords))
    portal.serve.serve(settings, host, port)


def demo_settings(environ: Mapping[str, str]) -> Settings:
    """Those of the environment, but never its database or storage. Conflict where the folder holds a real portal."""
    elsewhere = ("PORTAL_DATABASE_URL", "PORTAL_STORAGE_URL")
    given = {name: value for name, value in environ.items() if name not in elsewhere}
    given.setdefault("PORTAL_DATA_DIR", str(default_data_dir(environ) / "demo"))
    settings = Settings.from_environ(given)
    if (settings.data_dir / "portal.db").exists() and not (settings.data_dir / KEPT).exists():
        raise Conflict(f"{settings.data_dir} holds a portal that is no demonstration. Set PORTAL_DATA_DIR to another.")
    return settings


def prepare(settings: Settings) -> dict[str, str]:
    """Makes what is not there yet; passwords by user name."""
    passwords = kept_passwords(settings.data_dir)
    if not is_filled(settings.data_dir):
        click.echo("Making the demonstration's content: a few seconds, this once.")
    with make_app(settings).app_context():
        bring_up_to_date()
        with one_at_a_time(settings.data_dir):
            fill(settings.data_dir, passwords)
        db.engine.dispose()
    return passwords


def welcome(address: str, settings: Settings, passwords: Mapping[str, str]) -> str:
    rows = "\n".join(f"  {each.email:18} {passwords[each.username]:16} {each.role}" for each in PEOPLE)
    return f"""
Model Portal with demonstration content: {address}

Log in with e-mail and password:

{rows}

The file that finishes the upload: {settings.data_dir / FILE}
All of it is in {settings.data_dir}; Ctrl-C stops the server, the next start goes on.
"""
