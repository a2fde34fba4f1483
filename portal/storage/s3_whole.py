"""From chunks in a bucket to one object: joined by the store itself, or by us where they are too small for that."""

import hashlib
import tempfile
from collections.abc import Iterator

from portal.storage.base import Conflict, Progress, Stop, Stopped
from portal.storage.bucket import Bucket, Held, in_parallel
from portal.storage.s3_staging import Piece, Source

LEAST_PART, MOST_PART, MOST_PARTS = 5 << 20, 5 << 30, 10_000
LARGEST = 5 << 40  # bytes of an object, in most stores
_IN_MEMORY = 16 << 20


def can_join(sources: list[Source]) -> bool:
    """Whether the store can join these by itself: every part but the last has a least size, and there is a most."""
    large_enough = all(source.length >= LEAST_PART for source in sources[:-1])
    return large_enough and len(_spans(sources)) <= MOST_PARTS


def in_order(pieces: dict[int, Piece]) -> list[Source]:
    return [Source(pieces[idx].key, pieces[idx].length) for idx in sorted(pieces)]


def read_all(bucket: Bucket, sources: list[Source], stop: Stop) -> Iterator[bytes]:
    for source in sources:
        if not source.length:
            continue
        for piece in bucket.get(source.key, patiently=True):
            if stop():
                raise Stopped("asked to")
            yield piece


def digest(bucket: Bucket, sources: list[Source], progress: Progress, stop: Stop) -> tuple[int, str]:
    total, size = hashlib.sha256(), 0
    for piece in read_all(bucket, sources, stop):
        total.update(piece)
        size += len(piece)
        progress(size)
    return size, total.hexdigest()


def write_whole(bucket: Bucket, sources: list[Source], key: str, progress: Progress, stop: Stop) -> None:
    """The bytes of all sources at `key`, carried through this process."""
    total = sum(source.length for source in sources)
    size = max(_IN_MEMORY, -(-total // MOST_PARTS))
    tags: list[str] = []
    parts_id, done = bucket.begin_parts(key), 0
    try:
        for part, length in _parts(read_all(bucket, sources, stop), size):
            tags.append(bucket.put_part(key, parts_id, len(tags) + 1, part))
            done += length
            progress(done)
        bucket.complete(key, parts_id, tags)
    except BaseException:
        bucket.abort(key, parts_id)
        raise


def join(bucket: Bucket, sources: list[Source], key: str, sha256: str, is_ours: Stop) -> None:
    """The bytes of all sources at `key`, copied by the store, with their sha256 beside them.

    Nobody who joins other bytes at this key, however long ago they began, comes after us: their parts are thrown away,
    and where the store knows conditions, it is asked to take none but the first. Conflict if `key` is taken, or where
    `is_ours` says that the upload is not ours to publish any more.
    """
    parts_id = bucket.begin_parts(key, {"sha256": sha256})
    try:
        if sum(source.length for source in sources):
            spans = list(enumerate(_spans(sources), start=1))
            tags = in_parallel(lambda span: bucket.copy_part(key, parts_id, span[0], *span[1]), spans)
        else:
            tags = [bucket.put_part(key, parts_id, 1, b"")]
        for other in list(bucket.list_parts_under_way(key)):
            if other.id != parts_id:
                bucket.abort(other.key, other.id)
        if not is_ours():
            raise Conflict("the upload was reopened or discarded")
        bucket.complete(key, parts_id, tags, only_new=True)
    except Held as error:
        bucket.abort(key, parts_id)
        raise Conflict("the key holds a file") from error
    except BaseException:
        bucket.abort(key, parts_id)
        raise


def _spans(sources: list[Source]) -> list[tuple[str, tuple[int, int] | None]]:
    """Each source, or where it is larger than a part may be, its parts."""
    spans: list[tuple[str, tuple[int, int] | None]] = []
    for source in filter(lambda source: source.length, sources):
        if source.length <= MOST_PART:
            spans.append((source.key, None))
            continue
        for first in range(0, source.length, MOST_PART // 2):
            spans.append((source.key, (first, min(first + MOST_PART // 2, source.length))))
    return spans


def _parts(pieces: Iterator[bytes], size: int) -> Iterator[tuple[tempfile.SpooledTemporaryFile[bytes], int]]:
    """The same bytes as files of `size`, the last of which may be shorter; at least one. Each is closed by the next."""
    rest, length, is_first = memoryview(b""), size, True
    while length == size:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as part:
            length = 0
            while length < size and (rest := rest or memoryview(next(pieces, b""))):
                taken = part.write(rest[: size - length])
                length, rest = length + taken, rest[taken:]
            part.seek(0)
            if length or is_first:
                yield part, length
        is_first = False
