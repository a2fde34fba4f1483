"""The chunked upload of the bazaar dialect: begin, chunks in any order, progress, commit, abort, a fresh token."""

import base64
import binascii
import re
from typing import Annotated, Any, Literal

from flask import g, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import Field

from portal.api.arriving import ArrivingBody
from portal.api.auth import upload_token
from portal.api.bazaar import bazaar, shapes
from portal.api.bazaar.shapes import VERSION
from portal.api.bodies import KindSpec, Spec, of_kind
from portal.api.declared import BYTES, Parameter, accepts, answers, reads, takes
from portal.api.flags import asked_flag
from portal.api.shapes import EXAMPLE_ID, Empty, Id, KindShape, Sha256, Shape, Time, by_word, rfc3339
from portal.domain.kinds import KINDS, Kind
from portal.errors import BadRequest, Conflict, Denied, Gone, LengthRequired, NotFound, PortalError, WrongType
from portal.identity import current_actor, from_here
from portal.security.actor import Actor
from portal.storage.base import StorageError
from portal.uploads import machine, session, taken, tokens
from portal.uploads.finish import finish
from portal.uploads.machine import Announcement
from portal.uploads.session import Upload

_INDEX = re.compile(r"0|[1-9][0-9]{0,18}")
_SHA256 = r"^[0-9a-fA-F]{64}$"


class BeginSpec(KindSpec):
    own = ("name", "id", "type")

    name: str | None = Field(None, examples=["yield-net"])
    id: str | None = None
    type: str = ""
    file_name: str | None = Field(None, examples=["net.safetensors"])
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


class UploadSpec(Spec):
    upload_id: str = Field(examples=[EXAMPLE_ID])


class CommitSpec(Spec):
    sha256: str | None = Field(None, pattern=_SHA256)


class ChunkSpec(Spec):
    sha256: str = Field(pattern=_SHA256, examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])


class AddressShape(Shape):
    url: str
    headers: dict[str, str] = Field(description="They go with the PUT.")
    expires_at: Time


class BegunShape(KindShape):
    token: str = Field(description="Good for this upload alone.")
    upload_id: Id
    kind_id: Id
    chunk_size: int
    expires_at: Time


class ProgressShape(KindShape):
    upload_id: Id
    kind_id: Id | None
    status: Literal["open", "checking", "done", "aborted", "expired"]
    file_name: str
    size: int | None
    sha256: Sha256 | None
    chunk_size: int
    direct: bool = Field(description="Whether chunks had better go to the addresses of `upload/{idx}/url`.")
    received: list[Annotated[list[int], Field(min_length=2, max_length=2)]] = Field(
        description="First and last index of each run of chunks."
    )
    bytes_received: int
    bytes_checked: int
    expires_at: Time
    digests: dict[str, str] = Field({}, description="By index the sha-256 of each chunk in Base64, if asked for.")


class CheckingShape(Shape):
    status: Literal["checking"]
    bytes_checked: int
    size: int | None


BEGUN, PROGRESS = by_word(BegunShape), by_word(ProgressShape)
INDEX = Parameter("idx", "The chunk's number, from 0 in plain decimal.", type="integer", minimum=0)
DIGEST = Parameter("Content-Digest", "Checked if it is given (RFC 9530).", examples=["sha-256=:BASE64:"])
RETRY_AFTER = Parameter("Retry-After", "Seconds to wait.", type="integer")
UPLOAD_ID = Parameter("upload_id", "Instead of the upload's token, for the person who began it.", format="uuid")
DIGESTS = Parameter("digests", "Whether to list the digests of chunks.", type="boolean", default=False)


@bazaar.post("/<word:kind>/upload")
@reads(BEGIN_SPECS)
@answers(BEGUN, Conflict, NotFound)
def begin(kind: Kind, said: BeginSpec) -> ResponseReturnValue:
    """Begin the upload of an entry's file: a new entry with `{word}_name`, a new version of one with `{word}_id`."""
    g.field_names = {"name": f"{kind.word}_name", "type": f"{kind.word}_type"}
    announced = said.announcement()
    try:
        upload = machine.begin(current_actor(), kind, announced)
    except Conflict as error:
        raise _explained(error, kind, announced) from None
    return jsonify(_begun(kind, upload, tokens.make(upload)))


