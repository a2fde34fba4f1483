"""What the journal of an upload says, in memory."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock

from portal.storage.base import StoredChunk
from portal.storage.space import Space


@dataclass
class Log:
    """Used by one caller at a time, under the journal's appending lock."""

    size: int | None
    chunk_size: int | None
    position: int  # of the next record
    checksum: int  # of the last record
    chunks: dict[int, StoredChunk] = field(default_factory=dict)
    offsets: dict[int, int] = field(default_factory=dict)
    space: Space = field(init=False)
    peak: int = 0  # past the last byte that any record ever named
    hashed: tuple[int, int, str] | None = None  # generation, size, sha256 (hex)
    unsynced: bool = False  # holds records whose writer may have died before its sync

    def __post_init__(self) -> None:
        self.space = Space(self.size if self.size is not None and self.in_place else 0)

    @property
    def in_place(self) -> bool:
        """Both numbers are declared."""
        return self.size is not None and self.chunk_size is not None

    def home(self, idx: int) -> int:
        """The offset that a chunk has in the finished file. Known beforehand only if `in_place`."""
        return idx * (self.chunk_size or 0)

    def place(self, idx: int, offset: int, chunk: StoredChunk) -> None:
        """Chunk `idx` is acknowledged at `offset`; wherever it was before is free."""
        if idx in self.chunks:
            self._account(self.space.give, self.offsets[idx], self.chunks[idx].length)
        self._account(self.space.take, offset, chunk.length)
        self.chunks[idx] = chunk
        self.offsets[idx] = offset
        self.peak = max(self.peak, offset + chunk.length)

    def _account(self, change: Callable[[int, int], None], offset: int, length: int) -> None:
        if length and offset >= self.space.start:
            change(offset, offset + length)

    def runs(self) -> Iterator[tuple[int, int]]:
        """Offset and length of the regions that make up the file, in order, as few as possible."""
        run_offset = run_length = 0
        for idx in sorted(self.chunks):
            length = self.chunks[idx].length
            if not length:
                continue
            if self.offsets[idx] == run_offset + run_length:
                run_length += length
                continue
            if run_length:
                yield run_offset, run_length
            run_offset, run_length = self.offsets[idx], length
        if run_length:
            yield run_offset, run_length

    def total(self) -> int:
        return sum(chunk.length for chunk in self.chunks.values())

    def in_order(self) -> bool:
        """Whether the file is simply the first `total` bytes of the data."""
        return list(self.runs()) in ([], [(0, self.total())])


class Logs:
    """The logs of the uploads this process worked on last, so that a call reads only what is new in the journal."""

    def __init__(self, keep: int = 64) -> None:
        self._keep = keep
        self._logs: OrderedDict[bytes, Log] = OrderedDict()
        self._lock = Lock()

    def of(self, nonce: bytes, unread: Log) -> Log:
        """The log known under a journal's nonce, or `unread` from now on."""
        with self._lock:
            log = self._logs.setdefault(nonce, unread)
            self._logs.move_to_end(nonce)
            while len(self._logs) > self._keep:
                self._logs.popitem(last=False)
            return log
