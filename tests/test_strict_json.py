"""What the one JSON reader accepts and refuses."""

import time

import pytest

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
