"""The whole file in one form, for a browser without JavaScript: the same verbs, and nothing half stays behind."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from portal.domain.entries import Entry
from portal.domain.kinds import MODEL, Kind
from portal.errors import PortalError
from portal.extensions import db
from portal.storage.base import ShortBody
from portal.uploads.machine import Announcement
from portal.uploads.whole import upload_whole
from tests import make
from tests.people import People, Person, in_transaction, make_people

DATA = bytes(range(256)) * 20_000  # 5 MB: more than one chunk, and more than other forms may carry


def send(person: Person, data: bytes, query: str = "", file_name: str = "ears.bin", **fields: str) -> TestResponse:
    form: dict[str, Any] = {
        "csrf_token": person.csrf_token,
        "entry": "",
        "name": "ear counter",
        "type": "cnn",
        **fields,
    }
    boundary, body = encode_multipart({**form, "file": FileStorage(io.BytesIO(data), file_name)})
    kind = f"multipart/form-data; boundary={boundary}"
    return person.client.post(f"/uploads/new{query}", data=body, content_type=kind)


def test_a_file_larger_than_a_chunk_arrives_whole(make_app: Callable[..., Flask], kind: Kind) -> None:
    people = make_people(make_app(max_chunk_size=2**20))
    answer = send(people.owner, DATA, f"?kind={kind.slug}", description="Counts ears.")
    assert answer.status_code == 302
    page = people.owner.client.get(answer.location).text
    assert make.sha256(DATA) in page
    entry_id = answer.location.rpartition("/")[2]
    assert people.owner.api.get(f"/api/v2/{kind.word}/{entry_id}/download").data == DATA
    assert people.owner.api.get(f"/api/v2/{kind.word}/{entry_id}").json["type"] == "cnn"


def test_an_empty_file_is_a_file_and_none_is_not(people: People) -> None:
    assert send(people.owner, b"").status_code == 302
    none = send(people.owner, b"", name="other", file_name="")
    assert none.status_code == 422
    assert "Choose a file." in none.text


def test_a_new_version_of_what_one_may_write(people: People, subtests: pytest.Subtests) -> None:
    entry_id = make.entry(people.owner, access="public", default_permission="write")
    for number, person in enumerate((people.owner, people.stranger), 1):
        with subtests.test(person.name):
            assert send(person, b"%d" % number, f"?entry={entry_id}").status_code == 302
    assert people.reader.api.get(f"/api/v2/model/{entry_id}/download").data == b"2"
    with in_transaction(people.owner.app):
        db.session.get_one(Entry, entry_id).default_permission = "read"
    assert send(people.stranger, b"3", f"?entry={entry_id}").status_code == 403
    assert send(people.owner, b"3", f"?entry={entry_id.replace('-', 'x')}").status_code == 404
    assert send(people.owner, b"3", f"?kind=scripts&entry={entry_id}").status_code == 404
    assert people.reader.api.get(f"/api/v2/model/{entry_id}").json["version"] == 2


def test_a_hostile_file_name_is_only_a_name(people: People) -> None:
    answer = send(people.owner, b"x", file_name='../../etc/"pass\\wd')
    entry_id = answer.location.rpartition("/")[2]
    download = people.owner.api.get(f"/api/v2/model/{entry_id}/download")
    assert (download.status_code, download.data) == (200, b"x")
    assert "/" not in download.headers["Content-Disposition"]


class Endless(io.RawIOBase):
    """A gibibyte that nobody should read."""

    read_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        self.read_bytes += len(buffer)
        return len(buffer)


def test_nobody_reads_the_file_of_a_visitor(people: People) -> None:
    body = Endless()
    answer = people.anonymous.client.post(
        "/uploads/new",
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": str(2**30), "wsgi.input": body},
    )
    assert answer.status_code == 413
    assert body.read_bytes < 2**20


def test_nobody_reads_a_file_that_is_larger_than_files_may_be(make_app: Callable[..., Flask]) -> None:
    people = make_people(make_app(max_file_size=2**20))
    body = Endless()
    answer = people.owner.client.post(
        "/uploads/new",
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": str(2**30), "wsgi.input": body},
    )
    assert answer.status_code == 413
    assert body.read_bytes < 2**20


class Broken(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 100_000:
            raise OSError("the disk of the form went away")
        return super().read(size)

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def test_whatever_goes_wrong_nothing_stays_behind(people: People, subtests: pytest.Subtests) -> None:
    app = people.owner.app
    wrong_sha256 = {"sha256": make.sha256(b"other")}
    for name, file, given, error in (
        ("short", io.BytesIO(DATA[:-1]), {}, ShortBody),
        ("broken", Broken(DATA), {}, ShortBody),
        ("other", io.BytesIO(DATA), wrong_sha256, PortalError),
    ):
        with subtests.test(name):
            said = Announcement(name=name, size=len(DATA), chunk_size=2**20, **given)
            with app.app_context(), pytest.raises(error):
                upload_whole(people.owner.actor, MODEL, said, file)
            assert people.owner.api.get("/api/v2/model/list").json == []
            assert list(app.extensions["storage"].list_uploads()) == []
            assert list(app.extensions["storage"].list_keys()) == []
    assert people.owner.client.get("/uploads").status_code == 200
