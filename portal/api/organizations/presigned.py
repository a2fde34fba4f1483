"""The address that takes the bytes of a version: for whoever has it, whatever credential they send along."""

from flask import Response, request
from flask.typing import ResponseReturnValue

from portal.api.arriving import ArrivingBody
from portal.api.declared import BYTES, Parameter, accepts, answers, takes
from portal.api.organizations import organizations
from portal.errors import Conflict, Denied, Gone, LengthRequired, PortalError, TooLarge, WrongType
from portal.identity import from_here
from portal.storage.base import StorageError
from portal.uploads import presigned

SIGNATURE = Parameter("signature", "As the address came with it.")


@organizations.put("/presigned/<id:upload_id>")
@takes(SIGNATURE)
@accepts({BYTES: bytes})
@answers(None, Denied, Conflict, Gone, LengthRequired, TooLarge, WrongType, about="The bytes are kept.")
def put_file(upload_id: str) -> ResponseReturnValue:
    """The bytes of a version, once, to the address that its begin gave."""
    body, length = ArrivingBody(), request.content_length if request.environ.get("CONTENT_LENGTH") else None
    try:
        _receive(upload_id, body, length)
    except (PortalError, StorageError):
        body.skip(length)
        raise
    return Response(status=200)


def _receive(upload_id: str, body: ArrivingBody, length: int | None) -> None:
    actor, upload = presigned.open_signed(upload_id, request.args.get("signature", ""))
    if request.mimetype == "multipart/form-data":
        raise WrongType("Send the file's bytes alone, not in a form.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise WrongType("Send the file's bytes as they are, without Content-Encoding.")
    if length is not None:
        presigned.receive(from_here(actor), upload, length, body)
    elif request.headers.get("Transfer-Encoding", "").lower() == "chunked":
        with body.spooled() as (found, file):
            presigned.receive(from_here(actor), upload, found, file)
    else:
        raise LengthRequired("Send the file with a Content-Length.")
