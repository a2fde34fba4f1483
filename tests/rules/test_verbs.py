"""Law 3: a verb that declares no permission does not start the app, and what a door calls is a verb or says why not."""

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import portal.domain
from portal import create_app
from portal.security.guard import undeclared_verbs
from tests.databases import settings
from tests.rules.sources import modules

PLANTED = """
from portal.security.actor import Actor
from portal.security.guard import allows, anyone, scoped
from portal.security.policy import OnEntry
from portal.domain.entries import get as borrowed

def forgotten(actor: Actor, entry): ...
def _own_business(actor: Actor): ...
def about_others(entry, actor: Actor): ...
@allows(OnEntry.WRITE)
def declared(actor: Actor, entry): ...
@scoped
def starts_small(actor: Actor): ...
@anyone("everybody may")
def open_to_all(actor: Actor): ...
"""


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module in `portal.domain` with one verb that declares nothing."""
    (tmp_path / "planted.py").write_text(PLANTED)
    monkeypatch.setattr(portal.domain, "__path__", [*portal.domain.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    yield "portal.domain.planted.forgotten"
    sys.modules.pop("portal.domain.planted", None)


def test_a_planted_verb_is_found(planted: str) -> None:
    assert undeclared_verbs("portal.domain") == [planted]


def test_every_verb_of_ours_declares() -> None:
    assert undeclared_verbs("portal.domain", "portal.uploads") == []


def test_the_app_does_not_start_with_one(planted: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=planted):
        create_app(settings(tmp_path, f"sqlite:///{tmp_path / 'portal.db'}"))


ROOMS = ("portal.domain.", "portal.uploads.")
DOORS = ("portal.web.", "portal.api.", "portal.identity", "portal.downloads", "portal.problems")


def called(tree: ast.Module) -> Iterator[str]:
    """Dotted names of what a module calls by a name that it imported, as in `entries.get(…)` or `finish(…)`."""
    known = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        name, _, rest = ast.unparse(node.func).partition(".") if isinstance(node, ast.Call) else ("", "", "")
        if name in known:
            yield f"{known[name]}.{rest}".rstrip(".")


def unexplained(module: str, tree: ast.Module) -> Iterator[str]:
    """Public functions that ask the database on nobody's behalf and do not say who has checked the permission."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            is_verb = bool(node.args.args) and node.args.args[0].arg == "actor"
            asks = "db.session" in ast.unparse(node)
            if asks and not is_verb and "checks no permission" not in (ast.get_docstring(node) or "").lower():
                yield f"{module}.{node.name}"


def test_the_rule_knows_a_call_and_a_function_without_a_word() -> None:
    door = "from portal.domain import users\nfrom portal.domain.users import find as f\nusers.create(1)\nf()\nlen(())"
    assert list(called(ast.parse(door))) == ["portal.domain.users.create", "portal.domain.users.find"]
    room = "def verb(actor): db.session.x()\ndef plain(x): ...\ndef _own(): db.session.x()\ndef bad(): db.session.x()"
    assert list(unexplained("m", ast.parse(room))) == ["m.bad"]


def test_what_a_door_calls_is_a_verb_or_says_why_not() -> None:
    trees = {name: ast.parse(path.read_text()) for name, path in modules().items()}
    doors = {call for name, tree in trees.items() if name.startswith(DOORS) for call in called(tree)}
    silent = {name for module, tree in trees.items() if module.startswith(ROOMS) for name in unexplained(module, tree)}
    assert doors & silent == set()
