"""Whether an entry that an upload made would leave nothing behind."""

from sqlalchemy import select

from portal.domain.dependencies import count_dependents
from portal.domain.entries import Entry
from portal.domain.versions import Version
from portal.extensions import db
from portal.uploads.session import Status, Upload


def is_bare(entry: Entry, *, besides: Upload) -> bool:
    """No version, nothing that depends on it, no other upload that is alive."""
    has_version = db.session.scalar(select(Version.id).where(Version.entry_id == entry.id).limit(1))
    others = select(Upload.id).where(
        Upload.entry_id == entry.id, Upload.id != besides.id, Upload.status.not_in((Status.ABORTED, Status.EXPIRED))
    )
    return not (has_version or count_dependents(entry) or db.session.scalar(others.limit(1)))
