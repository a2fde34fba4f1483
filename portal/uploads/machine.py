"""The verbs of an upload: begin, put_chunk, progress, abort (and `finish`, next door). The store moves bytes.

Bytes come first and the row catches up: a chunk is durable before its request is answered, and a version's file lies in
its final place before the row that names it. Every verb may be repeated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import update

from portal.database import begin_write, end_read, new_id, new_ordered_id, now
from portal.domain import entries, rules
from portal.domain.entries import Entry
from portal.domain.kinds import Kind
from portal.errors import BadRequest, Conflict, Invalid, TooLarge, invalid
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import allows, enforce
from portal.security.policy import OnEntry, OnUpload, Portal
from portal.settings import Settings
from portal.storage.base import (
    Misfit,
    Missing,
    PutAddress,
    Received,
    Source,
    Store,
    StoredChunk,
    chunk_count,
    chunk_length,
)
from portal.uploads import session
from portal.uploads.leftovers import remove_made_entry
from portal.uploads.session import Status, Upload

SUGGESTED_CHUNK = 8 << 20
MOST_CHUNKS = 100_000
MOST_BYTES = 2**63 - 1
DIRECT_FROM = 32 << 20  # bytes; smaller files are there before their addresses were asked for
_TOUCH_EVERY = timedelta(minutes=1)
_ADDRESS_LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a client says before the first byte: a new entry by `name`, or a new version or record of `entry_id`.

    `record` is what goes with the file of a record; it may still be empty.
    """

    name: str | None = None
    entry_id: str | None = None
    type: str = ""
    file_name: str | None = None
    size: int | None = None
    chunk_size: int | None = None
    sha256: str | None = None
    description: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    dependencies: Sequence[str] = ()
    record: dict[str, Any] | None = None


@allows(Portal.CHANGE, writes=True)
def begin(actor: Actor, kind: Kind, said: Announcement) -> Upload:
    """A new upload; 409 name taken, 413 too large, 422 unacceptable, 507 no space. Declared bytes are reserved."""
    _require_acceptable(said)
    entry = _entry_for(actor, kind, said)
    upload = Upload(
        id=new_id() if said.record is None else new_ordered_id(),
        record=said.record,
        kind=kind.word,
        entry=entry,
        user_id=actor.user_id,
        made_entry=said.entry_id is None,
        file_name=rules.file_name(said.file_name or entry.name),
        size=said.size,
        chunk_size=said.chunk_size,
        sha256=said.sha256,
        description=rules.text(said.description, "description") if said.entry_id else "",
        expires_at=now() + _settings().upload_ttl,
    )
    db.session.add(upload)
    db.session.flush()
    store().begin(upload.id, said.size, said.chunk_size if said.size is not None else None)
    return upload


@allows(OnUpload.CONTINUE)
def put_chunk(
    actor: Actor, upload: Upload, idx: int, length: int, source: Source, sha256: bytes | None = None
) -> StoredChunk:
    """Keeps exactly `length` bytes of `source` as chunk `idx`; `sha256` is what the sender says they hash to.

    No database connection is held while the bytes come.
    """
    upload.require_open()
    _require_fit(upload, idx, length)
    if upload.checked_at is not None:
        _unseal(upload)
    upload_id, expires_at = upload.id, upload.expires_at
    end_read()
    try:
        chunk = store().put_chunk(upload_id, idx, length, source, sha256)
    except Missing:
        session.lock(upload_id).require_open()
        raise
    _live_on(upload_id, expires_at)
    return chunk


def is_direct(upload: Upload) -> bool:
    """Whether its chunks had better go straight to the storage."""
    is_declared = upload.size is not None and upload.chunk_size is not None
    return is_declared and (upload.size or 0) >= DIRECT_FROM and store().origin is not None


@allows(OnUpload.CONTINUE)
def address_of_chunk(actor: Actor, upload: Upload, idx: int, sha256: bytes) -> tuple[PutAddress, datetime]:
    """Where anybody may put chunk `idx` until the time beside it; 409 where chunks come through the portal."""
    upload.require_open()
    if upload.size is None or upload.chunk_size is None or store().origin is None:
        raise Conflict("The chunks of this upload come through the portal.")
    if upload.checked_at is not None:
        _unseal(upload)
    upload_id, expires_at = upload.id, upload.expires_at
    _length_of(upload, idx)
    end_read()
    found = store().url_to_put(upload_id, idx, sha256, int(_ADDRESS_LIFE.total_seconds()))
    assert found is not None
    _live_on(upload_id, expires_at)
    return found, now() + _ADDRESS_LIFE


@allows(OnUpload.SEE)
def progress(actor: Actor, upload: Upload) -> Received:
    """What is held of an upload that is not over; nothing once it is."""
    return held(upload)


@allows(OnUpload.ABORT, writes=True)
def abort(actor: Actor, upload: Upload) -> None:
    """Ends an upload; nothing stays behind. 409 once it is being checked or done, 410 when it is over already."""
    upload = session.lock(upload.id)
    if not upload.is_abandoned:
        upload.require_open()
    upload.require_alive()
    upload.status, upload.expires_at, upload.checked_bytes = Status.ABORTED, now() + _settings().upload_ttl, 0
    remove_made_entry(upload, actor)
    upload_id = upload.id
    db.session.commit()
    store().discard(upload_id)


