"""The form that carries a whole file: what the portal cannot take, it says beside what was typed."""

import errno
import io
import os
from collections.abc import Callable
from typing import NoReturn

import pytest
from flask import Flask

from portal.domain.kinds import Kind
from tests import make
from tests.people import People, Person, make_people


def send(person: Person, kind: Kind, name: str = "ear counter", data: bytes = b"weights"):
    form = {"csrf_token": person.csrf_token, "entry": "", "name": name, "type": "cnn", "description": "Counts ears."}
    sent = {**form, "file": (io.BytesIO(data), "ears.bin")}
    return person.client.post(f"/uploads/new?kind={kind.slug}", data=sent)


def test_a_full_disk_loses_nothing_that_was_typed(people: People, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "posix_fallocate", no_space_left)

    answer = send(people.owner, kind)

    assert answer.status_code == 507
    for words in ("storage is full", 'value="ear counter"', "Counts ears."):
        assert words in answer.text


def no_space_left(*_given: int) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_taken_name_is_a_conflict(people: People, kind: Kind) -> None:
    make.entry(people.owner, "ear counter", kind=kind)

    answer = send(people.owner, kind)

    assert answer.status_code == 409
    assert "Counts ears." in answer.text
    assert "Add a version to it</a>" in answer.text


def test_the_unfinished_upload_that_has_the_name_is_a_link_away(people: People, kind: Kind) -> None:
    begun = make.begin(people.owner, b"abc", chunk_size=3, word=kind.word, **{f"{kind.word}_name": "ear counter"})

    answer = send(people.owner, kind)

    assert answer.status_code == 409
    assert f'<a href="/uploads/{begun["upload_id"]}">Go on with it</a>' in answer.text


def test_a_file_that_is_too_large_is_refused_on_the_form(make_app: Callable[..., Flask], kind: Kind) -> None:
    answer = send(make_people(make_app(max_file_size=3)).owner, kind)

    assert answer.status_code == 413
    assert 'value="ear counter"' in answer.text


def test_the_commands_for_a_terminal_have_the_public_address(
    make_app: Callable[..., Flask], people: People, kind: Kind
) -> None:
    owner = Person(make_app(public_url="https://models.example.org"), "owner", people.owner.id)

    page = owner.client.get(
        f"/uploads/new?kind={kind.slug}", base_url="https://models.example.org", headers=owner.headers
    ).text

    assert "curl -fsSO https://models.example.org/uploads/client.py" in page
    assert "--to https://models.example.org \\" in page
