"""Sending stored files, always as attachments: by the server's `sendfile`, or by an address of the storage."""

import unicodedata
from datetime import datetime
from typing import BinaryIO, NamedTuple
from urllib.parse import quote
from uuid import UUID

from flask import Response, current_app, request
from werkzeug.wsgi import wrap_file

from portal.database import made_at
from portal.domain import rules
from portal.domain.file_types import OTHER, TEXT
from portal.domain.records import Record
from portal.domain.versions import Version
from portal.errors import Damaged, PortalError
from portal.storage import base, keys
from portal.storage.base import Answer, Missing, Store

PIECE = 256 * 1024
LIFE = 15 * 60  # seconds that an address of the storage is good for


class NotSatisfiable(PortalError):
    status, title = 416, "Range not satisfiable"


class Stored(NamedTuple):
    """A file whose bytes lie at `key`; `about` says in the log whose it is."""

    key: str
    file_name: str
    size: int
    sha256: str
    created_at: datetime
    is_damaged: bool
    about: str
    type: str = "application/octet-stream"


def of_version(version: Version) -> Stored:
    key, about = keys.version_key(UUID(version.id)), f"version {version.id}"
    return Stored(key, version.file_name, version.size, version.sha256, version.created_at, version.is_damaged, about)


def of_record(record: Record) -> Stored:
    """Wants a record that has a file."""
    assert record.file_name is not None
    assert record.file_size is not None
    assert record.file_sha256 is not None
    key, about = keys.record_key(UUID(record.id)), f"record {record.id}"
    told = f"{TEXT}; charset=utf-8" if record.file_type == TEXT else record.file_type or OTHER
    made, is_damaged = made_at(record.id), bool(record.is_file_damaged)
    return Stored(key, record.file_name, record.file_size, record.file_sha256, made, is_damaged, about, told)


def send(file: Stored) -> Response:
    """The file with ETag (its sha256), Range, If-Range, If-None-Match; 500 before the first byte if it is damaged.

    307 where the storage sends it, with the same ETag and If-None-Match.
    """
    require_sound(file)
    response = Response(content_type=file.type, direct_passthrough=True)
    response.headers["Content-Disposition"] = disposition(file.file_name)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, no-cache"
    response.last_modified = file.created_at
    response.set_etag(file.sha256)
    response.accept_ranges = "bytes"
    if _is_held(file):
        response.status_code = 304
        return response
    if request.method == "GET" and (url := _url(file)):
        response.status_code, response.location = 307, url
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"  # kept and found unchanged, the address would have run out
        del response.headers["Content-Disposition"]
        return response
    span = _range(file) if request.method == "GET" else None
    response.content_length = file.size if span is None else span[1] - span[0]
    if span is not None:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{file.size}"
    if request.method != "HEAD":
        part = _Part(_store().open(file.key), *(span or (0, file.size)))
        response.response = wrap_file(request.environ, part, PIECE)  # type: ignore[arg-type]
    return response


def disposition(file_name: str) -> str:
    """RFC 6266: a plain name for old clients, and the real one."""
    name = rules.file_name(file_name)
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = "".join(character for character in plain if character not in "%;").strip() or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def opened(file: Stored) -> BinaryIO:
    """To be read and sought in; `Damaged` as for `send`."""
    require_sound(file)
    return _store().open(file.key)


def require_sound(file: Stored) -> None:
    """`Damaged` unless its bytes are as many as they should be."""
    try:
        size = _store().size(file.key)
        trouble = "is marked as damaged" if file.is_damaged else f"has {size} bytes, not {file.size}"
        if not file.is_damaged and size == file.size:
            return
    except (Missing, base.Damaged) as error:
        trouble = f"cannot be read: {error}"
    current_app.logger.error("the file of %s %s", file.about, trouble)
    raise Damaged("The stored file is missing or damaged. The administrator has been told in the log.")


def _store() -> Store:
    return current_app.extensions["storage"]


def _url(file: Stored) -> str | None:
    return _store().url_to_get(file.key, Answer(file.type, disposition(file.file_name)), LIFE)


def _is_held(file: Stored) -> bool:
    """Whether the client already has these bytes."""
    if request.if_none_match:
        return request.if_none_match.contains_weak(file.sha256)
    since = request.if_modified_since
    return since is not None and since >= _second(file)


def _range(file: Stored) -> tuple[int, int] | None:
    """Start and end (exclusive) of the one range asked for; None sends the whole file."""
    asked = request.range
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or not _same_file(file):
        return None
    start, end = asked.ranges[0]
    if start < 0:  # the last bytes, however many there are
        start = max(file.size + start, 0)
    if start >= file.size:
        raise NotSatisfiable(f"The file has {file.size:,} bytes.", headers={"Content-Range": f"bytes */{file.size}"})
    return start, file.size if end is None else min(end, file.size)


def _same_file(file: Stored) -> bool:
    """If-Range: a strong tag or the exact time; anything else might join parts of two files."""
    condition = request.if_range
    if condition.date is not None:
        return condition.date == _second(file)
    return condition.etag in (None, file.sha256) and not request.headers.get("If-Range", "").startswith("W/")


def _second(file: Stored) -> datetime:
    return file.created_at.replace(microsecond=0)


class _Part:
    """The bytes of a file from `start` to `end`: gunicorn sends its descriptor from where that stands, others read."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file = file
        self._file.seek(start)
        self._end = end
        self.fileno, self.close = self._file.fileno, self._file.close

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, self._end - self._file.tell()))
