"""A bucket of an S3-compatible store, shared by any number of processes and machines.

How an upload lies in it is told in `s3_staging.py`, how it becomes one object in `s3_whole.py`. Nothing is locked:
whatever holds bytes has a name of its own and is never changed, so that who is late, dead or cut off changes nothing.
"""

import hashlib
import io
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress

from portal.storage import keys
from portal.storage.base import (
    Answer,
    Conflict,
    Damaged,
    DigestMismatch,
    Incomplete,
    Missing,
    NoSpace,
    Progress,
    PutAddress,
    Received,
    Sealed,
    StagedUpload,
    Stop,
    Store,
    StoredChunk,
    StoredKey,
    Unavailable,
    require_fit,
)
from portal.storage.base import Source as Body
from portal.storage.bucket import Bucket, in_parallel
from portal.storage.s3_file import ObjectFile
from portal.storage.s3_staging import (
    Piece,
    Source,
    Staged,
    begun_key,
    held,
    look,
    packed,
    pieces_of,
    read,
    received,
    superseded,
    write,
)
from portal.storage.s3_whole import LARGEST, can_join, digest, in_order, join, write_whole
from portal.storage.slot import pieces

_PROBE = ".probe"
READY_SECONDS = 2.0
_IN_MEMORY = 1 << 20  # bytes of a chunk; longer ones wait in a temporary file for their last byte


