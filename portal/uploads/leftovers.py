"""An entry that an upload made and that holds nothing else goes when that upload ends without a version."""

from contextlib import suppress

from sqlalchemy import exists, or_, select

from portal.database import now
from portal.domain import audit, people
from portal.domain.audit import What
from portal.domain.circumstances import Circumstances
from portal.domain.datasets import EntryDataset
from portal.domain.dependencies import Dependency
from portal.domain.entries import Entry, locked
from portal.domain.experiments import EntryExperiment
from portal.domain.runs import Run
from portal.domain.versions import Version
from portal.errors import Gone
from portal.extensions import db
from portal.security.actor import Actor
from portal.uploads import session
from portal.uploads.session import UNFINISHED, Status, Upload, is_under_way


def end_all_of(user_id: str, actor: Actor) -> None:
    """Aborts what this person has under way. Their rows go with the person, the bytes with the sweep.

    Checks no permission: for whoever removes the person.
    """
    theirs = select(Upload.id).where(Upload.user_id == user_id, Upload.status.in_(UNFINISHED))
    for upload_id in db.session.scalars(theirs.order_by(Upload.entry_id, Upload.id)).all():
        with suppress(Gone):  # forgotten in the meantime
            upload = session.lock(upload_id)
            if upload.status in UNFINISHED:
                upload.status = Status.ABORTED
                remove_made_entry(upload, actor)


people.before_removal.append(end_all_of)


def remove_made_entry(upload: Upload, actor: Actor) -> None:
    """Call it in the write transaction in which `upload` ended; locks the entry. Checks no permission.

    Of several uploads to one entry the last that ends takes it away, if the one that made it has ended, too.
    """
    if upload.entry_id is None:
        return
    entry = db.session.scalar(locked(Entry.id == upload.entry_id))
    if entry is not None and _was_made_in_vain(entry) and _is_bare(entry):
        audit.note(actor, What.ENTRY_DELETED, entry=entry)
        upload.entry = None
        db.session.flush()
        db.session.delete(entry)
        db.session.flush()


def _was_made_in_vain(entry: Entry) -> bool:
    over = Upload.made_entry, Upload.status.in_((Status.ABORTED, Status.EXPIRED))
    return bool(db.session.scalar(select(exists().where(Upload.entry_id == entry.id, *over))))


def _is_bare(entry: Entry) -> bool:
    """Nobody has touched it since: no edit, no version, record, dependent or the like, no upload under way."""
    added = or_(
        exists().where(Version.entry_id == entry.id),
        exists().where(EntryExperiment.entry_id == entry.id),
        exists().where(Circumstances.entry_id == entry.id),
        exists().where(EntryDataset.entry_id == entry.id),
        exists().where(Run.entry_id == entry.id),
        exists().where(Dependency.depends_on_id == entry.id),
        exists().where(Upload.entry_id == entry.id, is_under_way(now())),
    )
    return entry.updated_at == entry.created_at and not db.session.scalar(select(added))
