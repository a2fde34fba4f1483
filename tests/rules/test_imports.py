"""Law 10: imports point one way."""

import pytest

from tests.rules.sources import PACKAGE, imported, modules

# Whom the modules of a room may import, besides their own room. A new room needs a line here.
GROUND = {"alone", "errors", "extensions", "database", "durable", "settings", "strict_json"}
DOORS = {"identity", "downloads"}
MAY_IMPORT = {
    "web": GROUND | DOORS | {"uploads", "domain", "security", "search", "client"},
    "api": GROUND | DOORS | {"uploads", "domain", "security", "search", "storage"},
    "uploads": GROUND | {"domain", "security", "search", "storage"},
    "domain": GROUND | {"security", "search"},
    "security": GROUND,
    "search": GROUND,
    "storage": GROUND,
}
# The command line and its server stand outside the house and may use all of it; nobody in it uses them.
OUTSIDE = {"backup", "commands", "serve", "demo"}
# What everybody stands on knows no room but the spelling of two databases.
UNDER_GROUND = {*GROUND, "patience", "postgresql", "sqlite", "search", "data_dir"}


def room(module: str) -> str:
    """`web` for `portal.web.forms`, `errors` for `portal.errors`, nothing for the package itself."""
    return module.split(".")[1] if "." in module else ""


def imports_of(module: str) -> set[str]:
    path = modules()[module]
    found = imported(path.read_text(), module, is_package=path.name == "__init__.py")
    return {room(name) for name in found if name in modules()} - {room(module), ""}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import portal.web.forms", {"portal.web.forms"}),
        ("import portal.web as pages, os", {"portal.web"}),
        ("from portal.web import forms", {"portal.web", "portal.web.forms"}),
        ("from portal import web", {"portal", "portal.web"}),
        ("def f():\n    from portal.web import forms", {"portal.web", "portal.web.forms"}),
        ("try:\n    import portal.web\nexcept ImportError:\n    pass", {"portal.web"}),
        ("from . import users", {"portal.domain", "portal.domain.users"}),
        ("from .users import User", {"portal.domain.users", "portal.domain.users.User"}),
        ("from ..web import forms", {"portal.web", "portal.web.forms"}),
        ("import importlib\nimportlib.import_module('portal.web')", {"portal.web"}),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import portal.web", set()),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import portal.web", {"portal.web"}),
        ("import flask\nfrom portalocker import lock", set()),
        ("text = 'import portal.web'", set()),
    ],
)
def test_the_extractor_finds_imports(source: str, expected: set[str]) -> None:
    assert imported(source, "portal.domain.entries") == expected


def test_the_extractor_knows_a_package_from_a_module() -> None:
    assert imported("from . import entries", "portal.domain", is_package=True) == {
        "portal.domain",
        "portal.domain.entries",
    }


def test_every_room_has_its_line() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}

    assert rooms == MAY_IMPORT.keys() | OUTSIDE & rooms


@pytest.mark.parametrize("module", [name for name in modules() if room(name) in MAY_IMPORT])
def test_rooms_import_one_way(module: str) -> None:
    assert imports_of(module) <= MAY_IMPORT[room(module)]


@pytest.mark.parametrize("module", [name for name in modules() if room(name) in UNDER_GROUND])
def test_the_ground_knows_nobody(module: str) -> None:
    assert imports_of(module) <= UNDER_GROUND


def test_the_terminal_client_needs_python_alone() -> None:
    assert imports_of("portal.client") == set()
