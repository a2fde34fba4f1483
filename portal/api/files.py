"""What addresses of files take and give, in any dialect."""

import re

from flask import request

from portal.api.declared import Parameter
from portal.errors import BadRequest

VERSION = Parameter("version", "The number of a version; by default the newest.", type="integer", minimum=1)
FILE_ASKED = (
    Parameter("Range", "One range of bytes.", examples=["bytes=0-1023"]),
    Parameter("If-None-Match", "The tag of bytes that the caller has."),
)
FILE_HEADERS = (
    Parameter("ETag", "The sha256 of the whole file, in quotation marks."),
    Parameter("Content-Disposition", "Its name."),
)
ELSEWHERE = (FILE_HEADERS[0], Parameter("Location", "Where the bytes are."))


def asked_version() -> int | None:
    """The number in `?version=`, if there is one; 0 and less are no version's."""
    text = request.args.get("version")
    if text is None:
        return None
    if not re.fullmatch("-?[0-9]+", text):
        raise BadRequest(fields=[("version", "Takes the number of a version.")])
    return max(int(text[:20]), 0)
