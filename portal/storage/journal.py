"""The journal of one upload: the truth about which chunks are acknowledged, and where their bytes lie.

A header of 64 bytes, then records of 64 bytes, only ever appended. Each record's checksum goes on from the one before,
so a torn tail, and whatever older records lie behind it, read as the end; the next record overwrites them.

The header ends with the generation, the one number that changes in place; it is odd while the upload is sealed. A
writer remembers it when it claims its place, and looks again, under a shared lock, at every write. Whoever changes it
holds the lock alone, and knows then that no writer of before will ever touch the bytes again, in any process.
"""

import os
import secrets
import struct
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from portal.storage.base import Damaged, Missing, Received, Sealed, StoredChunk
from portal.storage.files import write_all
from portal.storage.locks import lock, locked, unlock
from portal.storage.log import Log, Logs

_HEADER = struct.Struct("<8s16sqqI")  # magic, nonce, size, chunk size (-1: not declared), checksum
_MAGIC = b"portal1\n"
_GENERATION = struct.Struct("<q")
_GENERATION_AT = 56
_RECORD = struct.Struct("<4sQQQ32s")  # kind, index, offset, length, sha256
_CHUNK, _HASHED = b"chnk", b"hash"
_CHECKSUM = struct.Struct("<I")
RECORD_SIZE = 64
_READ = 1024 * RECORD_SIZE

_APPENDING = (0, 1)
_FINISHING = (1, 1)
_FENCE = (_GENERATION_AT, _GENERATION.size)
_DISCARDED = -1


def write_header(fd: int, size: int | None, chunk_size: int | None) -> None:
    """Begin a new journal. Not durable before a sync."""
    nonce = secrets.token_bytes(16)
    numbers = (-1 if size is None else size, -1 if chunk_size is None else chunk_size)
    checksum = zlib.crc32(_HEADER.pack(_MAGIC, nonce, *numbers, 0))
    os.pwrite(fd, _HEADER.pack(_MAGIC, nonce, *numbers, checksum).ljust(RECORD_SIZE, b"\0"), 0)


class Journal:
    """A journal opened for one call; the descriptor is closed by whoever opened it.

    Missing where there is no header yet, Damaged where it is not one of ours."""

    def __init__(self, fd: int, logs: Logs) -> None:
        header = os.pread(fd, RECORD_SIZE, 0)
        if not header.strip(b"\0"):
            raise Missing("an upload that was never begun to the end")
        if len(header) < RECORD_SIZE:
            raise Damaged("a journal's header is cut short")
        magic, nonce, size, chunk_size, checksum = _HEADER.unpack_from(header)
        if magic != _MAGIC or checksum != zlib.crc32(_HEADER.pack(magic, nonce, size, chunk_size, 0)):
            raise Damaged("a journal's header is not what was written")
        self._fd = fd
        self.size = None if size < 0 else size
        self.chunk_size = None if chunk_size < 0 else chunk_size
        self._log = logs.of(nonce, Log(self.size, self.chunk_size, RECORD_SIZE, checksum))

    @staticmethod
    def being_made(fd: int) -> AbstractContextManager[None]:
        """Nobody else makes this journal, or adds to it, within the block."""
        return locked(fd, *_APPENDING)

    @contextmanager
    def appending(self) -> Iterator[Log]:
        """All that was acknowledged up to now; nobody else adds to it until the end of the block."""
        with locked(self._fd, *_APPENDING):
            self._catch_up()
            yield self._log

    def take_finishing(self) -> bool:
        """Exclude everybody else who works on the end of this upload, until the descriptor is closed; False if one is
        at it."""
        return lock(self._fd, *_FINISHING, wait=False)

    def received(self) -> Received:
        """Within `appending` only."""
        if self._log.unsynced:
            self.sync()
        return Received(self.size, self.chunk_size, dict(self._log.chunks), is_sealed(self.generation()))

    def sync(self) -> None:
        """Make durable also what a writer appended that died before its own sync."""
        os.fdatasync(self._fd)
        self._log.unsynced = False

    def add_chunk(self, idx: int, offset: int, chunk: StoredChunk) -> None:
        """Durably; within `appending` only."""
        self._append(_CHUNK, idx, offset, chunk.length, chunk.sha256)

    def add_hash(self, generation: int, size: int, sha256: str) -> None:
        """Durably; within `appending` only."""
        self._append(_HASHED, generation, 0, size, bytes.fromhex(sha256))

    def generation(self) -> int:
        """Missing once the upload was discarded."""
        (generation,) = _GENERATION.unpack(os.pread(self._fd, _GENERATION.size, _GENERATION_AT))
        if generation == _DISCARDED:
            raise Missing("the upload was discarded")
        return int(generation)

    def open_generation(self) -> int:
        generation = self.generation()
        if is_sealed(generation):
            raise Sealed("the upload is being finished")
        return generation

    @contextmanager
    def writing(self, generation: int) -> Iterator[None]:
        """Within the block the upload stays what it was when `generation` was read; Sealed or Missing if it is not."""
        lock(self._fd, *_FENCE, shared=True)
        try:
            if self.open_generation() != generation:
                raise Sealed("the upload was finished and reopened")
            yield
        finally:
            unlock(self._fd, *_FENCE)

    def turn(self, generation: int) -> None:
        """Begin another generation: every writer of the one before is shut out. Within `appending` only."""
        with locked(self._fd, *_FENCE):
            os.pwrite(self._fd, _GENERATION.pack(generation), _GENERATION_AT)

    def discard(self) -> None:
        with locked(self._fd, *_APPENDING):
            self.turn(_DISCARDED)

    def _append(self, kind: bytes, idx: int, offset: int, length: int, sha256: bytes) -> None:
        log = self._log
        body = _RECORD.pack(kind, idx, offset, length, sha256)
        record = body + _CHECKSUM.pack(zlib.crc32(body, log.checksum))
        try:
            write_all(self._fd, memoryview(record), log.position)
            os.fdatasync(self._fd)
        except OSError:
            with suppress(OSError):
                os.pwrite(self._fd, bytes(RECORD_SIZE), log.position)
            raise
        log.unsynced = False
        self._apply(record)

    def _catch_up(self) -> None:
        while block := os.pread(self._fd, _READ, self._log.position):
            for start in range(0, len(block) - RECORD_SIZE + 1, RECORD_SIZE):
                if not self._apply(block[start : start + RECORD_SIZE]):
                    return
                self._log.unsynced = True
            if len(block) < RECORD_SIZE:
                return

    def _apply(self, record: bytes) -> bool:
        """Take a record into the log; False if it is none, or none that follows the last one."""
        log = self._log
        body, (checksum,) = record[: _RECORD.size], _CHECKSUM.unpack_from(record, _RECORD.size)
        kind, idx, offset, length, sha256 = _RECORD.unpack(body)
        if kind not in (_CHUNK, _HASHED) or checksum != zlib.crc32(body, log.checksum):
            return False
        if kind == _CHUNK:
            log.place(idx, offset, StoredChunk(length, sha256))
        else:
            log.hashed = (idx, length, sha256.hex())
        log.position += RECORD_SIZE
        log.checksum = checksum
        return True


def is_sealed(generation: int) -> bool:
    return generation % 2 == 1
