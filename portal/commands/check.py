"""`portal check`: is everything that was stored still there, byte for byte?"""

import sys

import click

from portal import check as examine
from portal.check import Finding, Trouble
from portal.commands.database import on_database
from portal.web.figures import counted, human_size


@click.command()
@click.pass_context
@on_database
def check(context: click.Context) -> None:
    """Compare every stored file's SHA-256 with the database, the counts of records with the records, and examine the
    database itself.

    Names what is missing, damaged or orphaned, one a line. Damaged files are no longer given out, until they are whole
    again and a check has seen it. Exits 1 on damage; orphaned bytes are none.
    """
    broken = examine.database()
    for line in broken:
        click.echo(f"database {line}")
    miscounted = list(examine.roll_up())
    for line in miscounted:
        click.echo(f"roll-up {line}")
    size = examine.total_size()
    with click.progressbar(length=size, label=f"Reading {human_size(size)}", file=sys.stderr) as bar:
        found = [_told(finding) for finding in examine.files(bar.update)]
    orphans = [_told(finding) for finding in examine.orphans()]
    damaged = sum(finding.trouble is not Trouble.ORPHANED for finding in found)
    click.echo(f"{counted(damaged, 'file')} missing or damaged, {len(orphans)} orphaned.", err=True)
    context.exit(1 if broken or miscounted or damaged else 0)


def _told(finding: Finding) -> Finding:
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)  # the line of the progress bar, which draws itself again
    click.echo(f"{finding.trouble} {finding.key} {finding.about}")
    return finding
