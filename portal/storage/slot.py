"""One chunk on its way from the source into the data file."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import suppress

from portal.storage.base import Conflict, ShortBody, Source, StorageError, StoredChunk, require_fit
from portal.storage.files import PIECE, start_writing, write_all
from portal.storage.journal import Journal
from portal.storage.locks import holder, lock
from portal.storage.log import Log

_STRETCH = 4 << 20  # bytes handed to the disk at a time while the next ones come


class Slot:
    """The bytes of the data file that this writer alone may write, until the descriptor is closed.

    A chunk of a declared upload goes to its home, unless its acknowledged bytes are there or somebody else is
    writing them; any other goes where no acknowledged chunk and no other writer is.
    """

    def __init__(self, journal: Journal, data: int, idx: int, length: int, once: bool = False) -> None:
        require_fit(journal.size, journal.chunk_size, idx, length)
        self._journal, self._data, self._idx, self._length, self._once = journal, data, idx, length, once
        with journal.appending() as log:
            self._require_first(log)
            self._generation = journal.open_generation()
            self._offset = self._claim(log) if length else 0

    def fill(self, source: Source) -> bytes:
        """Write what the source gives, and return its sha256. Not durable yet."""
        digest, at = hashlib.sha256(), self._offset
        started = at
        for piece in pieces(source, self._length):
            digest.update(piece)
            with self._journal.writing(self._generation):
                write_all(self._data, piece, at)
            at += len(piece)
            if at - started >= _STRETCH:
                start_writing(self._data, started, at - started)
                started = at
        return digest.digest()

    def keep(self, sha256: bytes) -> StoredChunk:
        """From here on the chunk is these bytes, durably."""
        os.fdatasync(self._data)
        chunk = StoredChunk(self._length, sha256)
        with self._journal.appending() as log, self._journal.writing(self._generation):
            self._require_first(log)
            self._journal.add_chunk(self._idx, self._offset, chunk)
        return chunk

    def give_up(self) -> None:
        """Let the disk have back what was written past everything else."""
        with suppress(StorageError, OSError), self._journal.appending() as log:
            past = max(log.space.end, self._journal.size or 0)
            with self._journal.writing(self._generation):
                if self._length and self._offset >= past and not holder(self._data, past, 0):
                    os.ftruncate(self._data, past)

    def _require_first(self, log: Log) -> None:
        if self._once and self._idx in log.chunks:
            raise Conflict(f"chunk {self._idx} is there already")

    def _claim(self, log: Log) -> int:
        home, held = log.home(self._idx), log.offsets.get(self._idx)
        if log.in_place and held != home and self._lock(home):
            if held is not None:
                self._settle(log)
            return home
        for place in log.space.places(self._length):
            if self._lock(place):
                if place < log.peak:
                    self._settle(log)
                return place
        place = log.space.end
        while not self._lock(place):
            other = holder(self._data, place, self._length)
            place = sum(other) if other else place
        return place

    def _lock(self, place: int) -> bool:
        return lock(self._data, place, self._length, wait=False)

    def _settle(self, log: Log) -> None:
        """Bytes that an older record names are only free once the newer one is durable, or a power cut would bring the
        older one back with our bytes under it."""
        if log.unsynced:
            self._journal.sync()


def pieces(source: Source, length: int) -> Iterator[memoryview]:
    """Exactly `length` bytes in pieces of at most PIECE, all in the same memory where the source can do that.
    ShortBody if it ends or breaks before."""
    read_into = getattr(source, "readinto", None)
    buffer = memoryview(bytearray(min(length, PIECE) if read_into else 0))
    while length:
        wanted = min(length, PIECE)
        try:
            if read_into:
                piece = buffer[: _fill(read_into, buffer[:wanted])]
            else:
                piece = memoryview(source.read(wanted))[:wanted]
        except OSError as error:
            raise ShortBody(f"the source broke: {error!r}") from error
        if not piece:
            raise ShortBody(f"{length} bytes did not come")
        yield piece
        length -= len(piece)


def _fill(read_into: Callable[[memoryview], int | None], buffer: memoryview) -> int:
    """Few large writes cost less than many small ones, and sockets give what they happen to have."""
    filled = 0
    while filled < len(buffer) and (size := read_into(buffer[filled:])):
        filled += size
    return filled
