"""`portal backup` and `portal restore`: the embedded portal into a folder, and out of it again."""

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from portal.backup import making, restoring
from portal.backup.home import Refused
from portal.backup.making import Lack
from portal.commands.progress import bar, interruptible
from portal.settings import Settings
from portal.web.figures import counted, exact_time, human_size


class NotDone(click.ClickException):
    exit_code = 2


folder = click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))


@click.command()
@folder
@click.pass_context
@with_appcontext
def backup(context: click.Context, folder: Path) -> None:
    """Copy the database, the stored files and the secret key into DIR, while the portal serves.

    The next time only what is new is copied into the same DIR, and what was deleted goes. Stopped at any point, run it
    again; until it has come to its end DIR is the backup that it was before. Unfinished uploads are not part of it.

    Exits 1 where a file of the portal is missing or damaged; the rest is backed up all the same.
    """
    with _in_words(folder):
        made = making.make(current_app.extensions["portal"], folder, _copying)
    _show(made.lacking)
    manifest = made.manifest
    click.echo(
        f"{counted(manifest.files - len(made.lacking), 'file')} ({human_size(manifest.files_size)}; {made.new:,} new) "
        f"and the database ({human_size(manifest.database_size)}) are in {folder}."
    )
    if not manifest.has_secret_key:
        click.echo("The secret key is not: keep what PORTAL_SECRET_KEY says elsewhere.")
    if made.unfinished:
        click.echo(f"Not part of it: {counted(made.unfinished, 'unfinished upload')}.")
    context.exit(1 if made.lacking else 0)


@click.command()
@folder
@click.option("--incomplete", is_flag=True, help="Go on where files of the backup are missing or damaged.")
@click.pass_context
def restore(context: click.Context, folder: Path, incomplete: bool) -> None:
    """Make a portal of the backup in DIR, in a data directory (PORTAL_DATA_DIR) that is empty or not there.

    Every file is compared with its SHA-256 on the way. There is no portal until all is there; stopped at any point, run
    it again. Whoever was signed in signs in again; uploads that were unfinished begin anew.

    Exits 1, and makes no portal, where files of the backup are missing or damaged, unless --incomplete is given.
    """
    unmade = {"PORTAL_SECRET_KEY": secrets.token_urlsafe(48)}  # or a new key would be made, where the old one is to go
    settings = Settings.from_environ({**unmade, **os.environ})
    with _in_words(folder):
        restored = restoring.restore(settings, folder, _copying, incomplete=incomplete)
    _show(restored.lacking)
    manifest = restored.manifest
    if not restored.is_done:
        number = counted(len(restored.lacking), "file")
        raise click.ClickException(f"{number} of the backup missing or damaged. --incomplete goes on without.")
    click.echo(
        f"The portal of {exact_time(manifest.taken_at)} is in {settings.data_dir}: "
        f"{counted(manifest.files - len(restored.lacking), 'file')}, {human_size(manifest.files_size)}."
    )
    if not manifest.has_secret_key:
        click.echo("The secret key was not in its data directory: set PORTAL_SECRET_KEY as before.")
    context.exit(1 if restored.lacking else 0)


def _copying(what: str, size: int) -> AbstractContextManager[Callable[[int], None]]:
    return bar(f"Copying {what}", size)


def _show(lacking: Iterable[Lack]) -> None:
    for each in lacking:
        click.echo(f"not whole {each.key} {each.why}")


@contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    try:
        with interruptible("run it again to go on"):
            yield
    except Refused as error:
        raise NotDone(str(error)) from None
    except sqlite3.Error as error:
        raise click.ClickException(f"The database cannot be copied: {error}") from None
    except OSError as error:
        raise click.ClickException(f"{error.filename or folder}: {error.strerror}") from None