class S3Store(Store):
    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._written_at = -READY_SECONDS

    def begin(self, upload_id: str, size: int | None, chunk_size: int | None) -> None:
        if size is not None and size > LARGEST:
            raise NoSpace(f"no object has {size} bytes")
        with suppress(Missing):
            return _require_same(look(self._bucket, upload_id), size, chunk_size)
        self._bucket.put(begun_key(upload_id, size, chunk_size))
        return _require_same(look(self._bucket, upload_id), size, chunk_size)

    def put_chunk(
        self,
        upload_id: str,
        idx: int,
        length: int,
        source: Body,
        expected_sha256: bytes | None = None,
        *,
        once: bool = False,
    ) -> StoredChunk:
        staged = self._open(upload_id)
        require_fit(staged.size, staged.chunk_size, idx, length)
        if once:
            self._require_none(staged, idx)
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
            sha256 = _spooled(source, length, body)
            if expected_sha256 is not None and sha256 != expected_sha256:
                raise DigestMismatch(f"the bytes of chunk {idx} have the sha256 {sha256.hex()}")
            if once:
                self._require_none(staged, idx)
            before = pieces_of(self._bucket, staged, idx)
            mine = staged.new_key(idx, _next_order(before), length, sha256.hex())
            self._bucket.put(mine, body)
        self._keep(staged, idx, mine, once)
        self._bucket.delete(piece.key for piece in before)
        return StoredChunk(length, sha256)

    @property
    def origin(self) -> str:
        return self._bucket.origin

    def url_to_put(self, upload_id: str, idx: int, sha256: bytes | None, seconds: int) -> PutAddress:
        staged = self._open(upload_id)
        length = staged.length_of(idx)
        before = pieces_of(self._bucket, staged, idx)
        if (gone := superseded(staged, before)) and self._is_still(staged):  # who seals from here on sees the later one
            self._bucket.delete(piece.key for piece in gone)
        order = _next_order(before)
        key = staged.new_key(idx, order, length, (sha256 or b"").hex(), is_open=True)
        return self._bucket.url_to_put(key, seconds, length, sha256)

    def received(self, upload_id: str) -> Received:
        staged = look(self._bucket, upload_id)
        return received(staged, held(self._bucket, staged))

    def assemble(self, upload_id: str, progress: Progress, stop: Stop) -> int:
        staged, chunks = self._seal(look(self._bucket, upload_id))
        sources = in_order(chunks)
        if read(self._bucket, staged.named("lined")) is None:
            if not can_join(sources):
                whole = Source(staged.whole_key(), sum(source.length for source in sources))
                write_whole(self._bucket, sources, whole.key, progress, stop)
                sources = [whole]
            write(self._bucket, staged.named("lined"), sources)
        return sum(piece.length for piece in chunks.values())

    def hash_staged(self, upload_id: str, progress: Progress, stop: Stop) -> tuple[int, str]:
        staged = look(self._bucket, upload_id)
        if done := read(self._bucket, staged.named("hashed")):
            return done["size"], done["sha256"]
        lined = read(self._bucket, staged.named("lined"))
        if lined is None:
            raise Conflict("the upload is not assembled")
        size, sha256 = digest(self._bucket, [Source(*each) for each in lined], progress, stop)
        write(self._bucket, staged.named("hashed"), {"size": size, "sha256": sha256, "sources": lined})
        return size, sha256

    def doubt(self, upload_id: str, stop: Stop) -> None:
        staged = look(self._bucket, upload_id)
        if not staged.is_sealed:
            return
        chunks = held(self._bucket, staged).values()
        true = [piece for piece in chunks if not piece.sha256 or self._sha256(piece, stop) == piece.sha256]
        write(self._bucket, staged.named("held"), packed(true))

    def reopen(self, upload_id: str) -> None:
        staged = look(self._bucket, upload_id)
        if staged.is_sealed:
            self._seal(staged)
            self._bucket.put(staged.in_turn(staged.turn + 1).named("turn"))

    def publish(self, upload_id: str, key: str, sha256: str) -> None:
        _known(key)
        try:
            staged = look(self._bucket, upload_id)
        except Missing:
            self._bucket.head(key)
        else:
            done = read(self._bucket, staged.named("hashed"))
            if done is None or done["sha256"] != sha256:
                raise Conflict("these are not the bytes that were hashed")
            if not self._holds(key, sha256):
                self._join(staged, [Source(*each) for each in done["sources"]], key, sha256)
        self.discard(upload_id)

    def discard(self, upload_id: str) -> None:
        folder = f"{keys.staging_key(upload_id)}/"
        while found := [item.key for item in self._bucket.list(folder)]:
            self._bucket.delete(key for key in found if f"{folder}begun." in key)  # first: it says that there is one
            self._bucket.delete(found)
        for parts in list(self._bucket.list_parts_under_way()):
            if _upload_of(parts.key) == upload_id:
                self._bucket.abort(parts.key, parts.id)

    def open(self, key: str) -> io.BufferedReader:
        return io.BufferedReader(ObjectFile(self._bucket, key, self.size(key)), 256 << 10)

    def url_to_get(self, key: str, answer: Answer, seconds: int) -> str:
        said = {"ResponseContentType": answer.content_type, "ResponseContentDisposition": answer.disposition}
        return self._bucket.url_to_get(_known(key), seconds, **said, ResponseCacheControl="private, no-cache")

    def size(self, key: str) -> int:
        return self._bucket.head(_known(key)).size

    def hash(self, key: str, progress: Progress, stop: Stop) -> tuple[int, str]:
        return digest(self._bucket, [Source(key, self.size(key))], progress, stop)

    def delete(self, key: str) -> None:
        self._bucket.delete([_known(key)])

    def list_uploads(self) -> Iterator[StagedUpload]:
        """What is left of a publication is listed under the id that its key ends with, which is its upload's."""
        changed: dict[str, float] = {}
        for item in self._bucket.list(f"{keys.STAGING}/"):
            upload_id = _upload_of(item.key)
            changed[upload_id] = max(item.changed_at, changed.get(upload_id, 0))
        for parts in self._bucket.list_parts_under_way():
            if not (keys.is_key(parts.key) or parts.key.startswith(f"{keys.STAGING}/")):
                continue  # another program's, in the same bucket
            upload_id = _upload_of(parts.key)
            changed[upload_id] = max(parts.begun_at, changed.get(upload_id, 0))
        for upload_id, changed_at in changed.items():
            if keys.is_staging_key(f"{keys.STAGING}/{upload_id}"):
                yield StagedUpload(upload_id, changed_at)

    def list_keys(self) -> Iterator[StoredKey]:
        for area in keys.AREAS:
            for item in self._bucket.list(f"{area}/"):
                if keys.is_key(item.key):
                    yield StoredKey(*item)

    def free_space(self) -> int | None:
        return None

    def ready(self) -> None:
        """Tried by writing, but not for everybody who asks."""
        if time.monotonic() - self._written_at < READY_SECONDS:
            return
        try:
            self._bucket.put(_PROBE, b"\n")
        except (Missing, NoSpace) as error:
            raise Unavailable(str(error)) from error
        self._written_at = time.monotonic()

    def _open(self, upload_id: str) -> Staged:
        """The upload, if it takes chunks."""
        staged = look(self._bucket, upload_id)
        if staged.is_sealed:
            raise Sealed(upload_id)
        return staged

    def _require_none(self, staged: Staged, idx: int) -> None:
        if idx in held(self._bucket, staged):
            raise Conflict(f"chunk {idx} is there already")

    def _keep(self, staged: Staged, idx: int, mine: str, once: bool) -> None:
        """The chunk counts from here on, unless the upload has turned or ended while it was on its way."""
        try:
            now = look(self._bucket, staged.upload_id)
            if now.life != staged.life:
                raise Missing(f"no upload {staged.upload_id}")
            if now.turn != staged.turn:
                raise Sealed(staged.upload_id)
            if once and mine != min(piece.key for piece in pieces_of(self._bucket, staged, idx)):
                raise Conflict(f"chunk {idx} is there already")
        except (Missing, Conflict):  # where it is sealed, what counts may have been named with this among it
            self._bucket.delete([mine])
            raise

    def _seal(self, staged: Staged) -> tuple[Staged, dict[int, Piece]]:
        """The upload in a sealed turn, and its chunks, which nobody can add to or change any more."""
        if not staged.is_sealed:
            if missing := received(staged, held(self._bucket, staged)).missing():
                raise Incomplete(missing)
            staged = staged.in_turn(staged.turn + 1)
            self._bucket.put(staged.named("turn"))
        chunks = held(self._bucket, staged)
        if read(self._bucket, staged.named("held")) is None:
            chunks = {piece.idx: piece for piece in in_parallel(lambda it: self._closed(staged, it), chunks.values())}
            write(self._bucket, staged.named("held"), packed(chunks.values()))
        return staged, chunks

    def _closed(self, staged: Staged, piece: Piece) -> Piece:
        """The same bytes where no signed address leads."""
        if not piece.is_open:
            return piece
        key = staged.new_key(piece.idx, piece.order, piece.length, piece.sha256)
        self._bucket.copy(piece.key, key)
        if self._bucket.head(key).size != piece.length:
            raise Damaged(f"chunk {piece.idx} was changed while the upload was being sealed")
        return piece._replace(key=key, is_open=False)

    def _join(self, staged: Staged, sources: list[Source], key: str, sha256: str) -> None:
        try:
            join(self._bucket, sources, key, sha256, lambda: self._is_still(staged))
        except (Missing, Conflict):  # somebody else was quicker, or an answer was lost and the request repeated
            if not self._holds(key, sha256):
                raise

    def _sha256(self, piece: Piece, stop: Stop) -> str:
        return digest(self._bucket, [Source(piece.key, piece.length)], lambda _done: None, stop)[1]

    def _holds(self, key: str, sha256: str) -> bool:
        """Whether the file is there already. Conflict where another one is."""
        try:
            found = self._bucket.head(key)
        except Missing:
            return False
        its_sha256 = found.metadata.get("sha256") or self.hash(key, lambda _done: None, lambda: False)[1]
        if its_sha256 != sha256:
            raise Conflict("the key holds another file")
        return True

    def _is_still(self, staged: Staged) -> bool:
        with suppress(Missing):
            return look(self._bucket, staged.upload_id) == staged
        return False


def _require_same(staged: Staged, size: int | None, chunk_size: int | None) -> None:
    if (staged.size, staged.chunk_size) != (size, chunk_size):
        raise Conflict("the upload was begun with another size or chunk size")


def _spooled(source: Body, length: int, body: tempfile.SpooledTemporaryFile[bytes]) -> bytes:
    """The sha256 of exactly `length` bytes that now lie in `body`."""
    total = hashlib.sha256()
    for piece in pieces(source, length):
        total.update(piece)
        try:
            body.write(piece)
        except OSError as error:
            raise NoSpace(f"no room for a chunk on its way: {error}") from error
    body.seek(0)
    return total.digest()


def _next_order(before: list[Piece]) -> int:
    return 1 + max((piece.order for piece in before), default=0)


def _upload_of(key: str) -> str:
    """The id of the upload that an object, or the parts of one, come from."""
    head, _, tail = key.partition("/")
    return tail.partition("/")[0] if head == keys.STAGING else key.rpartition("/")[2]


def _known(key: str) -> str:
    if not keys.is_key(key):
        raise ValueError(f"not a key of ours: {key!r}")
    return key
