"""The command `portal`: the Flask CLI of this app, and the verbs of whoever runs the server."""

from typing import Any

import click
from flask.cli import FlaskGroup

import portal
from portal.settings import SettingError

AGAINST_NO_DATABASE = {"upload"}


def _make_app() -> Any:
    try:
        return portal.create_app()
    except SettingError as error:
        raise click.ClickException(str(error)) from None


@click.group(
    cls=FlaskGroup, create_app=_make_app, add_default_commands=True, add_version_option=False, load_dotenv=False
)
@click.version_option(portal.__version__, prog_name="portal")
def cli() -> None:
    """Model Portal: models and scripts, uploads that survive anything."""


def main() -> None:
    """Entry point of the command."""
    cli.main(prog_name="portal")
