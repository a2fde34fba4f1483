"""What texts, names and addresses the portal accepts; every rule names the field it refuses."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from portal.errors import invalid

MAX_NAME = 255
MAX_TEXT = 64 * 1024
MAX_URL = 2048
URL_SCHEMES = ("http", "https", "s3", "gs", "git+https", "hf")

_BIDI_OVERRIDES = "\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c"
_NOT_IN_NAMES = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{_BIDI_OVERRIDES}]")
_NOT_IN_TEXTS = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff{_BIDI_OVERRIDES}]")
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]+")


def name(value: str, field: str) -> str:
    """A name of 1 to 255 characters, trimmed and NFC, without control or direction-override characters."""
    value = unicodedata.normalize("NFC", value).strip()
    if not any(map(_is_visible, value)):
        raise invalid(field, "Give a name of 1 to 255 characters.")
    return line(value, field)


_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # fillers that Unicode counts among letters and symbols


def _is_visible(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPS" and character not in _BLANKS


def line(value: str, field: str) -> str:
    """One line of at most 255 characters; may be empty."""
    value = unicodedata.normalize("NFC", value).strip()
    if len(value) > MAX_NAME:
        raise invalid(field, f"Takes at most {MAX_NAME} characters; this has {len(value)}.")
    if _NOT_IN_NAMES.search(value):
        raise invalid(field, "Must not contain control or direction-override characters.")
    return value


def text(value: str, field: str) -> str:
    """Several lines of at most 64 KiB; may be empty."""
    value = unicodedata.normalize("NFC", value).replace("\r\n", "\n").strip()
    if _NOT_IN_TEXTS.search(value):
        raise invalid(field, "Must not contain control or direction-override characters.")
    if len(value.encode()) > MAX_TEXT:
        raise invalid(field, "Takes at most 64 KiB.")
    return value


def key(value: str) -> str:
    """What two names are compared by: NFC, trimmed, case-folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", value).strip().casefold())


def set_apart(name: str, added: str) -> Iterator[str]:
    """Names to stand instead of one that is taken, without end: `NAME (ADDED)`, `NAME (ADDED 2)`, …"""
    for number in count(1):
        suffix = f" ({added[:100]})" if number == 1 else f" ({added[:100]} {number})"
        yield name[: MAX_NAME - len(suffix)] + suffix


def url(value: str | None, field: str) -> str | None:
    """An absolute address with one of `URL_SCHEMES`, a host and no credentials; empty is none."""
    if value is None or not value.strip():
        return None
    value = value.strip()
    takes = f"Takes an address that begins with {', '.join(f'{scheme}://' for scheme in URL_SCHEMES)}."
    if len(value) > MAX_URL:
        raise invalid(field, f"Takes at most {MAX_URL} characters.")
    if _NOT_IN_NAMES.search(value) or any(character.isspace() or character in '\\<>"' for character in value):
        raise invalid(field, takes)
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise invalid(field, takes) from None
    if parts.scheme not in URL_SCHEMES or not parts.hostname or "@" in parts.netloc:
        raise invalid(field, takes)
    return value


def email(value: str, field: str) -> str:
    value = line(value, field)
    if not _EMAIL.fullmatch(value):
        raise invalid(field, "Give an e-mail address like ada@example.org.")
    return value


def moment(value: object, field: str) -> datetime:
    """An instant in UTC from RFC 3339 text; without offset it is taken as UTC. To the microsecond, years 1 to 9999."""
    try:
        if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
            raise ValueError
        read = datetime.fromisoformat(value.upper())
        if read.tzinfo is UTC:
            return read
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise invalid(field, "Takes a time like 2026-11-21T09:30:00Z.") from None


def day(value: object, field: str) -> date:
    """A day from `YYYY-MM-DD`."""
    try:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise ValueError
        return date.fromisoformat(value)
    except ValueError:
        raise invalid(field, "Takes a date like 2026-11-21.") from None


def strings(value: Mapping[str, Any], field: str) -> dict[str, str]:
    """An object whose keys are names and whose values are single lines; at most 100 of them."""
    if len(value) > 100:
        raise invalid(field, "Takes at most 100 attributes.")
    result = {}
    for attribute, content in value.items():
        if not isinstance(content, str):
            raise invalid(field, f"The value of {attribute!r} must be a string.")
        result[name(attribute, field)] = line(content, field)
    return result


def is_id(value: str) -> bool:
    """Whether `value` is a UUID in its usual form."""
    return _ID.fullmatch(value) is not None


def file_name(value: str | None) -> str:
    """A display name that is safe as a download name on every system; never a path. Empty becomes `file`."""
    base = re.split(r"[\\/]", unicodedata.normalize("NFC", value or ""))[-1]
    base = _NOT_IN_NAMES.sub("", base)
    base = re.sub(r'[<>:"|?*]', "_", base).strip().strip(".").strip()
    stem, dot, extension = base.rpartition(".")
    if (stem or extension).split(".")[0].upper() in _RESERVED:
        base = f"_{base}"
    if len(base) > 200:
        kept = extension[:20] if dot else ""
        base = f"{base[: 199 - len(kept)]}.{kept}" if kept else base[:200]
    while len(base.encode()) > 240:
        base = base[1:]
    return base or "file"


_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{digit}" for port in ("COM", "LPT") for digit in range(1, 10))}
