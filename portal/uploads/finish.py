"""Finishing: assemble, hash, publish, number. A thread checks; the request waits a while and then says how far it is.

A checker that dies (its worker was killed) stops renewing `checked_at`; after `LEASE` whoever asks again takes over and
finds each step either undone or done. One that was only thought dead finds that the sign of life is not its own.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from flask import Flask, current_app
from sqlalchemy import ColumnElement, update
from sqlalchemy.exc import SQLAlchemyError

from portal.database import begin_write, end_read, now, undo
from portal.domain import audit, versions
from portal.domain.audit import What
from portal.domain.entries import Entry
from portal.domain.records import Record
from portal.domain.sessions import actor_for
from portal.domain.users import User
from portal.domain.versions import Version
from portal.errors import BadRequest, Gone, Invalid, PortalError, TooLarge, invalid
from portal.extensions import db
from portal.security.actor import Actor, Via
from portal.security.guard import allows, enforce
from portal.security.policy import OnUpload
from portal.storage.base import Missing, Stopped, StorageError
from portal.uploads import described, session
from portal.uploads.machine import store
from portal.uploads.session import Status, Upload
from portal.uploads.translate import in_words

WAIT = 15.0  # seconds
_LOOK_EVERY = 0.1
_TELL_EVERY = 1.0

log = logging.getLogger("portal.uploads")


@allows(OnUpload.CONTINUE)
def finish(actor: Actor, upload: Upload, sha256: str | None = None, *, wait: float | None = None) -> Version | None:
    """The version that the upload became, or None while it is still being checked after `wait` (WAIT) seconds.

    400 names missing chunks; 422 when size or sha256 is not the expected one, and the upload stays open.
    """
    upload_id = upload.id
    return _version(upload_id, sha256) if _is_done(actor, upload, sha256, WAIT if wait is None else wait) else None


@allows(OnUpload.CONTINUE)
def finish_record(actor: Actor, upload: Upload) -> Record | None:
    """As `finish`, for the upload of a record's file; 409 if the entry has the same record already."""
    upload_id = upload.id
    return db.session.get_one(Record, upload_id) if _is_done(actor, upload, None, WAIT) else None


def _is_done(actor: Actor, upload: Upload, sha256: str | None, wait: float) -> bool:
    """Whether the check that somebody makes, perhaps we, has come to a good end within `wait` seconds."""
    upload_id = upload.id
    deadline = time.monotonic() + wait
    while True:
        end_read()
        upload = session.find(upload_id)
        if upload.state is Status.DONE:
            return True
        left = deadline - time.monotonic()
        if claim := claim_check(actor, upload, sha256):
            checker = _Checker(actor, claim, sha256)
            checker.start()
            checker.join(max(left, 0))
            if checker.error is not None:
                raise checker.error
        elif left > 0:
            time.sleep(_LOOK_EVERY)
        else:
            return False


@allows(OnUpload.CONTINUE)
def claim_check(actor: Actor, upload: Upload, sha256: str | None = None) -> "Claim | None":
    """The right to check a complete upload, for one caller; None while another holds a live claim.

    400 names missing chunks; 422 when the bytes are not as many as declared. Commits: the check outlives the request.
    """
    if upload.state is Status.CHECKING and not upload.is_abandoned:
        end_read()
        return None
    begin_write()
    upload = session.lock(upload.id)
    upload.require_alive()
    if sha256 is not None and upload.sha256 not in (None, sha256):
        raise invalid("sha256", "This is not the sha256 that was declared at the beginning.")
    if upload.state is Status.OPEN:
        upload.chunk_count = _require_complete(upload)
    elif not upload.is_abandoned:
        db.session.rollback()
        return None
    claim = Claim(upload.id, now())
    upload.status, upload.checked_at, upload.checked_bytes = Status.CHECKING, claim.signs[0], 0
    db.session.commit()
    return claim


class _Checker(threading.Thread):
    """Makes what the upload is for, or gives it back open; `error` is why."""

    def __init__(self, actor: Actor, claim: "Claim", sha256: str | None) -> None:
        super().__init__(name=f"check-{claim.upload_id}", daemon=True)
        self._app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        self._actor, self._claim, self._sha256 = actor, claim, sha256
        self.error: Exception | None = None

    def run(self) -> None:
        upload_id = self._claim.upload_id
        with self._app.app_context():
            try:
                with self._claim.kept(self._app):
                    _publish(self._actor, self._claim, self._sha256)
            except Stopped:
                log.info("upload %s is being checked by somebody else", upload_id)
            except Exception as error:
                expected = isinstance(error, (PortalError, StorageError))
                log.warning("upload %s did not pass: %s", upload_id, error, exc_info=not expected)
                _give_back(self._claim)
                self.error = error


def _publish(actor: Actor, claim: "Claim", sha256: str | None) -> None:
    """Bytes first, then the row: a crash between them leaves a file that the next check finds in its place."""
    upload_id = claim.upload_id
    key = session.find(upload_id).key
    end_read()
    size, found = _measure(claim, key)
    try:
        _require_expected(_checked(claim), size, found, sha256)
    except Invalid:
        end_read()
        with suppress(Missing):  # it was published, and cannot be mended any more
            store().doubt(upload_id, claim.is_lost)
        raise
    end_read()
    store().publish(upload_id, key, found)
    begin_write()
    upload = _checked(claim)
    if upload.record is None:
        _add_version(actor, upload, size, found)
    else:
        described.add(upload, size, found)
    upload.status, upload.checked_bytes = Status.DONE, size
    upload.expires_at = now() + current_app.extensions["portal"].upload_ttl
    db.session.commit()


