"""A name that its caller has used before: for what, and whether an upload for that waits to be continued."""

from typing import NamedTuple

from sqlalchemy import select

from portal.domain import rules
from portal.domain.entries import Entry
from portal.domain.kinds import Kind
from portal.errors import Conflict
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import scoped
from portal.uploads import session


class Taken(NamedTuple):
    """`upload_id` and `file_name` are those of the caller's newest unfinished upload for the entry, or empty."""

    entry_id: str
    upload_id: str
    file_name: str

    def conflict(self, word: str, uploads_page: str) -> Conflict:
        """The 409 of a new upload under this name, with the ids to act on. `uploads_page` is an address."""
        said, way = f"You already have a {word} with this name.", "Add a version to it"
        if self.upload_id:
            said = f"{said} Your upload of {self.file_name} for it is not finished."
            way = f"Go on with it at {uploads_page}/{self.upload_id}"
        error = Conflict(f"{said} {way}, or choose another name.", fields=[("name", said)])
        error.members = {f"{word}_id": self.entry_id} | ({"upload_id": self.upload_id} if self.upload_id else {})
        return error


@scoped
def find(actor: Actor, kind: Kind, name: str) -> Taken | None:
    """The actor's own entry of this name, outside apps. Undoes what the transaction has changed.

    It comes after a refusal.
    """
    db.session.rollback()
    own = Entry.owner_id == actor.user_id, Entry.kind == kind.word, Entry.app_id.is_(None)
    entry_id = db.session.scalar(select(Entry.id).where(*own, Entry.name_key == rules.key(name)))
    if entry_id is None:
        return None
    begun = (upload for upload in session.list_unfinished(actor) if upload.entry_id == entry_id)
    upload = next(begun, None)
    return Taken(entry_id, upload.id if upload else "", upload.file_name if upload else "")
