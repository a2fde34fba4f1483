"""A file that arrives in one piece goes through the same verbs: begin, put_chunk, finish."""

import logging
from typing import BinaryIO

from portal.domain.kinds import Kind
from portal.domain.versions import Version
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import allows, scoped
from portal.security.policy import Portal
from portal.uploads import machine, session
from portal.uploads.finish import finish
from portal.uploads.machine import Announcement

log = logging.getLogger("portal.uploads")


@allows(Portal.CHANGE)
def upload_whole(actor: Actor, kind: Kind, said: Announcement, file: BinaryIO) -> Version:
    """The version that `said.size` bytes of `file` become. Whatever is raised, nothing of it stays behind."""
    upload = machine.begin(actor, kind, said)
    upload_id = upload.id
    db.session.commit()
    try:
        size, piece = said.size or 0, machine.chunk_size_for(upload)
        for idx, start in enumerate(range(0, max(size, 1), piece)):
            machine.put_chunk(actor, upload, idx, min(piece, size - start), file)
        while (version := finish(actor, upload)) is None:
            pass
    except Exception:
        give_up(actor, upload_id)
        raise
    return version


@scoped
def give_up(actor: Actor, upload_id: str) -> bool:
    """Whether the actor's upload was aborted. Where even this fails, the sweep ends it when its time is over."""
    db.session.rollback()
    try:
        machine.abort(actor, session.find(upload_id))
        return True
    except Exception:
        db.session.rollback()
        log.exception("a broken upload stays until it expires")
        return False
