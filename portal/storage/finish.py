"""From acknowledged chunks to one file: sealing, putting in order, hashing, publishing."""

import os
import time
from pathlib import Path

from portal.storage.base import Conflict, Damaged, Incomplete, Missing, Progress, Received, Stop, Stopped
from portal.storage.files import hash_file, opened, read_pieces, sync_folder, write_all
from portal.storage.journal import Journal, is_sealed
from portal.storage.log import Log

DATA = "data"
JOURNAL = "journal"
WHOLE = "whole"  # the chunks in order, where they are not so in DATA; exists only while sealed
PART = "whole.part"

_PATIENCE = 0.05  # seconds between two looks whether the other finisher has left


def received(journal: Journal, log: Log) -> Received:
    return Received(journal.size, journal.chunk_size, dict(log.chunks), is_sealed(journal.generation()))


def assemble(folder: Path, journal: Journal, progress: Progress, stop: Stop) -> int:
    _alone(journal, stop)
    with journal.appending() as log:
        generation = journal.generation()
        if not is_sealed(generation):
            if missing := received(journal, log).missing():
                raise Incomplete(missing)
            journal.turn(generation + 1)
        total, in_place, in_order = log.total(), log.in_place, log.in_order()
        away = [(idx, offset) for idx, offset in log.offsets.items() if offset != log.home(idx)]
        runs = list(log.runs())
    if _finished(folder, total, in_order) is not None:
        return total
    with opened(folder / DATA, os.O_RDWR) as data:
        if in_order:
            _cut(journal, data, total)
        elif in_place:
            _bring_home(journal, data, away, progress, stop)
            _cut(journal, data, total)
        else:
            _copy(journal, data, runs, folder, progress, stop)
    return total


def _alone(journal: Journal, stop: Stop) -> None:
    while not journal.take_finishing(wait=False):
        if stop():
            raise Stopped
        time.sleep(_PATIENCE)


def _finished(folder: Path, total: int, in_order: bool) -> Path | None:
    """The file that holds the upload's bytes and nothing else, if there is one by now."""
    path = folder / (DATA if in_order else WHOLE)
    try:
        return path if path.stat().st_size == total else None
    except FileNotFoundError:
        return None


def _cut(journal: Journal, data: int, total: int) -> None:
    if os.fstat(data).st_size < total:
        raise _lost(journal)
    os.ftruncate(data, total)
    os.fsync(data)


def _bring_home(journal: Journal, data: int, away: list[tuple[int, int]], progress: Progress, stop: Stop) -> None:
    """Copy the chunks that came while their home was taken. Nobody else writes there: the upload is sealed."""
