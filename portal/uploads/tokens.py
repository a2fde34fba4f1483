"""Upload tokens: signed, good for one upload alone, and as long as that upload lives."""

import secrets

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload

from portal.domain.entries import Entry
from portal.domain.kinds import Kind
from portal.domain.sessions import actor_for
from portal.domain.users import User
from portal.errors import Conflict, Unauthenticated
from portal.extensions import db
from portal.security.actor import Actor, Via
from portal.security.guard import allows
from portal.security.policy import OnUpload
from portal.uploads.session import Status, Upload

# One query, put together once: every chunk asks.
_BEGUN = (
    select(Upload, User)
    .join(User, User.id == Upload.user_id)
    .where(Upload.id == bindparam("upload_id"), Upload.kind == bindparam("kind"))
    .options(joinedload(Upload.entry).lazyload(Entry.owner))
)


@allows(OnUpload.CONTINUE)
def renew(actor: Actor, upload: Upload) -> str:
    """A fresh token, whatever became of the others; 409 once the upload is done, 410 when it is over."""
    upload.require_alive()
    if upload.state is Status.DONE:
        raise Conflict("This upload is committed; there is nothing left to send.")
    return make(upload)


def make(upload: Upload) -> str:
    """Checks no permission: for whoever has just begun the upload, or by way of `renew`."""
    return _serializer().dumps([upload.id, secrets.token_urlsafe(8)])


def open_token(token: str, kind: Kind) -> tuple[Actor, Upload]:
    """The person who began the upload, limited to it, and the upload; 401 for a token that is bad or forgotten.

    Checks no permission: the token is the proof, and the verbs ask what its bearer may do.
    """
    try:
        upload_id, _nonce = _serializer().loads(token)
    except (BadData, ValueError, TypeError):
        raise Unauthenticated("This upload token is not valid.") from None
    found = db.session.execute(_BEGUN, {"upload_id": upload_id, "kind": kind.word}).first()
    if found is None:
        raise Unauthenticated("This upload token is not valid.")
    upload, user = found
    return actor_for(user, Via.UPLOAD, upload_id=upload.id, expires_at=upload.expires_at), upload


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="upload")
