"""Sending a version's file, whole or a range of it, by the server's `sendfile` and always as an attachment."""

import unicodedata
from datetime import datetime
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from flask import Response, current_app, request
from werkzeug.wsgi import wrap_file

from portal.domain import rules
from portal.domain.versions import Version
from portal.errors import Damaged, PortalError
from portal.storage import base, keys
from portal.storage.base import Missing

PIECE = 256 * 1024


class _NotSatisfiable(PortalError):
    status, title = 416, "Range not satisfiable"


def send(version: Version) -> Response:
    """The file with ETag (its sha256), Range, If-Range, If-None-Match; 500 before the first byte if it is damaged."""
    path = _sound_path(version)
    response = Response(content_type="application/octet-stream", direct_passthrough=True)
    response.headers["Content-Disposition"] = disposition(version.file_name)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, no-cache"
    response.last_modified = version.created_at
    response.set_etag(version.sha256)
    response.accept_ranges = "bytes"
    if _is_held(version):
        response.status_code = 304
        return response
    span = _range(version) if request.method == "GET" else None
    response.content_length = version.size if span is None else span[1] - span[0]
    if span is not None:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{version.size}"
    if request.method != "HEAD":
        part = _Part(path, *(span or (0, version.size)))
        response.response = wrap_file(request.environ, part, PIECE)  # type: ignore[arg-type]
    return response


def disposition(file_name: str) -> str:
    """RFC 6266: a plain name for old clients, and the real one."""
    name = rules.file_name(file_name)
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = "".join(character for character in plain if character not in "%;").strip() or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _sound_path(version: Version) -> Path:
    try:
        path = current_app.extensions["storage"].local_path(keys.version_key(UUID(version.id)))
        size = path.stat().st_size
        trouble = "is marked as damaged" if version.is_damaged else f"has {size} bytes, not {version.size}"
        if not version.is_damaged and size == version.size:
            return path
    except (Missing, base.Damaged, OSError) as error:
        trouble = f"cannot be read: {error}"
    current_app.logger.error("the file of version %s %s", version.id, trouble)
    raise Damaged("The stored file is missing or damaged. The administrator has been told in the log.")


def _is_held(version: Version) -> bool:
    """Whether the client already has these bytes."""
    if request.if_none_match:
        return request.if_none_match.contains_weak(version.sha256)
    since = request.if_modified_since
    return since is not None and since >= _second(version)


def _range(version: Version) -> tuple[int, int] | None:
    """Start and end (exclusive) of the one range asked for; None sends the whole file."""
    asked = request.range
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or not _same_file(version):
        return None
    start, end = asked.ranges[0]
    if start < 0:  # the last bytes, however many there are
        start = max(version.size + start, 0)
    if start >= version.size:
        raise _NotSatisfiable(
            f"The file has {version.size:,} bytes.", headers={"Content-Range": f"bytes */{version.size}"}
        )
    return start, version.size if end is None else min(end, version.size)


def _same_file(version: Version) -> bool:
    """If-Range: a strong tag or the exact time; anything else might join parts of two files."""
    condition = request.if_range
    if condition.date is not None:
        return condition.date == _second(version)
    return condition.etag in (None, version.sha256) and not request.headers.get("If-Range", "").startswith("W/")


def _second(version: Version) -> datetime:
    return version.created_at.replace(microsecond=0)


class _Part:
    """The bytes of a file from `start` to `end`: gunicorn sends its descriptor from where that stands, others read."""

    def __init__(self, path: Path, start: int, end: int) -> None:
        self._file = path.open("rb", buffering=0)
        self._file.seek(start)
        self._end = end
        self.fileno, self.close = self._file.fileno, self._file.close

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, self._end - self._file.tell()))
