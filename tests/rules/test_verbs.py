"""Law 3: a verb that declares no permission does not start the app."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import portal.domain
from portal import create_app
from portal.security.guard import undeclared_verbs
from tests.databases import settings

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
