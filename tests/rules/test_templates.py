"""House rules of the templates: what a strict Content-Security-Policy and one vocabulary ask of them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PAGES = [path for path in TEMPLATES if not path.name.startswith("_") and path.parent.name != "layouts"]
FRAGMENTS = [path for path in TEMPLATES if path.name.startswith("_")]

INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=|\bhx-on|\bjs:|javascript:|<script(?![^>]*\ssrc=)", re.IGNORECASE)


def name(path: Path) -> str:
    return path.relative_to(ROOT / "templates").as_posix()


def source(path: Path) -> str:
    """The template without its comments."""
    return re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize(
    "markup",
    ['<p style="x">', "<style>", '<a onclick="x">', '<p hx-on:click="x">', "<script>x</script>", "javascript:x"],
)
def test_the_rule_knows_inline_code_when_it_sees_it(markup: str) -> None:
    assert INLINE.search(markup)


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_no_template_has_inline_code(path: Path) -> None:
    assert not INLINE.search(source(path))


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_no_template_trusts_text(path: Path) -> None:
    assert not re.search(r"\|\s*safe\b|autoescape", source(path))


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_what_differs_between_kinds_is_not_decided_here(path: Path) -> None:
    assert not re.search(r"\b(?:if|elif)\s+kind(?:\.\w+)?\s*[!=]=", source(path))


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_page_extends_a_layout_and_is_titled(path: Path) -> None:
    text = source(path)

    assert re.search(r'\{% extends "layouts/', text)
    assert "{% block title %}" in text
    assert "{% block heading %}" in text


@pytest.mark.parametrize("path", FRAGMENTS, ids=name)
def test_no_fragment_extends_a_layout(path: Path) -> None:
    assert "{% extends" not in source(path)


@pytest.mark.parametrize("path", [ROOT / "templates/entries/_results.html"], ids=name)
def test_a_swapped_fragment_carries_its_id_on_the_first_line(path: Path) -> None:
    assert re.search(r'<\w+[^>]*\sid="', path.read_text().splitlines()[0])
