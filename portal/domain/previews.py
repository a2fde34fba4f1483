"""What a record's page shows of its file: a small picture made by us, or the beginning of a text."""

import codecs
import re
import threading
import warnings
from io import BytesIO
from typing import BinaryIO, NamedTuple

from portal.domain.file_types import IMAGES, TEXT

LONGEST_SIDE = 480  # pixels
MOST_PIXELS = 40_000_000
MOST_TEXT = 64 << 10  # bytes

_AT_ONCE = threading.BoundedSemaphore(2)  # a picture may take 160 MB while it is made smaller
_NOT_SHOWN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class TextStart(NamedTuple):
    text: str
    is_whole: bool


def has_picture(file_type: str | None) -> bool:
    """Whether it is worth asking for one; never of SVG, which is a program."""
    return file_type in IMAGES


def picture(file: BinaryIO, file_type: str) -> bytes | None:
    """The picture as WebP, its longer side at most `LONGEST_SIDE`; None where it cannot or should not be read."""
    from PIL import Image, ImageOps  # 3 MiB of which most workers never show a picture

    try:
        with warnings.catch_warnings(), _AT_ONCE, Image.open(file, formats=[IMAGES[file_type]]) as image:
            warnings.simplefilter("ignore")
            if image.width * image.height > MOST_PIXELS:
                return None
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            small = ImageOps.exif_transpose(image)
            small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            made = BytesIO()
            small.convert("RGBA" if small.has_transparency_data else "RGB").save(made, "WEBP", quality=80)
            return made.getvalue()
    except Exception:  # what is wrong with a picture, its decoder says in many ways
        return None


def has_text(file_type: str | None) -> bool:
    return file_type == TEXT


def text_start(file: BinaryIO) -> TextStart:
    """The first 64 KiB as text, what is no text in it replaced. Not escaped."""
    data = file.read(MOST_TEXT + 1)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(data[:MOST_TEXT], final=len(data) <= MOST_TEXT)
    return TextStart(_NOT_SHOWN.sub("\ufffd", text), len(data) <= MOST_TEXT)
