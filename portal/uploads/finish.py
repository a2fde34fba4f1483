"""Finishing: assemble, hash, publish, number. A thread checks; the request waits a while and then says how far it is.

A checker that dies (its worker was killed) stops renewing `checked_at`; after `LEASE` whoever asks again takes over and
finds each step either undone or done.
"""

import logging
import threading
import time
from uuid import UUID

from flask import Flask, current_app
from sqlalchemy import select, update

from portal.database import begin_write, end_read, now
from portal.domain import versions
from portal.domain.entries import Entry
from portal.domain.sessions import actor_for
from portal.domain.users import User
from portal.domain.versions import Version
from portal.errors import Gone, Invalid, NotFound, PortalError, Unavailable
from portal.extensions import db
from portal.security.actor import Actor, Via
from portal.security.guard import allows, enforce
from portal.security.policy import OnUpload
from portal.storage import keys
from portal.storage.base import Missing, StorageError
from portal.uploads import machine
from portal.uploads.session import Status, Upload
from portal.uploads.translate import translate

WAIT = 15.0
_LOOK_EVERY = 0.1
_TELL_EVERY = 1.0

log = logging.getLogger("portal.uploads")


@allows(OnUpload.CONTINUE)
def finish(actor: Actor, upload: Upload, sha256: str | None = None, *, wait: float = WAIT) -> Version | None:
    """The version that the upload became, or None while it is still being checked after `wait` seconds.

    400 names missing chunks; 422 when size or sha256 is not the declared one, and the upload stays open.
    """
    if upload.state is not Status.DONE and machine.claim_check(actor, upload, sha256):
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        checker = threading.Thread(target=_check, args=(app, upload.id), name=f"check-{upload.id}", daemon=True)
        checker.start()
        checker.join(wait)
        wait = 0
    return _outcome(upload.id, wait)


def _outcome(upload_id: str, wait: float) -> Version | None:
    deadline = time.monotonic() + wait
    while True:
        end_read()
        upload = db.session.get(Upload, upload_id, populate_existing=True)
        if upload is None:
            raise NotFound("There is no such upload.")
        if upload.state is Status.DONE:
            version = db.session.get(Version, upload.id)
            if version is None:
                raise Gone("The version that this upload made was deleted.")
            return version
        upload.require_alive()
        if upload.state is Status.OPEN:
            raise Invalid(upload.failure) if upload.failure else Unavailable("The check was interrupted. Try again.")
        if time.monotonic() >= deadline:
            return None
        time.sleep(_LOOK_EVERY)


def _check(app: Flask, upload_id: str) -> None:
    with app.app_context():
        try:
            _publish(upload_id)
        except StorageError as error:
            log.warning("upload %s: %s: %s", upload_id, type(error).__name__, error)
            _reopen(upload_id, translate(error).detail)
        except PortalError as error:
            _reopen(upload_id, error.detail)
        except Exception:
            log.exception("upload %s could not be checked", upload_id)
            _reopen(upload_id, None)


def _publish(upload_id: str) -> None:
    key = keys.version_key(UUID(upload_id))
    size, sha256 = _measure(upload_id, key)
    upload = _alive(upload_id)
    if upload.sha256 not in (None, sha256):
        raise Invalid(f"The file's sha256 is {sha256}, not {upload.sha256} as declared. The upload stays open.")
    end_read()
    machine.store().publish(upload_id, key, sha256)
    begin_write()
    upload = _alive(upload_id)
    entry = db.session.scalars(select(Entry).where(Entry.id == upload.entry_id).with_for_update()).one()
    version = Version(id=upload.id, entry_id=entry.id, file_name=upload.file_name, size=size, sha256=sha256)
    version.created_by_id, version.description = upload.user_id, upload.description
    versions.publish(entry, version)
    upload.status, upload.checked_bytes = Status.DONE, size
    upload.expires_at = now() + current_app.extensions["portal"].upload_ttl
    db.session.commit()


def _measure(upload_id: str, key: str) -> tuple[int, str]:
    """Size and sha256 of the whole file, wherever an earlier check has left it."""
    tell = _Teller(upload_id)
    store = machine.store()
    try:
        store.assemble(upload_id, tell.alive, tell.stop)
        return store.hash_staged(upload_id, tell, tell.stop)
    except Missing:
        return store.hash(key, tell, tell.stop)


def _alive(upload_id: str) -> Upload:
    """The upload that is being checked, if the person who began it may still write there."""
    upload = db.session.get(Upload, upload_id, populate_existing=True)
    user = db.session.get(User, upload.user_id) if upload else None
    if upload is None or user is None or upload.status != Status.CHECKING:
        raise Gone("This upload is over.")
    enforce(actor_for(user, Via.UPLOAD, upload_id=upload_id), OnUpload.CONTINUE, upload)
    return upload


def _reopen(upload_id: str, failure: str | None) -> None:
    db.session.rollback()
    try:
        machine.store().reopen(upload_id)
    except StorageError as error:
        log.warning("upload %s stays sealed: %s", upload_id, error)
    begin_write()
    checking = Upload.id == upload_id, Upload.status == Status.CHECKING
    db.session.execute(update(Upload).where(*checking).values(status=Status.OPEN, failure=failure))
    db.session.commit()


class _Teller:
    """Renews the checker's claim and says how far it is, at most once a second."""

    def __init__(self, upload_id: str) -> None:
        self.upload_id, self.told_at, self.lost = upload_id, time.monotonic(), False

    def __call__(self, done: int) -> None:
        self._tell({"checked_bytes": done})

    def alive(self, _copied: int) -> None:
        self._tell({})

    def stop(self) -> bool:
        return self.lost

    def _tell(self, values: dict[str, int]) -> None:
        if time.monotonic() - self.told_at < _TELL_EVERY:
            return
        self.told_at = time.monotonic()
        begin_write()
        checking = Upload.id == self.upload_id, Upload.status == Status.CHECKING
        told = db.session.execute(update(Upload).where(*checking).values(checked_at=now(), **values))
        self.lost = told.rowcount == 0  # type: ignore[attr-defined]
        db.session.commit()
