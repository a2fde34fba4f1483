"""A file that comes in one piece to a signed address: begun and finished by a person, sent by whoever has the address.

The same verbs as ever: begin, one chunk, finish. The chunk is kept once and whole, so neither a second sender nor a
late one changes what the first has sent.
"""

from datetime import timedelta

from flask import current_app
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from portal.database import end_read
from portal.domain.sessions import actor_for
from portal.domain.users import User
from portal.domain.versions import Version
from portal.errors import Conflict, Denied, Gone, TooLarge
from portal.extensions import db
from portal.security.actor import Actor, Via
from portal.security.guard import allows, enforce
from portal.security.policy import OnUpload
from portal.settings import LARGEST_SIZE
from portal.storage import base
from portal.uploads import machine, session
from portal.uploads.finish import finish
from portal.uploads.session import Status, Upload

LIFE = timedelta(hours=1)


def address(upload: Upload) -> str | None:
    """The storage's own address for the bytes; None where they come through the portal, to an address with `sign`.

    Checks no permission: for whoever has just begun the upload.
    """
    found = machine.store().url_to_put(upload.id, 0, None, int(LIFE.total_seconds()))
    return found and found.url


def sign(upload: Upload) -> str:
    """The signature of the upload's address. Checks no permission: for whoever has just begun the upload."""
    return _serializer().dumps(upload.id)


def open_signed(upload_id: str, signature: str) -> tuple[Actor, Upload]:
    """The person who began the upload, limited to it, and the upload, which still waits for its bytes.

    403 for a signature that is not ours for this upload, or where that person may not write there any more; 409 once
    the upload is complete; 410 when it, or the signature, has expired. Checks no permission of the caller's: the
    signature is the proof.
    """
    try:
        is_ours = _serializer().loads(signature, max_age=int(LIFE.total_seconds())) == upload_id
    except SignatureExpired:
        raise Gone("This address was good for an hour. Begin a new version.") from None
    except (BadData, ValueError, TypeError):
        is_ours = False
    if not is_ours:
        raise Denied("The signature of this address is not valid.")
    upload = session.find(upload_id)
    user = db.session.get_one(User, upload.user_id)
    actor = actor_for(user, Via.UPLOAD, upload_id=upload_id, expires_at=upload.expires_at)
    enforce(actor, OnUpload.CONTINUE, upload)
    upload.require_open()
    return actor, upload


@allows(OnUpload.CONTINUE)
def receive(actor: Actor, upload: Upload, length: int, source: base.Source) -> None:
    """Keeps exactly `length` bytes as the whole file, once: 409 where bytes have come before, 413 too large.

    No database connection is held while the bytes come. Wants an open upload.
    """
    largest = current_app.extensions["portal"].max_file_size or LARGEST_SIZE
    if length > largest:
        raise TooLarge(f"Files take at most {largest:,} bytes here; this one has {length:,}.")
    upload_id = upload.id
    end_read()
    try:
        machine.store().put_chunk(upload_id, 0, length, source, once=True)
    except base.Conflict:
        raise Conflict("The bytes of this version have come already.") from None
    except base.Missing:
        session.lock(upload_id).require_open()
        raise


@allows(OnUpload.CONTINUE)
def complete(actor: Actor, upload: Upload) -> Version:
    """The version that the upload became; 409 while its bytes are not there."""
    if upload.state is Status.OPEN and not machine.held(upload).chunks:
        raise Conflict("The bytes of this version have not come yet: PUT them to its presigned URL first.")
    while (version := finish(actor, upload)) is None:
        pass
    return version


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="presigned upload")
