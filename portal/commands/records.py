"""`portal records`: many records from a file, from the command line."""

import sys
import time
from collections.abc import Iterator
from typing import IO

import click

from portal.commands.database import on_database
from portal.domain import record_bulk, record_lines, record_sheets, rules
from portal.domain.entries import Entry
from portal.domain.kinds import BY_WORD
from portal.domain.record_bulk import Loaded
from portal.domain.sessions import actor_for
from portal.errors import NotFound
from portal.extensions import db
from portal.security.actor import Via
from portal.web.figures import counted

MOST_SHOWN = 20
_PIECE = 256 << 10


@click.group()
def records() -> None:
    """Records of models and scripts."""


@records.command("import")
@click.argument("entry_id")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--csv", "is_csv", is_flag=True, help="FILE is CSV, whatever its name is.")
@click.option("--dry-run", is_flag=True, help="Only say what would become of every line.")
@click.pass_context
@on_database
def import_(context: click.Context, entry_id: str, file: str, is_csv: bool, dry_run: bool) -> None:
    """Add the records of FILE (NDJSON, or CSV; - is standard input) to the model or script ENTRY_ID, as its owner.

    Lines that will not do are shown and left out; the exit code is 1 then. Ctrl-C at any time: run it again, and what
    is there already is passed over.
    """
    entry = db.session.get(Entry, entry_id.lower()) if rules.is_id(entry_id) else None
    if entry is None:
        raise NotFound(f"There is no model or script {entry_id}.")
    actor, kind = actor_for(entry.owner, Via.COMMAND), BY_WORD[entry.kind]
    read = record_sheets.read_csv if is_csv or file.lower().endswith(".csv") else record_lines.read_ndjson
    loaded = Loaded()
    source = context.with_resource(click.open_file(file, "rb"))
    progress = Progress(source)
    try:
        for so_far in record_bulk.add_many(actor, entry, read(kind, progress.pieces()), rehearsal=dry_run):
            loaded = so_far
            progress.show(loaded)
    except KeyboardInterrupt:
        progress.end()
        click.echo(f"{_summary(loaded, dry_run)} Interrupted; run it again to go on.", err=True)
        raise click.exceptions.Exit(130) from None
    progress.end()
    _show_wrong(loaded)
    click.echo(_summary(loaded, dry_run))
    if loaded.wrong:
        raise click.exceptions.Exit(1)


def _summary(loaded: Loaded, dry_run: bool) -> str:
    would = "would be " if dry_run else ""
    sentences = [f"{counted(loaded.inserted, 'record')} {would}added"]
    if loaded.present:
        sentences.append(f"{counted(loaded.present, 'line')} there already")
    if loaded.wrong:
        sentences.append(f"{counted(loaded.wrong, 'line')} left out")
    return ", ".join(sentences) + "."


def _show_wrong(loaded: Loaded) -> None:
    wrong = [each for each in loaded.rejected if not each.is_present]
    for line, error, _ in wrong[:MOST_SHOWN]:
        click.echo(f"line {line}: {error}", err=True)
    if loaded.wrong > len(wrong[:MOST_SHOWN]):
        click.echo(f"… and {counted(loaded.wrong - len(wrong[:MOST_SHOWN]), 'more line')}", err=True)


class Progress:
    """Of reading a file: how much of it, how many records a second, how long still. Silent where nobody looks."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._read = file, 0
        self._size = self._size_of(file)
        self._began = time.monotonic()
        self._shown = sys.stderr.isatty()

    def pieces(self) -> Iterator[bytes]:
        while piece := self._file.read(_PIECE):
            self._read += len(piece)
            yield piece

    def show(self, loaded: Loaded) -> None:
        if not self._shown:
            return
        seconds = max(time.monotonic() - self._began, 0.001)
        done = loaded.inserted + loaded.present + loaded.wrong
        parts = [f"{done:,} lines", f"{done / seconds:,.0f}/s"]
        if self._size:
            share = min(self._read / self._size, 1)
            left = seconds / share - seconds if share else 0
            filled = round(30 * share)
            parts = [f"[{'#' * filled}{'.' * (30 - filled)}] {share:4.0%}", *parts, f"{left:.0f} s left"]
        click.echo(f"\r{'  '.join(parts)}\x1b[K", nl=False, err=True)

    def end(self) -> None:
        if self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)

    @staticmethod
    def _size_of(file: IO[bytes]) -> int:
        """0 where the end is not known beforehand."""
        if not file.seekable():
            return 0
        size = file.seek(0, 2)
        file.seek(0)
        return size
