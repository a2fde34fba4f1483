"""What uploads ought to do, in dictionaries: the measure of the real ones."""

import hashlib
from dataclasses import dataclass, field

MOST = 6  # PORTAL_MAX_CHUNK_SIZE in these tests, bytes


@dataclass
class File:
    """An entry: the bytes of its versions in order."""

    id: str
    versions: list[bytes] = field(default_factory=list)
    is_there: bool = True


@dataclass
class Shadow:
    """An upload as it should be. `plan` is what its chunks mostly come from, `sha256` what was declared.

    `lease` is alive or over while it is being checked; `is_published` once its file lies in its final place.
    """

    id: str
    file: File
    made_file: bool
    plan: bytes
    size: int | None
    chunk_size: int | None
    sha256: str | None
    status: str = "open"
    is_overdue: bool = False
    lease: str = "alive"
    is_published: bool = False
    chunks: dict[int, bytes] = field(default_factory=dict)
    number: int | None = None

    @property
    def data(self) -> bytes:
        return b"".join(self.chunks[idx] for idx in sorted(self.chunks))

    def piece(self, idx: int) -> bytes:
        """What chunk `idx` of the plan is."""
        length = self.chunk_size or 5
        return self.plan[idx * length : (idx + 1) * length]

    @property
    def count(self) -> int | None:
        if self.size is None or self.chunk_size is None:
            return None
        return max(1, -(-self.size // self.chunk_size))

    @property
    def state(self) -> str:
        return "expired" if self.status == "open" and self.is_overdue else self.status

    @property
    def is_over(self) -> bool:
        return self.state in ("aborted", "expired") or not self.file.is_there

    @property
    def is_under_way(self) -> bool:
        return self.state in ("open", "checking")

    def missing(self) -> bool:
        count = self.count or max(self.chunks, default=0) + 1
        return set(range(count)) != set(self.chunks)

    def after_chunk(self, idx: int, announced: int, arriving: int, digest: str) -> int:
        """The status for a chunk of `announced` bytes of which `arriving` come, with a right, wrong or no digest."""
        if self.is_over:
            return 410
        if self.status != "open":
            return 409
        if announced > MOST:
            return 413
        if self.is_published and self.count is None:
            return 410  # an earlier check found these bytes good and died before it could say so
        if self.count is not None and self.chunk_size is not None and self.size is not None:
            if idx >= self.count:
                return 400
            if announced != min(self.chunk_size, self.size - idx * self.chunk_size):
                return 422
            if self.is_published:
                return 410
        elif self.size is not None and len(self.data) - len(self.chunks.get(idx, b"")) + announced > self.size:
            return 413
        if arriving < announced:
            return 400
        return 422 if digest == "wrong" else 200

    def after_finish(self, sha256: str | None) -> int:
        """200 with a version, 202 while somebody is at it, or why not."""
        if self.status == "done":
            if not self.file.is_there:
                return 410
            return 422 if sha256 not in (None, _sha256(self.data)) else 200
        if self.status == "checking" and self.lease == "alive":
            return 202
        if self.is_over:
            return 410
        if self.contradicts(sha256):
            return 422
        if self.status == "open" and self.missing():
            return 400
        if self.size not in (None, len(self.data)):
            return 422
        return 422 if {self.sha256, sha256} - {None, _sha256(self.data)} else 200

    def contradicts(self, sha256: str | None) -> bool:
        """Then nothing is checked: what is given at the end is not what was declared at the beginning."""
        return sha256 is not None and self.sha256 not in (None, sha256)

    def after_abort(self) -> int:
        if self.is_over and self.status != "done":
            return 410
        if self.status == "checking" and self.lease == "over":
            return 200
        if not self.file.is_there:
            return 410
        return 200 if self.status == "open" else 409


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def end(upload: Shadow, status: str, others: list[Shadow]) -> None:
    """The upload is over; the file that it made goes with it if nothing else came to it."""
    upload.status, upload.is_overdue = status, False
    mine = [other for other in others if other.file is upload.file]
    in_vain = any(other.made_file and other.status in ("aborted", "expired") for other in mine)
    if in_vain and not upload.file.versions and not any(other.is_under_way for other in mine):
        upload.file.is_there = False
