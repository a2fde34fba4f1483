"""From acknowledged chunks to one published file: sealed, in order, hashed, renamed."""

import os
import time
from pathlib import Path

from portal.durable import sync_folder
from portal.storage.base import Conflict, Damaged, Incomplete, Missing, Progress, Stop, Stopped
from portal.storage.files import hash_file, opened, read_pieces, write_all
from portal.storage.journal import Journal, is_sealed
from portal.storage.log import Log
from portal.storage.staging import DATA, PART, WHOLE

_PATIENCE = 0.05  # seconds between two looks whether the other finisher is done


def _ignore(_size: int) -> None:
    pass


class Finisher:
    """The only one who works on the end of an upload, from here until the journal is closed.

    Once the upload is sealed its log changes by our own hand alone, so it is read without the appending lock.
    """

    def __init__(self, folder: Path, journal: Journal, stop: Stop) -> None:
        self._folder, self._journal, self._stop = folder, journal, stop
        while not journal.take_finishing():
            if stop():
                raise Stopped("waiting for another finisher")
            time.sleep(_PATIENCE)

    def assemble(self, progress: Progress) -> int:
        log = self._seal()
        if self._staged(log) is None:
            with opened(self._folder / DATA, os.O_RDWR) as data:
                if log.in_place:
                    self._bring_home(log, data, progress)
                if log.in_order():
                    self._cut(log, data)
                else:
                    self._write_whole(log, data, progress)
        return log.total()

    def hash(self, progress: Progress) -> tuple[int, str]:
        log, generation = self._sealed()
        if log.hashed is None or log.hashed[0] != generation:
            path = self._staged(log)
            if path is None:
                raise Conflict("the upload is not assembled")
            with opened(path, os.O_RDONLY) as staged:
                size, sha256 = hash_file(staged, progress, self._stop)
            with self._journal.appending():
                self._journal.add_hash(self._journal.generation(), size, sha256)
            return size, sha256
        return log.hashed[1:]

    def publish(self, final: Path, sha256: str) -> None:
        """Rename the bytes to `final`; durable once its folder is synced."""
        log, generation = self._sealed()
        path = self._staged(log)
        if path is None:
            raise Missing("the staged bytes are gone")
        if log.hashed is None or (log.hashed[0], log.hashed[2]) != (generation, sha256):
            raise Conflict("these are not the bytes that were hashed")
        if os.path.lexists(final):  # after a crash before the clearing, if the bytes were put in order again
            with opened(final, os.O_RDONLY) as published:
                if hash_file(published, _ignore, self._stop)[1] != sha256:
                    raise Conflict("the key holds another file")
            return
        with opened(path, os.O_RDONLY) as staged:
            os.fchmod(staged, 0o400)
            os.fsync(staged)
        path.rename(final)

    def _seal(self) -> Log:
        with self._journal.appending() as log:
            generation = self._journal.generation()
            if not is_sealed(generation):
                if missing := self._journal.received().missing():
                    raise Incomplete(missing)
                self._journal.turn(generation + 1)
            return log

    def _sealed(self) -> tuple[Log, int]:
        with self._journal.appending() as log:
            generation = self._journal.generation()
            if not is_sealed(generation):
                raise Conflict("the upload is open")
            return log, generation

    def _staged(self, log: Log) -> Path | None:
        """The file that holds the upload's bytes in order and nothing else, if there is one by now."""
        path = self._folder / (DATA if log.in_order() else WHOLE)
        try:
            return path if path.stat().st_size == log.total() else None
        except FileNotFoundError:
            return None

    def _bring_home(self, log: Log, data: int, progress: Progress) -> None:
        """Copy the chunks that came while somebody else was at their home."""
        away = [(idx, chunk) for idx, chunk in log.chunks.items() if log.offsets[idx] != log.home(idx)]
        done = 0
        for idx, chunk in away:
            done = self._copy(data, log.offsets[idx], chunk.length, data, log.home(idx), done, progress)
        os.fdatasync(data)
        with self._journal.appending():
            for idx, chunk in away:
                self._journal.add_chunk(idx, log.home(idx), chunk)

    def _cut(self, log: Log, data: int) -> None:
        if os.fstat(data).st_size < log.total():
            raise Damaged("acknowledged bytes are gone")
        os.ftruncate(data, log.total())
        os.fsync(data)

    def _write_whole(self, log: Log, data: int, progress: Progress) -> None:
        done = 0
        part = self._folder / PART
        try:
            with opened(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as whole:
                for offset, length in log.runs():
                    done = self._copy(data, offset, length, whole, done, done, progress)
                os.fsync(whole)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        part.rename(self._folder / WHOLE)
        sync_folder(self._folder)

    def _copy(self, source: int, offset: int, length: int, target: int, at: int, done: int, progress: Progress) -> int:
        copied = 0
        for piece in read_pieces(source, offset, length, self._stop):
            write_all(target, piece, at + copied)
            copied += len(piece)
            progress(done + copied)
        if copied < length:
            raise Damaged("acknowledged bytes are gone")
        return done + copied


def reopen(folder: Path, journal: Journal) -> None:
    if not journal.take_finishing():
        raise Conflict("somebody is finishing the upload")
    if is_sealed(journal.generation()):
        # Durably gone before a chunk may change: one that a power cut brought back would pass for the new whole.
        (folder / WHOLE).unlink(missing_ok=True)
        sync_folder(folder)
        with journal.appending():
            journal.turn(journal.generation() + 1)
