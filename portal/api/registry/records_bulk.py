"""Many records in one request: NDJSON of any length, read as it comes."""

import errno
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import Field
from werkzeug.exceptions import ClientDisconnected

from portal.api.declared import Parameter
from portal.api.flags import asked_flag
from portal.api.registry.record_shapes import RECORD
from portal.api.shapes import Shape
from portal.domain import record_bulk, record_lines
from portal.domain.entries import Entry
from portal.domain.kinds import Kind
from portal.domain.record_bulk import Loaded
from portal.errors import BadRequest, Invalid, NoSpace, PortalError, WrongType
from portal.identity import actor_anew, current_actor

TYPES = ("application/x-ndjson", "application/ndjson")
ATOMIC = Parameter("atomic", "Of lines: all of them go in or none does.", type="boolean", default=False)
_ANY_LENGTH = 2**63 - 1
_PIECE = 256 << 10
_IN_MEMORY = 8 << 20


class RejectedShape(Shape):
    line: int
    error: str


class LoadedShape(Shape):
    inserted: int
    rejected: list[RejectedShape]
    more_rejected: int = Field(description="Lines that were rejected, but are not listed.")


ADDED = {word: shape | LoadedShape for word, shape in RECORD.items()}


def load(kind: Kind, entry: Entry) -> ResponseReturnValue:
    """Answers `inserted` and `rejected`; so does an error, of what was committed before it.

    With `?atomic=true` the body is on the disk before the first record is written, so that nobody waits for its sender.
    """
    atomic = asked_flag("atomic")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise WrongType("Send the lines as they are, without Content-Encoding.")
    lines = record_lines.read_ndjson(kind, _kept(_arriving()) if atomic else _arriving())
    loaded = Loaded()
    try:
        for so_far in record_bulk.add_many(current_actor(), entry, lines, atomic=atomic, asked_anew=actor_anew):
            loaded = so_far
        if atomic and loaded.rejected:
            raise Invalid("Nothing was added, because not every line could be.")
    except PortalError as error:
        error.members |= _shape(loaded)
        raise
    return jsonify(_shape(loaded))


def _shape(loaded: Loaded) -> dict[str, Any]:
    """`more_rejected` lines were rejected that `rejected` does not list."""
    rejected = [{"line": line, "error": error} for line, error, _ in loaded.rejected]
    return {"inserted": loaded.inserted, "rejected": rejected, "more_rejected": loaded.unnamed}


def _arriving() -> Iterator[bytes]:
    """The body in pieces; 400 where it ends before it should."""
    request.max_content_length = _ANY_LENGTH
    missing = request.content_length or 0
    try:
        while piece := request.stream.read(_PIECE):
            missing -= len(piece)
            yield piece
    except (ClientDisconnected, OSError) as error:
        raise _cut() from error
    if missing > 0:
        raise _cut()


def _cut() -> BadRequest:
    return BadRequest("The body was cut short. Send it again: what has been added is passed over then.")


def _kept(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same pieces once all have come."""
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        try:
            for piece in pieces:
                file.write(piece)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise NoSpace("The disk for arriving bodies is full. Nothing was added.") from error
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece
