"""Quotation marks are curly in sentences and straight in JSON, where people copy them from."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = ("portal/**/*.py", "templates/**/*.html", "static/css/*.css", "README.md")
TEXTS = [path for kind in KINDS for path in sorted(ROOT.glob(kind))]
CURLY_IN_JSON = re.compile(r"[{\[]\s*[“”]|[“”]\s*[:\]}]|content:\s*\S*[“”]")


@pytest.mark.parametrize("text", ["like {“key”: 1}", "[“a”]", '{"key": [“a”]}', '.x { content: "“"; }'])
def test_the_rule_knows_curly_quotes_in_json(text: str) -> None:
    assert CURLY_IN_JSON.search(text)


def test_json_has_straight_quotes() -> None:
    found = [(path.name, hit[0]) for path in TEXTS for hit in CURLY_IN_JSON.finditer(path.read_text())]
    assert found == []
