"""Signed addresses of record files: good for whoever has one, for a quarter of an hour, for these bytes alone."""

from datetime import timedelta

from flask import current_app
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from portal.domain.records import Record
from portal.errors import Gone, NotFound
from portal.extensions import db

LIFE = timedelta(minutes=15)


def token_for(record: Record) -> str:
    """404 for a record without a file. Checks no permission: ask for a visible record first."""
    if record.file_sha256 is None:
        raise NotFound("This record has no file.")
    return _serializer().dumps([record.id, record.file_sha256])


def record_of(token: str) -> Record:
    """404 for a token that is not ours, or whose record or file is no more; 410 once it has expired.

    Checks no permission: the signature is the proof.
    """
    try:
        record_id, sha256 = _serializer().loads(token, max_age=int(LIFE.total_seconds()))
    except SignatureExpired:
        raise Gone("This address was good for 15 minutes. Ask for a new one.") from None
    except (BadData, ValueError, TypeError):
        raise NotFound("There is nothing at this address.") from None
    record = db.session.get(Record, record_id)
    if record is None or record.file_sha256 != sha256:
        raise NotFound("There is nothing at this address.")
    return record


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="record file")