@bazaar.post("/<word:kind>/upload/token")
@reads(UploadSpec)
@answers(BEGUN, Conflict, Gone, NotFound)
def renew_token(kind: Kind, said: UploadSpec) -> ResponseReturnValue:
    """A fresh token for an upload that the caller began."""
    upload = session.get(current_actor(), said.upload_id, kind)
    return jsonify(_begun(kind, upload, tokens.renew(current_actor(), upload)))


@bazaar.post("/<word:kind>/upload/<idx>")
@takes(path=(INDEX,), headers=(DIGEST,))
@accepts({BYTES: bytes})
@answers(Empty, Conflict, Gone, LengthRequired)
def put_chunk(kind: Kind, idx: str) -> ResponseReturnValue:
    """Send one chunk: in any order, in parallel, and again whenever it is not sure to have arrived."""
    actor, upload = _by_token(kind)
    number = _index(idx)
    if request.mimetype == "multipart/form-data":
        raise WrongType("Send the chunk's bytes alone, not in a form.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise WrongType("Send the chunk's bytes as they are, without Content-Encoding.")
    if request.content_length is None or not request.environ["CONTENT_LENGTH"]:
        raise LengthRequired("Send the chunk with a Content-Length.")
    body = ArrivingBody()
    try:
        machine.put_chunk(actor, upload, number, request.content_length, body, _content_digest())
    except (PortalError, StorageError):
        body.skip(request.content_length)
        raise
    return jsonify({})


@bazaar.post("/<word:kind>/upload/<idx>/url")
@takes(path=(INDEX,))
@reads(ChunkSpec)
@answers(AddressShape, Conflict, Gone)
def chunk_address(kind: Kind, idx: str, said: ChunkSpec) -> ResponseReturnValue:
    """Where to PUT one chunk of a declared upload, straight to the storage; nothing else need be told of it."""
    actor, upload = _by_token(kind)
    address, until = machine.address_of_chunk(actor, upload, _index(idx), bytes.fromhex(said.sha256))
    return jsonify(url=address.url, headers=address.headers, expires_at=rfc3339(until))


@bazaar.get("/<word:kind>/upload")
@takes(UPLOAD_ID, DIGESTS)
@answers(PROGRESS, Denied, NotFound, Gone)
def progress(kind: Kind) -> ResponseReturnValue:
    """What has arrived of an upload."""
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
        "direct": machine.is_direct(upload),
        "received": received.ranges(),
        "bytes_received": received.bytes_received or upload.checked_bytes,
        "bytes_checked": upload.checked_bytes,
        "expires_at": rfc3339(upload.expires_at),
    }
    if asked_flag("digests"):
        chunks = [(idx, chunk) for idx, chunk in received.chunks.items() if chunk.sha256]
        body["digests"] = {str(idx): base64.b64encode(chunk.sha256).decode() for idx, chunk in chunks}
    return jsonify(body)


@bazaar.post("/<word:kind>/upload/commit")
@reads(CommitSpec, optional=True)
@answers(VERSION, Conflict, Gone)
@answers(CheckingShape, status=202, headers=(RETRY_AFTER,), about="A huge file is still being hashed: ask again.")
def commit(kind: Kind, said: CommitSpec) -> ResponseReturnValue:
    """Make the version of what has arrived. Committing again gives the same answer."""
    actor, upload = _by_token(kind)
    made = finish(actor, upload, said.sha256 and said.sha256.lower())
    if made is None:
        waiting = {"status": "checking", "bytes_checked": upload.checked_bytes, "size": upload.size}
        return jsonify(waiting), 202, {"Retry-After": "1"}
    return jsonify(shapes.version(kind, upload.entry.type if upload.entry else "", made))


@bazaar.delete("/<word:kind>/upload")
@takes(UPLOAD_ID)
@answers(Empty, Conflict, Gone, NotFound)
def abort(kind: Kind) -> ResponseReturnValue:
    """Give an upload up; nothing of it stays."""
    machine.abort(*_upload(kind))
    return jsonify({})


def _index(text: str) -> int:
    if not _INDEX.fullmatch(text) or int(text) > machine.MOST_BYTES:
        raise BadRequest("A chunk's index is a whole number from 0 in plain decimal.")
    return int(text)


def _upload(kind: Kind) -> tuple[Actor, Upload]:
    """By upload token, or by `?upload_id=` for the person who began it."""
    upload_id = request.args.get("upload_id")
    if upload_id is None:
        return _by_token(kind)
    return current_actor(), session.get(current_actor(), upload_id, kind)


def _by_token(kind: Kind) -> tuple[Actor, Upload]:
    actor, upload = tokens.open_token(upload_token(), kind)
    return from_here(actor), upload


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
