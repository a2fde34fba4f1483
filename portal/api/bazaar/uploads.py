"""The chunked upload of the bazaar dialect: begin, chunks in any order, progress, commit, abort, a fresh token."""

import base64
import binascii
import re
from contextlib import suppress
from typing import Any

from flask import current_app, g, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import Field
from werkzeug.exceptions import ClientDisconnected

from portal.api.arriving import ArrivingBody
from portal.api.auth import upload_token
from portal.api.bazaar import bazaar, shapes
from portal.api.bodies import KindSpec, Spec, of_kind, read_json
from portal.api.shapes import rfc3339
from portal.domain.kinds import KINDS, Kind
from portal.errors import BadRequest, Conflict, LengthRequired, PortalError, WrongType
from portal.identity import current_actor
from portal.security.actor import Actor
from portal.storage.base import StorageError
from portal.storage.files import PIECE
from portal.uploads import machine, session, taken, tokens
from portal.uploads.finish import finish
from portal.uploads.machine import Announcement
from portal.uploads.session import Upload

_INDEX = re.compile(r"0|[1-9][0-9]{0,18}")
_SHA256 = r"^[0-9a-fA-F]{64}$"


class BeginSpec(KindSpec):
    own = ("name", "id", "type")

    name: str | None = None
    id: str | None = None
    type: str = ""
    file_name: str | None = None
    size: int | None = Field(None, ge=0, le=machine.MOST_BYTES)
    chunk_size: int | None = Field(None, ge=1, le=machine.MOST_BYTES)
    sha256: str | None = Field(None, pattern=_SHA256)
    description: str = ""
    attributes: dict[str, Any] = Field(default_factory=dict)
    dependencies: list[str] = Field([], max_length=100)

    def announcement(self) -> Announcement:
        given = {name: getattr(self, name) for name in self.model_fields_set - {"id"}}
        sha256 = {"sha256": self.sha256.lower()} if self.sha256 else {}
        return Announcement(entry_id=self.id, **given | sha256)


BEGIN_SPECS = {kind.word: of_kind(BeginSpec, kind) for kind in KINDS}


class TokenSpec(Spec):
    upload_id: str


class CommitSpec(Spec):
    sha256: str | None = Field(None, pattern=_SHA256)


@bazaar.post("/<word:kind>/upload")
def begin(kind: Kind) -> ResponseReturnValue:
    g.field_names = {"name": f"{kind.word}_name", "type": f"{kind.word}_type"}
    said = read_json(BEGIN_SPECS[kind.word]).announcement()
    try:
        upload = machine.begin(current_actor(), kind, said)
    except Conflict as error:
        raise _explained(error, kind, said) from None
    return jsonify(_begun(kind, upload, tokens.make(upload)))


@bazaar.post("/<word:kind>/upload/token")
def renew_token(kind: Kind) -> ResponseReturnValue:
    upload = session.get(current_actor(), read_json(TokenSpec).upload_id, kind)
    return jsonify(_begun(kind, upload, tokens.renew(current_actor(), upload)))


