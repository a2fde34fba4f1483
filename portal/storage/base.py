"""The contract every store keeps: chunks are staged, made whole, then published under a key of ours.

A store moves bytes. It knows no people, no database and no HTTP; the uploads machine validates, decides who may do
what, and calls the verbs in this order:

    begin → put_chunk … → received → assemble → hash_staged → publish → (row: done)

Every verb may be repeated after a crash at any point, from any thread and any process, and then either finishes the
work or finds it finished. After `publish` the staging area is gone: who forgot size and sha256 asks `hash`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol


class StorageError(Exception):
    """Something a store could not do. The text is for the log; callers choose their answer by the class."""


class Missing(StorageError):
    """No such upload or key: never begun, discarded, or published and cleared away."""


class Sealed(StorageError):
    """The upload is being finished and takes no more chunks, unless it is reopened."""


class Conflict(StorageError):
    """The call contradicts what is stored: other numbers at a repeated begin, bytes that are not the ones hashed,
    a key that already holds another file."""


class Incomplete(StorageError):
    """Chunks are missing. `missing` are the ranges [first, last], both included."""

    def __init__(self, missing: list[list[int]]) -> None:
        super().__init__(f"missing chunks {missing}")
        self.missing = missing


class Misfit(StorageError):
    """Not a chunk of the declared upload: its index is past the end, or its length is not the one that index has."""


class ShortBody(StorageError):
    """The source ended or broke before the announced length. Nothing was kept."""


class DigestMismatch(StorageError):
    """The bytes are not those the sender announced. Nothing was kept."""


class NoSpace(StorageError):
    """The disk or the quota is full. What was acknowledged is intact and the upload goes on when there is room."""


class Damaged(StorageError):
    """Stored bytes or bookkeeping are not what was written."""


class Unavailable(StorageError):
    """The storage cannot be reached or written at present."""


class Stopped(StorageError):
    """`stop` said so. Calling again starts over, nothing is harmed."""


class Source(Protocol):
    """Where a chunk's bytes come from; `readinto` is used where the source has it: it saves an allocation a piece."""

    def read(self, size: int, /) -> bytes: ...


class StoredChunk(NamedTuple):
    """`sha256` is empty where nobody has said it."""

    length: int
    sha256: bytes


class StoredKey(NamedTuple):
    key: str
    size: int
    changed_at: float  # seconds since the epoch


class Answer(NamedTuple):
    """How a store that answers for us is to describe a file."""

    content_type: str
    disposition: str


class PutAddress(NamedTuple):
    """`headers` go with the PUT, as they are."""

    url: str
    headers: dict[str, str]


class StagedUpload(NamedTuple):
    upload_id: str
    changed_at: float  # seconds since the epoch, of the last byte that arrived, acknowledged or not


