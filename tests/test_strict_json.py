"""What the one JSON reader accepts and refuses."""

import json
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal import strict_json
from portal.errors import BadRequest, Invalid, PortalError, TooLarge


@pytest.mark.parametrize(
    "text",
    ['{"a": [1, 2.5, null, true, "é"]}', "[" * 64 + "]" * 64, '{"n": ' + "9" * 300 + "}", "-0.0", '"\\ud83c\\udf3e"'],
)
def test_reads_json(text: str) -> None:
    strict_json.loads(text.encode())


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", BadRequest),
        ("{", BadRequest),
        ("{} trailing", BadRequest),
        ("\ufeff{}", BadRequest),
        ("NaN", BadRequest),
        ("[Infinity]", BadRequest),
        ('{"a": -Infinity}', BadRequest),
        ("1e999", BadRequest),
        ("9" * 5000, BadRequest),
        ("[" * 65 + "]" * 65, BadRequest),
        ("[" * 100_000, BadRequest),
        ('{"a":' * 50_000, BadRequest),
        ('{"a": 1, "a": 2}', BadRequest),
        ('"\\ud800"', Invalid),
        ('{"\\udfff": 1}', Invalid),
        ('["\\u0000"]', Invalid),
        ('"' + "x" * (1 << 20) + '"', TooLarge),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else value.__name__,
)
def test_refuses(text: str, error: type[PortalError]) -> None:
    with pytest.raises(error):
        strict_json.loads(text.encode())


def test_refuses_what_is_not_utf8() -> None:
    with pytest.raises(BadRequest, match="UTF-8"):
        strict_json.loads('{"a": 1}'.encode("utf-16"))


def test_broken_json_says_where() -> None:
    with pytest.raises(strict_json.JsonError) as error:
        strict_json.loads('{\n  "a": 1,\n  b: 2\n}')
    assert (error.value.line, error.value.column) == (3, 3)
    assert "line 3, column 3" in error.value.detail


@pytest.mark.parametrize("text", ['"' + '\\"' * 400_000, '"' + '\\"' * 400_000 + "\\", '"a' * 300_000, "[]" * 400_000])
def test_hostile_text_is_refused_in_linear_time(text: str) -> None:
    began = time.process_time()
    with pytest.raises(BadRequest):
        strict_json.loads(text)
    assert time.process_time() - began < 2  # a quadratic reader takes minutes


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(scalars, lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=4), each))
fragments = st.sampled_from(
    [
        *'{}[]",:\\-+.eE019 \t\r\x00\x1f\ufeff',
        '":',
        '" :',
        '{"a":1,',
        '"a" :2',
        "1e99",
        "9" * 320,
        "\\u00",
        "\\ud800",
        "NaN",
        "[",
    ]
)


@st.composite
def almost_json(draw: st.DrawFn) -> bytes:
    """JSON objects in several spellings, many of them spoilt in a place or two."""
    spelling = draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]))
    text = json.dumps(
        draw(st.dictionaries(st.text(max_size=4), values)), separators=spelling, ensure_ascii=draw(st.booleans())
    )
    source = text.encode(errors="surrogatepass")
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(source)))
        gone = draw(st.integers(0, 3))
        source = source[:place] + draw(fragments).encode() + source[place + gone :]
    return source


def outcome(read: Any, source: bytes) -> str:
    try:
        return repr(read(source))
    except PortalError as error:
        return repr((type(error), error.detail))


@given(almost_json())
@example(b'{"a":1,"a":2}')
@example(b'{"a":{"b":1,"b":2}}')
@example(b'{"a":1,"b":":","a":2}')
@example(b'{"a":"}{","b":{"c":1}}')
@example(b'{"a":1' + b"0" * 150 + b"." + b"0" * 150 + b"e308}")
@example(b'{"a":' + b"9" * 199 + b"E+199}")
@example(b'{"a":-0,"b":-0.0,"c":1e-400,"d":5e-324}')
def test_the_quick_look_changes_nothing(source: bytes) -> None:
    assert outcome(strict_json.loads, source) == outcome(strict_json.thoroughly, source)


@given(values)
def test_what_is_kept_says_the_same(value: Any) -> None:
    try:
        read = strict_json.loads(json.dumps({"a": value}).encode())
    except PortalError:
        return
    again = json.loads(strict_json.kept(read))
    assert repr(again) == repr(read)
