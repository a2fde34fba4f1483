"""What type a file is said to be when it leaves: decided by its first bytes, from a short list of harmless ones."""

import codecs
import re

OTHER = "application/octet-stream"
TEXT = "text/plain"
IMAGES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WEBP"}  # as Pillow calls them
LOOKED_AT = 64 << 10  # bytes

_BEGINNINGS = (
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"RIFF....WEBP", "image/webp"),
    (rb"%PDF-", "application/pdf"),
)
_NOT_IN_TEXT = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def of(head: bytes) -> str:
    """The type of a file that begins with `head`. Markup and programs are plain text to us."""
    for beginning, file_type in _BEGINNINGS:
        if re.match(beginning, head, re.DOTALL):
            return file_type
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head[:LOOKED_AT])
    except UnicodeDecodeError:
        return OTHER
    return OTHER if not text or _NOT_IN_TEXT.search(text) else TEXT
