"""Law 5: models and scripts are told apart in `kinds.py`, in the shapes and in field templates, nowhere else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.domain.kinds import KINDS
from tests.rules.sources import modules

ALLOWED = {"portal.domain.kinds", "portal.api.registry.shapes", "portal.api.bazaar.shapes"}
NAMES = {"MODEL", "SCRIPT"}
WORDS = {text for kind in KINDS for text in (kind.word, kind.slug, kind.label, kind.plural_label)}


def decisions(source: str) -> Iterator[str]:
    """Comparisons with one certain kind, and matches on it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(_is_a_kind(side) for side in (node.left, *node.comparators)):
            yield ast.unparse(node)
        elif isinstance(node, ast.MatchValue) and _is_a_kind(node.value):
            yield f"case {ast.unparse(node)}"


def _is_a_kind(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(map(_is_a_kind, node.elts))
    if isinstance(node, ast.Attribute):
        return node.attr in NAMES or _is_a_kind(node.value)
    return (isinstance(node, ast.Name) and node.id in NAMES) or (isinstance(node, ast.Constant) and node.value in WORDS)


@pytest.mark.parametrize(
    "source",
    [
        "x = 1 if kind == MODEL else 2",
        "if kind is not kinds.SCRIPT: pass",
        "if kind.word == 'script': pass",
        "if kind.slug != MODEL.slug: pass",
        "if entry.kind in ('model', 'run'): pass",
        "match kind.word:\n    case 'model': pass",
    ],
)
def test_the_rule_knows_a_decision_when_it_sees_it(source: str) -> None:
    assert list(decisions(source))


@pytest.mark.parametrize("source", ["if entry.kind == kind.word: pass", "kind = MODEL", "f('model')"])
def test_the_rule_lets_kinds_be_handed_on(source: str) -> None:
    assert not list(decisions(source))


@pytest.mark.parametrize(("module", "path"), [pair for pair in modules().items() if pair[0] not in ALLOWED])
def test_nobody_else_tells_the_kinds_apart(module: str, path: Path) -> None:
    assert list(decisions(path.read_text())) == []
