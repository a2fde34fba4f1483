"""A record with a file: it goes through the same verbs as that of a version, and the record appears with it."""

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO

from flask import current_app

from portal.database import begin_write
from portal.domain import file_types
from portal.domain.entries import Entry
from portal.domain.kinds import BY_WORD
from portal.domain.records import NewRecord, Record
from portal.errors import Gone, NotFound
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import allows
from portal.security.policy import OnEntry
from portal.uploads import described, machine, session
from portal.uploads.finish import finish_record
from portal.uploads.machine import Announcement
from portal.uploads.session import Upload
from portal.uploads.whole import give_up

PIECE = 4 << 20  # bytes; so much of a file is held in memory


@allows(OnEntry.WRITE)
def add_with_file(
    actor: Actor, entry: Entry, file_name: str, data: Iterable[bytes], describe: Callable[[], NewRecord]
) -> Record:
    """A new record whose file is `data`; `describe` is asked for the rest once all of that has been read.

    Commits. Whatever is raised, nothing stays behind. 409 if the entry has the same record already, 413 too large.
    """
    word = entry.kind
    said = Announcement(entry_id=entry.id, file_name=file_name, record={})
    upload = machine.begin(actor, BY_WORD[word], said)
    upload_id, key = upload.id, upload.key
    db.session.commit()
    try:
        head = _send(actor, upload, data)
        _describe(upload_id, described.packed(describe(), file_types.of(head)))
        while (record := finish_record(actor, session.find(upload_id))) is None:
            pass
    except Exception as error:
        if give_up(actor, upload_id):
            machine.store().delete(key)
        if isinstance(error, Gone):
            raise NotFound(f"There is no such {word}.") from None
        raise
    return record


def _send(actor: Actor, upload: Upload, data: Iterable[bytes]) -> bytes:
    """The first piece."""
    head, piece = b"", min(PIECE, current_app.extensions["portal"].max_chunk_size)
    for idx, chunk in enumerate(_pieces(data, piece)):
        machine.put_chunk(actor, upload, idx, len(chunk), BytesIO(chunk))
        head = head or chunk
    return head


def _pieces(data: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of `size`, the last of which may be shorter; at least one."""
    held, is_empty = bytearray(), True
    for each in data:
        held += each
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
            is_empty = False
    if held or is_empty:
        yield bytes(held)


def _describe(upload_id: str, record: dict[str, object]) -> None:
    begin_write()
    session.lock(upload_id).record = record
    db.session.commit()
