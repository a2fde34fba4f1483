"""The sprite has the icons that the pages draw, and no others."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LISTED = (ROOT / ".build/icons.txt").read_text().split()
SOURCES = [path for kind in ("templates/**/*.html", "portal/**/*.py") for path in sorted(ROOT.glob(kind))]
DRAWN = re.compile(r"""\b(?:icon|icon_alone|badge)\(\s*["']([a-z0-9-]+)["']""")
NAME = re.compile(r"""(?<!=)["']([a-z0-9-]+)["']""")  # no attribute's value
NAMING = [*sorted((ROOT / "templates").rglob("*.html")), ROOT / "portal/domain/kinds.py"]


def drawn(source: str) -> set[str]:
    return set(DRAWN.findall(source))


@pytest.mark.parametrize(
    "source", ['{{ icon("lock") }}', "icon_alone('lock', 'Locked')", 'badge(\n  "lock", "Locked")']
)
def test_the_rule_knows_a_drawn_icon(source: str) -> None:
    assert drawn(source) == {"lock"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_icon_is_in_the_sprite(path: Path) -> None:
    assert drawn(path.read_text()) - set(LISTED) == set()


def test_every_icon_of_the_sprite_is_drawn() -> None:
    """By a call, or by its name in a table of names."""
    named = {name for path in NAMING for name in NAME.findall(path.read_text())}
    assert set(LISTED) - named == set()


def test_the_list_is_in_order() -> None:
    assert sorted(set(LISTED)) == LISTED