def _add_version(actor: Actor, upload: Upload, size: int, sha256: str) -> None:
    version = Version(id=upload.id, entry_id=upload.entry_id, file_name=upload.file_name, size=size, sha256=sha256)
    version.created_by_id, version.description = upload.user_id, upload.description
    entry = db.session.get_one(Entry, upload.entry_id)
    versions.publish(entry, version)
    audit.note(actor, What.VERSION_PUBLISHED, entry=entry, number=version.number)


def _measure(claim: "Claim", key: str) -> tuple[int, str]:
    """Size and sha256 of the whole file, wherever an earlier check has left it."""
    try:
        store().assemble(claim.upload_id, claim.copied, claim.is_lost)
        return store().hash_staged(claim.upload_id, claim.hashed, claim.is_lost)
    except Missing:
        return store().hash(key, claim.hashed, claim.is_lost)


def _checked(claim: "Claim") -> Upload:
    """The upload that we are checking, locked, if the person who began it may still write there."""
    upload = session.lock(claim.upload_id)
    upload.require_alive()
    if upload.status != Status.CHECKING or upload.checked_at not in claim.signs:
        raise Stopped("somebody else checks it, or has done so")
    user = db.session.get_one(User, upload.user_id, populate_existing=True)
    enforce(actor_for(user, Via.UPLOAD, upload_id=claim.upload_id), OnUpload.CONTINUE, upload)
    return upload


def _give_back(claim: "Claim") -> None:
    """Where even this fails, the claim runs out by itself."""
    try:
        begin_write()
        db.session.execute(update(Upload).where(*claim.holds()).values(status=Status.OPEN, checked_bytes=0))
        db.session.commit()
    except Exception:
        log.exception("upload %s stays claimed", claim.upload_id)


def _version(upload_id: str, sha256: str | None) -> Version:
    version = db.session.get(Version, upload_id)
    if version is None:
        raise Gone("The version that this upload made was deleted.")
    if sha256 not in (None, version.sha256):
        raise invalid("sha256", f"This upload has become version {version.number}, whose sha256 is {version.sha256}.")
    return version


def _require_complete(upload: Upload) -> int | None:
    """How many chunks there are."""
    try:
        received = store().received(upload.id)
    except Missing:
        store().size(upload.key)  # published by a check that could not write its row
        return upload.chunk_count
    if missing := received.missing():
        raise BadRequest(f"Chunks are missing: {in_words(missing)}.")
    _require_size(upload, received.bytes_received)
    return len(received.chunks)


def _require_expected(upload: Upload, size: int, found: str, sha256: str | None) -> None:
    _require_size(upload, size)
    for expected in (upload.sha256, sha256):
        if expected not in (None, found):
            raise Invalid(f"The file's sha256 is {found}, not {expected} as declared. The upload stays open.")


def _require_size(upload: Upload, size: int) -> None:
    if upload.size not in (None, size):
        raise Invalid(f"{size:,} bytes have arrived; {upload.size:,} were declared.")
    largest = current_app.extensions["portal"].max_file_size
    if largest is not None and size > largest:
        raise TooLarge(f"Files take at most {largest:,} bytes here; this one has {size:,}.")


class Claim:
    """The right to check an upload. While it is `kept`, `checked_at` says once a second that the checker lives.

    `signs` are those times of which one is in the row for as long as nobody else has claimed it.
    """

    def __init__(self, upload_id: str, first_sign: datetime) -> None:
        self.upload_id, self.signs = upload_id, [first_sign]
        self._done, self._lost, self._over = 0, False, threading.Event()

    def holds(self) -> tuple[ColumnElement[bool], ...]:
        return Upload.id == self.upload_id, Upload.status == Status.CHECKING, Upload.checked_at.in_(self.signs)

    def hashed(self, done: int) -> None:
        self._done = done

    def copied(self, _done: int) -> None:
        """Putting chunks in order is not shown."""

    def is_lost(self) -> bool:
        """Asked again and again while the store works or waits."""
        return self._lost

    @contextmanager
    def kept(self, app: Flask) -> Iterator[None]:
        """In a thread of its own: no call of the store, however long, is taken for a checker's death."""
        teller = threading.Thread(target=self._tell_again, args=(app,), name=f"claim-{self.upload_id}", daemon=True)
        teller.start()
        try:
            yield
        finally:
            self._over.set()
            teller.join()

    def _tell_again(self, app: Flask) -> None:
        while not self._over.wait(_TELL_EVERY) and not self._lost:
            with app.app_context():
                self._tell()

    def _tell(self) -> None:
        holds, sign = self.holds(), now()
        self.signs = [*self.signs, sign]
        try:
            begin_write()
            renewed = update(Upload).where(*holds).values(checked_at=sign, checked_bytes=self._done)
            self._lost = db.session.execute(renewed).rowcount == 0  # type: ignore[attr-defined]
            db.session.commit()
            self.signs = self.signs[-2:]
        except SQLAlchemyError:  # a database that is busy or away for a moment; the claim lasts longer
            undo()
