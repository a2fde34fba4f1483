"""`portal check`: is everything that was stored still there, byte for byte?"""

import sys

import click

from portal import check as examine
from portal import consistency
from portal.check import Finding, Trouble
from portal.commands.database import on_database
from portal.commands.progress import bar, interruptible
from portal.web.figures import counted


@click.command()
@click.pass_context
@on_database
def check(context: click.Context) -> None:
    """Compare every stored file's SHA-256 with the database, the counts of records with the records, what rows say of
    each other, and examine the database itself. The portal may serve meanwhile.

    Names what is missing, damaged or orphaned, one a line. Damaged files are no longer given out, until they are whole
    again and a check has seen it. Exits 1 on damage; orphaned bytes are none. Ctrl-C at any time: what was found until
    then stays marked.
    """
    broken = examine.database()
    for line in broken:
        click.echo(f"database {line}")
    miscounted = list(examine.roll_up())
    for line in miscounted:
        click.echo(f"roll-up {line}")
    untrue = list(consistency.broken())
    for line in untrue:
        click.echo(f"untrue {line}")
    lost = list(consistency.lost_uploads())
    for upload_id in lost:
        click.echo(f"missing staging/{upload_id} what has arrived of an upload")
    with interruptible("what was found stays marked"), bar("Reading", examine.total_size()) as more:
        found = [_told(finding) for finding in examine.files(more)]
    orphans = [_told(finding) for finding in examine.orphans()]
    damaged = sum(finding.trouble is not Trouble.ORPHANED for finding in found)
    click.echo(f"{counted(damaged, 'file')} missing or damaged, {len(orphans)} orphaned.", err=True)
    if consistency.lacks_administrator():
        click.echo("Nobody is an administrator; `portal user create … --admin` makes one.", err=True)
    context.exit(1 if broken or miscounted or untrue or lost or damaged else 0)


def _told(finding: Finding) -> Finding:
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)  # the line of the progress bar, which draws itself again
    click.echo(f"{finding.trouble} {finding.key} {finding.about}")
    return finding