def chunk_count(size: int, chunk_size: int) -> int:
    """How many chunks a declared upload has; an empty file has one, empty."""
    return max(1, -(-size // chunk_size))


def chunk_length(size: int, chunk_size: int, idx: int) -> int:
    """The length that chunk `idx` of a declared upload must have. Misfit if there is no such chunk."""
    if not 0 <= idx < chunk_count(size, chunk_size):
        raise Misfit(f"chunk {idx} of {chunk_count(size, chunk_size)}")
    return min(chunk_size, size - idx * chunk_size)


def require_fit(size: int | None, chunk_size: int | None, idx: int, length: int) -> None:
    """Misfit unless an upload of these numbers has such a chunk; ValueError where no upload has."""
    if size is not None and chunk_size is not None:
        expected = chunk_length(size, chunk_size, idx)
        if length != expected:
            raise Misfit(f"chunk {idx} has {expected} bytes, not {length}")
    elif not (0 <= idx < 2**63 and 0 <= length < 2**63):
        raise ValueError(f"no chunk has the index {idx} and {length} bytes")


@dataclass(frozen=True, slots=True)
class Received:
    """What is durably stored of an upload: `chunks` maps index to length and sha256, in no particular order."""

    size: int | None
    chunk_size: int | None
    chunks: Mapping[int, StoredChunk]
    sealed: bool

    @property
    def bytes_received(self) -> int:
        return sum(chunk.length for chunk in self.chunks.values())

    def ranges(self) -> list[list[int]]:
        """The indexes held, as [[first, last], …], both included, ascending."""
        ranges: list[list[int]] = []
        for idx in sorted(self.chunks):
            if ranges and idx == ranges[-1][1] + 1:
                ranges[-1][1] = idx
            else:
                ranges.append([idx, idx])
        return ranges

    def missing(self) -> list[list[int]]:
        """The indexes not held, as [[first, last], …]. Without a declared size and chunk size the end is the highest
        index held; an upload of nothing at all lacks chunk 0."""
        held = self.ranges()
        if self.size is not None and self.chunk_size is not None:
            count = chunk_count(self.size, self.chunk_size)
        else:
            count = held[-1][1] + 1 if held else 1
        missing, expected = [], 0
        for first, last in [*held, [count, count]]:
            if first > expected:
                missing.append([expected, first - 1])
            expected = last + 1
        return missing


Progress = Callable[[int], None]
Stop = Callable[[], bool]


class Store(ABC):
    """Any verb may raise NoSpace (writing ones) or Unavailable; the others are named where they belong.

    `upload_id` is the canonical text of a UUID; keys come from `keys.py`. Anything else is a ValueError.
    """

    @abstractmethod
    def begin(self, upload_id: str, size: int | None, chunk_size: int | None) -> None:
        """Make the staging area, durably. A declared `size` (bytes) is reserved, or NoSpace and nothing stays.
        With both numbers declared a chunk's place and length are fixed. Repeating is harmless; Conflict if the
        numbers differ from those of the first time."""

    @abstractmethod
    def put_chunk(
        self,
        upload_id: str,
        idx: int,
        length: int,
        source: Source,
        expected_sha256: bytes | None = None,
        *,
        once: bool = False,
    ) -> StoredChunk:
        """Read exactly `length` bytes from `source` and keep them as chunk `idx` (0 or more, below 2**63); when this
        returns they are durable. A chunk may be sent again, the last complete one counts; of several at once one
        is kept, whole. Whatever is raised, the chunk acknowledged before stays as it was.

        With `once` the first complete one counts instead: Conflict where the chunk is acknowledged, before reading or
        at the end, however many send it at a time.

        Missing, Sealed, Misfit (before reading), ShortBody (also for any OSError of the source), DigestMismatch.
        Anything else that the source raises passes through. Sealed and Missing may also come in the middle."""

    @property
    @abstractmethod
    def origin(self) -> str | None:
        """Scheme, host and port that signed addresses lead to; None where all bytes go through us."""

    @abstractmethod
    def url_to_put(self, upload_id: str, idx: int, sha256: bytes | None, seconds: int) -> PutAddress | None:
        """An address where anybody puts chunk `idx` by one PUT, for so long; None where there is no `origin`. Stores
        that can hold the sender to the length that was declared and to `sha256`. What has come there counts like a
        chunk of `put_chunk`, but its `sha256` is what was said (b"" if nothing was). Missing, Sealed, Misfit."""

    @abstractmethod
    def received(self, upload_id: str) -> Received:
        """What would survive a power cut now. Missing."""

    @abstractmethod
    def assemble(self, upload_id: str, progress: Progress, stop: Stop) -> int:
        """Seal the upload (from here on put_chunk raises Sealed, running ones included) and make its bytes one
        file in index order, durably; returns its size in bytes. Nothing is copied where the bytes already lie in
        order; otherwise `progress` hears the bytes copied so far. Missing, Incomplete (nothing is sealed then),
        Stopped, Damaged."""

    @abstractmethod
    def hash_staged(self, upload_id: str, progress: Progress, stop: Stop) -> tuple[int, str]:
        """Size and sha256 (hex) of the assembled bytes, remembered, so that the next call answers at once.
        `progress` hears the bytes hashed so far. Missing, Stopped, Conflict (not assembled)."""

    @abstractmethod
    def doubt(self, upload_id: str, stop: Stop) -> None:
        """The assembled bytes are not those that were wanted: forget the chunks that are not what was said of them,
        so that `received` names them as missing. Where all bytes go through us, there are none. Missing, Stopped."""

    @abstractmethod
    def reopen(self, upload_id: str) -> None:
        """Undo the seal, so that chunks may be sent again. Harmless if it is open. Missing, Conflict (somebody, who is
        alive, is assembling, hashing or publishing it right now)."""

    @abstractmethod
    def publish(self, upload_id: str, key: str, sha256: str) -> None:
        """Move the bytes that `hash_staged` found to have this sha256 (hex) to `key`, for good and durably, and
        clear the staging area. If that has happened already, success. Missing, Conflict (other bytes were hashed,
        none were, or `key` holds a file with other bytes)."""

    @abstractmethod
    def discard(self, upload_id: str) -> None:
        """Remove every trace of an unpublished upload; harmless if there is none. A running put_chunk ends with
        Missing and leaves nothing."""

    @abstractmethod
    def open(self, key: str) -> BinaryIO:
        """The file at `key`, to be read and sought in; where there is no `origin`, one of the operating system.
        Missing."""

    @abstractmethod
    def url_to_get(self, key: str, answer: Answer, seconds: int) -> str | None:
        """An address where anybody gets the file, or a range of it, for so long; None where there is no `origin`. Does
        not look whether there is such a file."""

    @abstractmethod
    def size(self, key: str) -> int:
        """Bytes. Missing."""

    @abstractmethod
    def hash(self, key: str, progress: Progress, stop: Stop) -> tuple[int, str]:
        """Size and sha256 (hex) of what is really stored at `key`. Missing, Stopped, Damaged (unreadable)."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Harmless if there is nothing."""

    @abstractmethod
    def list_uploads(self) -> Iterator[StagedUpload]:
        """Every staging area, half-made ones included, in no particular order."""

    @abstractmethod
    def list_keys(self) -> Iterator[StoredKey]:
        """Every published file, in no particular order."""

    @abstractmethod
    def free_space(self) -> int | None:
        """Bytes that a new upload could take; None where nobody can tell."""

    @abstractmethod
    def ready(self) -> None:
        """Return if the storage can be written now, else raise Unavailable. Cheap enough for every health check."""