def held(upload: Upload) -> Received:
    """As `progress`; checks no permission."""
    if upload.state in (Status.OPEN, Status.CHECKING) and upload.entry_id is not None:
        try:
            return store().received(upload.id)
        except Missing:  # its file has been published, or it was aborted a moment ago
            return Received(upload.size, upload.chunk_size, _published(upload), sealed=True)
    return Received(upload.size, upload.chunk_size, {}, sealed=True)


def _published(upload: Upload) -> dict[int, StoredChunk]:
    """Every chunk, without its digest, where the file lies in its place and only the row is behind: commit again."""
    try:
        size = store().size(upload.key)
    except Missing:
        return {}
    return {idx: StoredChunk(0 if idx else size, b"") for idx in range(upload.chunk_count or 1)}


def chunk_size_for(upload: Upload) -> int:
    """Bytes: what was declared, or what is suggested, so that no upload has more than 10,000 chunks."""
    suggested = max(SUGGESTED_CHUNK, -(-(upload.size or 0) // 10_000))
    return upload.chunk_size or min(suggested, _settings().max_chunk_size)


def store() -> Store:
    return current_app.extensions["storage"]


def _settings() -> Settings:
    return current_app.extensions["portal"]


def _entry_for(actor: Actor, kind: Kind, said: Announcement) -> Entry:
    """The entry that is to get a version: a new one, or the one of `entry_id`, which stays until we commit."""
    if said.entry_id is None:
        fields: dict[str, Any] = {"name": said.name, "type": said.type, "description": said.description}
        return entries.register(actor, kind, fields | {"attributes": said.attributes}, depends_on=said.dependencies)
    entry = entries.get(actor, kind, said.entry_id)
    enforce(actor, OnEntry.WRITE, entry)
    if said.type not in ("", entry.type):
        raise invalid("type", f"This {kind.word} has the type “{entry.type}”.")
    entries.hold(entry)
    return entry


def _require_acceptable(said: Announcement) -> None:
    if (said.name is None) == (said.entry_id is None):
        raise invalid("name", "Give either a name for something new or the id of what gets a new version.")
    if said.entry_id is not None and (said.attributes or said.dependencies):
        raise invalid("attributes", "Attributes and dependencies belong to something new, not to a new version.")
    largest = _settings().max_file_size
    if largest is not None and said.size is not None and said.size > largest:
        raise TooLarge(f"Files take at most {largest:,} bytes here; this one has {said.size:,}.")
    if said.size is not None and said.chunk_size and chunk_count(said.size, said.chunk_size) > MOST_CHUNKS:
        raise invalid("chunk_size", f"This makes more than {MOST_CHUNKS:,} chunks. Take a larger one.")
    if said.chunk_size is not None and said.chunk_size > _settings().max_chunk_size:
        raise TooLarge(f"Chunks take at most {_settings().max_chunk_size:,} bytes here.")


def _require_fit(upload: Upload, idx: int, length: int) -> None:
    largest = _settings().max_chunk_size
    if length > largest:
        raise TooLarge(f"Chunks take at most {largest:,} bytes here; this one has {length:,}.")
    wanted = _length_of(upload, idx)
    if wanted is not None:
        if length != wanted:
            raise Invalid(f"Chunk {idx} of this upload has {wanted:,} bytes; this body has {length:,}.")
        return
    limits = [limit for limit in (upload.size, _settings().max_file_size) if limit is not None]
    if limits:
        received = store().received(upload.id)
        before = received.chunks.get(idx)
        if received.bytes_received - (before.length if before else 0) + length > min(limits):
            raise TooLarge(f"With this chunk the file would pass {min(limits):,} bytes.")


def _length_of(upload: Upload, idx: int) -> int | None:
    """Bytes of chunk `idx`, where they were declared; 400 where there is no such chunk."""
    if upload.size is None or upload.chunk_size is None:
        return None
    try:
        return chunk_length(upload.size, upload.chunk_size, idx)
    except Misfit:
        count = chunk_count(upload.size, upload.chunk_size)
        raise BadRequest(f"There is no chunk {idx}: the declared size makes {count}, counted from 0.") from None


def _unseal(upload: Upload) -> None:
    """A check that did not pass leaves the bytes sealed and their sha256 known, until other bytes come."""
    begin_write()
    upload = session.lock(upload.id)
    upload.require_open()
    store().reopen(upload.id)
    upload.checked_at = None
    db.session.commit()


def _live_on(upload_id: str, expires_at: datetime) -> None:
    """An upload lives on from its last chunk. Noted once a minute: the time to live is counted in days."""
    ttl = _settings().upload_ttl
    if now() + ttl - expires_at >= min(_TOUCH_EVERY, ttl / 10):
        begin_write()
        still_open = Upload.id == upload_id, Upload.status == Status.OPEN
        db.session.execute(update(Upload).where(*still_open).values(expires_at=now() + ttl))