@bazaar.post("/<word:kind>/upload/<idx>")
def put_chunk(kind: Kind, idx: str) -> ResponseReturnValue:
    actor, upload = tokens.open_token(upload_token(), kind)
    if not _INDEX.fullmatch(idx) or int(idx) > machine.MOST_BYTES:
        raise BadRequest("A chunk's index is a whole number from 0 in plain decimal.")
    if request.mimetype == "multipart/form-data":
        raise WrongType("Send the chunk's bytes alone, not in a form.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise WrongType("Send the chunk's bytes as they are, without Content-Encoding.")
    if request.content_length is None or not request.environ["CONTENT_LENGTH"]:
        raise LengthRequired("Send the chunk with a Content-Length.")
    body = ArrivingBody()
    try:
        machine.put_chunk(actor, upload, int(idx), request.content_length, body, _content_digest())
    except (PortalError, StorageError):
        _skip(body, request.content_length)
        raise
    return jsonify({})


@bazaar.get("/<word:kind>/upload")
def progress(kind: Kind) -> ResponseReturnValue:
    actor, upload = _upload(kind)
    received = machine.progress(actor, upload)
    body: dict[str, Any] = {
        "upload_id": upload.id,
        f"{kind.word}_id": upload.entry_id,
        "status": upload.state,
        "file_name": upload.file_name,
        "size": upload.size,
        "sha256": upload.sha256,
        "chunk_size": machine.chunk_size_for(upload),
        "received": received.ranges(),
        "bytes_received": received.bytes_received or upload.checked_bytes,
        "bytes_checked": upload.checked_bytes,
        "expires_at": rfc3339(upload.expires_at),
    }
    if request.args.get("digests") == "true":
        chunks = [(idx, chunk) for idx, chunk in received.chunks.items() if chunk.sha256]
        body["digests"] = {str(idx): base64.b64encode(chunk.sha256).decode() for idx, chunk in chunks}
    return jsonify(body)


@bazaar.post("/<word:kind>/upload/commit")
def commit(kind: Kind) -> ResponseReturnValue:
    """200 with the version; 202 while a huge file is still being hashed: ask again."""
    actor, upload = tokens.open_token(upload_token(), kind)
    sha256 = read_json(CommitSpec, optional=True).sha256
    made = finish(actor, upload, sha256 and sha256.lower())
    if made is None:
        waiting = {"status": "checking", "bytes_checked": upload.checked_bytes, "size": upload.size}
        return jsonify(waiting), 202, {"Retry-After": "1"}
    return jsonify(shapes.version(kind, upload.entry.type if upload.entry else "", made))


@bazaar.delete("/<word:kind>/upload")
def abort(kind: Kind) -> ResponseReturnValue:
    machine.abort(*_upload(kind))
    return jsonify({})


def _skip(body: ArrivingBody, length: int) -> None:
    """What is left of a refused chunk is read, or the server would close the connection that the client means to use
    again. Not so what no chunk may be."""
    with suppress(OSError, ClientDisconnected):
        while length <= current_app.extensions["portal"].max_chunk_size and body.read(PIECE):
            pass


def _upload(kind: Kind) -> tuple[Actor, Upload]:
    """By upload token, or by `?upload_id=` for the person who began it."""
    upload_id = request.args.get("upload_id")
    if upload_id is None:
        return tokens.open_token(upload_token(), kind)
    return current_actor(), session.get(current_actor(), upload_id, kind)


def _explained(error: Conflict, kind: Kind, said: Announcement) -> Conflict:
    """The refusal of a taken name, with the page where an upload under that name waits."""
    found = taken.find(current_actor(), kind, said.name or "")
    if found is None:
        return error
    return found.conflict(kind.word, url_for("uploads.index", _external=True))


def _begun(kind: Kind, upload: Upload, token: str) -> dict[str, Any]:
    return {
        "token": token,
        "upload_id": upload.id,
        f"{kind.word}_id": upload.entry_id,
        "chunk_size": machine.chunk_size_for(upload),
        "expires_at": rfc3339(upload.expires_at),
    }


def _content_digest() -> bytes | None:
    """The sha-256 of RFC 9530's Content-Digest; other algorithms are passed over, a malformed field is 400."""
    found = None
    for member in filter(None, (part.strip() for part in request.headers.get("Content-Digest", "").split(","))):
        matched = re.fullmatch(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):", member)
        if matched is None:
            raise BadRequest("Content-Digest takes sha-256=:BASE64:.")
        if matched[1] == "sha-256":
            found = _decoded(matched[2])
    return found


def _decoded(text: str) -> bytes:
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != 32:
        raise BadRequest("Content-Digest's sha-256 takes 32 bytes in Base64.")
    return digest
