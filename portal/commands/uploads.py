"""`portal uploads`: what becomes of uploads that nobody finishes."""

from datetime import timedelta

import click

from portal.commands.database import on_database
from portal.errors import Unavailable
from portal.uploads import sweep
from portal.web.figures import counted, human_size


@click.group()
def uploads() -> None:
    """Unfinished uploads."""


@uploads.command()
@click.option(
    "--grace",
    metavar="SECONDS",
    type=click.IntRange(0, 10**8),
    default=int(sweep.GRACE.total_seconds()),
    show_default=True,
    help="Spare bytes that no row knows while they are younger than this.",
)
@click.option("--sure", is_flag=True, help="Remove what is orphaned even where this looks like the wrong database.")
@on_database
def reap(grace: int, sure: bool) -> None:
    """Remove expired uploads and orphaned bytes. A running portal does so by itself every quarter of an hour."""
    swept = sweep.reap(timedelta(seconds=grace), sure=sure)
    lines = {
        counted(swept.expired, "upload") + " expired": swept.expired,
        counted(swept.staged, "staging area") + " removed": swept.staged,
        counted(swept.files, "stored file") + f" without an owner removed, {human_size(swept.size)}": swept.files,
        counted(swept.forgotten, "upload") + " forgotten": swept.forgotten,
        counted(swept.sessions, "login") + " ended": swept.sessions,
        counted(swept.attempts, "old login attempt") + " forgotten": swept.attempts,
    }
    for line, number in lines.items():
        if number:
            click.echo(line)
    if swept.failed:
        raise Unavailable(f"{counted(swept.failed, 'thing')} could not be removed; the lines above say why.")
    if not any(lines.values()):
        click.echo("Nothing to remove.")
