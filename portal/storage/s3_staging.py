"""An upload as it lies in a bucket: objects whose names say everything, so that a list is the whole truth.

staging/<upload id>/begun.<life>.<size>.<chunk size>     there is such an upload
staging/<upload id>/turn.<life>.<n>                      it is in turn n or later; in odd turns it is sealed
staging/<upload id>/held.<life>.<n>                      the chunks at the seal of turn n
staging/<upload id>/lined.<life>.<n>                     the objects that joined make the file, in order
staging/<upload id>/hashed.<life>.<n>                    the same, with what they hash to
staging/<upload id>/<life>.<n>/<idx>.<order>.<length>.<sha256>.<by>.<random>     a chunk that came in turn n

No chunk is ever changed. Of several of one the highest order counts, which is one more than what its writer saw. Two
who finish at once may each write the three lists; whoever hashes keeps the very objects that it read.
A life ends with `discard`; whoever wrote before then finds that it is not theirs any more.
"""

import json
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from portal.storage.base import Missing, Received, StoredChunk, chunk_length
from portal.storage.bucket import Bucket, Item
from portal.storage.keys import staging_key

_BEGUN = re.compile(r"begun\.(?P<life>[0-9a-f]{24})\.(?P<size>[0-9]+|-)\.(?P<chunk_size>[0-9]+|-)")
_TURN = re.compile(r"turn\.(?P<life>[0-9a-f]{24})\.(?P<turn>[0-9]+)")
_CHUNK = re.compile(
    r"(?P<idx>[0-9]{19})\.(?P<order>[0-9]{8})\.(?P<length>[0-9]+|-)\.(?P<sha256>[0-9a-f]{64}|-)"
    r"\.(?P<by>[pc])\.[0-9a-f]{8}"
)


class Piece(NamedTuple):
    """A stored chunk. `is_open`: whoever has its signed address can still change it."""

    idx: int
    order: int
    key: str
    length: int
    sha256: str
    is_open: bool


class Source(NamedTuple):
    key: str
    length: int


@dataclass(frozen=True, slots=True)
class Staged:
    """An upload in one of its turns."""

    upload_id: str
    life: str
    size: int | None
    chunk_size: int | None
    turn: int

    @property
    def is_sealed(self) -> bool:
        return self.turn % 2 == 1

    def length_of(self, idx: int) -> int | None:
        """What chunk `idx` must have, where that was declared. Misfit."""
        if self.size is None or self.chunk_size is None:
            return None
        return chunk_length(self.size, self.chunk_size, idx)

    def named(self, what: str) -> str:
        return f"{staging_key(self.upload_id)}/{what}.{self.life}.{self.turn}"

    def folder(self) -> str:
        return f"{staging_key(self.upload_id)}/{self.life}.{self.turn}/"

    def in_turn(self, turn: int) -> "Staged":
        return Staged(self.upload_id, self.life, self.size, self.chunk_size, turn)

    def whole_key(self) -> str:
        """Where chunks that the store cannot join are put in one piece: each who does so has their own."""
        return f"{self.folder()}whole.{secrets.token_hex(4)}"

    def new_key(self, idx: int, order: int, length: int | None, sha256: str, *, is_open: bool = False) -> str:
        """Where nothing has ever been. `is_open`: for a signed address, instead of our own writing."""
        said = f"{'-' if length is None else length}.{sha256 or '-'}.{'c' if is_open else 'p'}"
        return f"{self.folder()}{idx:019}.{order:08}.{said}.{secrets.token_hex(4)}"


def begun_key(upload_id: str, size: int | None, chunk_size: int | None) -> str:
    life = f"{time.time_ns():016x}{secrets.token_hex(4)}"
    numbers = ".".join("-" if number is None else str(number) for number in (size, chunk_size))
    return f"{staging_key(upload_id)}/begun.{life}.{numbers}"


def look(bucket: Bucket, upload_id: str) -> Staged:
    """The upload as it is now, by one request. Missing."""
    folder = f"{staging_key(upload_id)}/"
    names = [item.key[len(folder) :] for item in bucket.list(folder, deep=False)]
    begun = min(filter(None, map(_BEGUN.fullmatch, names)), key=lambda match: match["life"], default=None)
    if begun is None:
        raise Missing(f"no upload {upload_id}")
    turns = [
        int(match["turn"]) for match in filter(None, map(_TURN.fullmatch, names)) if match["life"] == begun["life"]
    ]
    size, chunk_size = (None if begun[name] == "-" else int(begun[name]) for name in ("size", "chunk_size"))
    return Staged(upload_id, begun["life"], size, chunk_size, max(turns, default=0))


def pieces_of(bucket: Bucket, staged: Staged, idx: int) -> list[Piece]:
    """What has come of one chunk in this turn."""
    return list(filter(None, map(_piece, bucket.list(f"{staged.folder()}{idx:019}."))))


def held(bucket: Bucket, staged: Staged) -> dict[int, Piece]:
    """The chunks that count, by index."""
    if staged.is_sealed:
        kept = read(bucket, staged.named("held"))
        return _unpacked(kept) if kept is not None else held(bucket, staged.in_turn(staged.turn - 1))
    earlier = {} if staged.turn == 0 else held(bucket, staged.in_turn(staged.turn - 1))
    found = sorted(filter(None, map(_piece, bucket.list(staged.folder()))), key=_lateness)
    return earlier | {piece.idx: piece for piece in found if _fits(staged, piece)}


def superseded(staged: Staged, pieces: Iterable[Piece]) -> list[Piece]:
    """Of the pieces of one chunk those that will never count, because a later one fits."""
    return sorted((piece for piece in pieces if _fits(staged, piece)), key=_lateness)[:-1]


def received(staged: Staged, pieces: Mapping[int, Piece]) -> Received:
    chunks = {idx: StoredChunk(piece.length, bytes.fromhex(piece.sha256)) for idx, piece in pieces.items()}
    return Received(staged.size, staged.chunk_size, chunks, staged.is_sealed)


def write(bucket: Bucket, key: str, value: Any) -> None:
    bucket.put(key, json.dumps(value, separators=(",", ":")).encode())


def read(bucket: Bucket, key: str) -> Any:
    """What was written; None if nothing was."""
    try:
        return json.loads(b"".join(bucket.get(key)))
    except Missing:
        return None


def packed(pieces: Iterable[Piece]) -> list[list[Any]]:
    return [list(piece) for piece in pieces]


def _unpacked(kept: list[list[Any]]) -> dict[int, Piece]:
    return {piece.idx: piece for piece in (Piece(*each) for each in kept)}


def _piece(item: Item) -> Piece | None:
    match = _CHUNK.fullmatch(item.key.rpartition("/")[2])
    if match is None or match["length"] not in ("-", str(item.size)):
        return None
    sha256 = "" if match["sha256"] == "-" else match["sha256"]
    return Piece(int(match["idx"]), int(match["order"]), item.key, item.size, sha256, match["by"] == "c")


def _lateness(piece: Piece) -> tuple[int, str]:
    return piece.order, piece.key


def _fits(staged: Staged, piece: Piece) -> bool:
    """An address that is open takes any length where the store does not hold to what was signed."""
    return staged.length_of(piece.idx) in (None, piece.length)
