"""One strict JSON reader for every door: what it accepts, both databases store and every client can read again."""

import json
import math
import re
from typing import Any, NoReturn

from pydantic_core import from_json, to_json

from portal.errors import BadRequest, Invalid, TooLarge

MAX_BYTES = 1 << 20
MAX_DEPTH = 64

# Possessive, and content with an unclosed end: no input makes it look twice.
_STRINGS = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class JsonError(BadRequest):
    """Broken JSON; `line` and `column` (from 1) say where, when the place is known."""

    def __init__(self, detail: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(detail if line is None else f"{detail} at line {line}, column {column}.")
        self.line, self.column = line, column


def loads(source: bytes | str, *, most: int = MAX_BYTES) -> Any:
    """Parses one JSON document.

    Refuses over `most` bytes, of text characters, by default 1 MiB (413); not UTF-8, a byte order mark, duplicate
    keys, `NaN`, `Infinity`, numbers beyond a double, nesting over 64 (400); NUL and lone surrogates (422).
    """
    if len(source) > most:
        raise TooLarge(f"JSON takes at most {most >> 20} MiB.")
    plain = _plain(source) if type(source) is bytes else None
    return thoroughly(source) if plain is None else plain


def thoroughly(source: bytes | str) -> Any:
    """`loads` for whatever is not plain."""
    try:
        text = source.decode("utf-8") if isinstance(source, bytes) else source
    except UnicodeDecodeError as error:
        raise JsonError("JSON must be UTF-8.") from error
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite_float,
            parse_int=_finite_int,
        )
    except json.JSONDecodeError as error:
        raise JsonError(f"Broken JSON: {error.msg}", error.lineno, error.colno) from error
    if ("\\u" in text or _UNSTORABLE.search(text)) and _holds_unstorable(value):
        raise Invalid("Text must not contain NUL characters or lone surrogates.")
    return value


_MANY_DIGITS = b"0" * 200
_AS_ONE_DIGIT = bytes.maketrans(b"123456789E", b"000000000e")
_SIGNS_AND_SPACE = b"+- \t\r\n"


def _plain(source: bytes) -> dict[str, Any] | None:
    """What most lines of records hold, an object of plain values and of objects of such, read in a quarter of the time.

    None where a quick look cannot rule out what `loads` refuses. Escapes may be NUL or a lone surrogate; where there
    are fewer keys than `":`, some may be duplicates; large exponents and long numbers may be beyond a double.
    """
    if b"\\" in source:
        return None
    slim = source.translate(_AS_ONE_DIGIT, _SIGNS_AND_SPACE)
    if b"e000" in slim or _MANY_DIGITS in slim or source.count(b"[") > MAX_DEPTH - 2:
        return None
    try:
        value = from_json(source, allow_inf_nan=False)
    except ValueError:
        return None
    if type(value) is not dict:
        return None
    keys, objects = len(value), 1
    for item in value.values():
        if type(item) is dict:
            keys += len(item)
            objects += 1
    is_plain = slim.count(b'":') == keys and source.count(b"{") == objects
    return value if is_plain else None


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in re.findall(r"[\[\]{}]", _STRINGS.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise JsonError(f"JSON may be nested at most {MAX_DEPTH} deep.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise JsonError(f"The key {twice!r} appears twice in one object.")
    return result


def _no_constant(name: str) -> NoReturn:
    raise JsonError(f"{name} is not JSON.")


def _finite_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise JsonError(f"The number {digits[:20]} is beyond a double.")
    return value


def _finite_int(digits: str) -> int:
    if len(digits) > 300:
        _finite_float(digits)
    return int(digits)


def _holds_unstorable(value: Any) -> bool:
    if isinstance(value, str):
        return _UNSTORABLE.search(value) is not None
    if isinstance(value, dict):
        return any(_holds_unstorable(key) or _holds_unstorable(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_holds_unstorable, value))


def pretty(value: Any) -> str:
    """For people to read and edit."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def kept(value: Any) -> str:
    """`compact`, quicker, for what `loads` has returned."""
    return to_json(value).decode()


def compact(value: Any) -> str:
    """As short as it can be written."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
