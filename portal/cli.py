"""The command `portal`: the Flask CLI of this app, and the verbs of whoever runs the server."""

import os
from typing import Any

import click
from flask.cli import FlaskGroup
from flask_migrate.cli import db
from sqlalchemy.exc import DBAPIError

import portal
from portal.commands.backup import backup, restore
from portal.commands.check import check
from portal.commands.database import make_app
from portal.commands.demo import demo
from portal.commands.deploy import deploy
from portal.commands.records import records
from portal.commands.serve import serve
from portal.commands.token import token
from portal.commands.upload import upload
from portal.commands.uploads import uploads
from portal.commands.user import user
from portal.errors import PortalError
from portal.settings import SettingError, warn_of_unknown
from portal.storage.base import StorageError


class BadSetting(click.ClickException):
    exit_code = 2


class PortalGroup(FlaskGroup):
    def list_commands(self, ctx: click.Context) -> list[str]:
        """Without making the app: whoever asks for help wants no data directory."""
        self._load_plugin_commands()
        return click.Group.list_commands(self, ctx)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Without Flask's --app and --env-file: there is one app here, and it is configured by PORTAL_ variables."""
        return [param for param in super().get_params(ctx) if param.name not in ("app", "env_file", "debug")]

    def invoke(self, ctx: click.Context) -> Any:
        warn_of_unknown(os.environ)
        try:
            return super().invoke(ctx)
        except SettingError as error:
            raise BadSetting(str(error)) from None
        except PortalError as error:
            raise click.ClickException(error.detail) from None
        except StorageError as error:
            raise click.ClickException(f"The storage does not work: {error}") from None
        except DBAPIError as error:
            raise click.ClickException(f"The database does not work: {' '.join(str(error.orig).split())}") from None


@click.group(cls=PortalGroup, create_app=make_app, add_version_option=False, load_dotenv=False)
@click.version_option(portal.__version__, prog_name="portal", message="%(prog)s %(version)s")
def cli() -> None:
    """Model Portal: models and scripts, uploads that survive anything."""


for command in (backup, check, db, demo, deploy, records, restore, serve, token, upload, uploads, user):
    cli.add_command(command)


def main() -> None:
    """Entry point of the command. What it writes, the server's files included, only its own user reads."""
    os.umask(0o077)
    cli.main(prog_name="portal")
