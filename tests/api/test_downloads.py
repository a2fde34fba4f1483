"""Downloads: whole, in part, again, under hostile names, and of files that are not what they were."""

from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from urllib.parse import unquote
from uuid import UUID

import pytest
from werkzeug.http import parse_options_header
from werkzeug.test import TestResponse

from portal.domain.entries import Entry
from portal.domain.kinds import Kind
from portal.extensions import db
from portal.storage.keys import version_key
from tests import make
from tests.people import People, in_transaction
from tests.stored import path_of

pytestmark = pytest.mark.disk

DATA = bytes(range(256)) * 1000
SIZE = len(DATA)


class Stored:
    """An entry of `owner` with one version of DATA."""

    def __init__(self, people: People, data: bytes = DATA, file_name: str = "model.bin") -> None:
        self.people, self.tag = people, f'"{make.sha256(data)}"'
        self.entry_id = make.entry(people.owner, file_name[:200] or "x")
        make.version(people.owner, self.entry_id, data, file_name)
        self.path = f"/api/v2/model/{self.entry_id}/download"

    def get(self, query: str = "", method: str = "get", **headers: str) -> TestResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return getattr(self.people.owner.api, method)(self.path + query, headers=sent)

    @property
    def file(self) -> Path:
        with self.people.owner.app.app_context():
            version = make.stored_version(self.entry_id)
            return path_of(self.people.owner.app.extensions["storage"], version_key(UUID(version.id)))


def test_a_file_leaves_whole_as_an_attachment_that_no_browser_renders(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    make.version(people.owner, entry_id, b"<script>alert(1)</script>", "page.html")
    api = people.owner.api.get(f"/api/v2/{kind.word}/{entry_id}/download")
    page = people.owner.client.get(f"/{kind.slug}/{entry_id}/versions/1/download", buffered=True)
    for answer in (api, page):
        assert answer.status_code == 200
        assert answer.data == b"<script>alert(1)</script>"
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox")
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="page.html"')
        assert answer.headers["Content-Length"] == "25"
        assert answer.headers["ETag"] == f'"{make.sha256(answer.data)}"'
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert "private" in answer.headers["Cache-Control"]


def test_head_says_the_same_without_the_bytes(people: People) -> None:
    stored = Stored(people)
    whole, head = stored.get(), stored.get(method="head")
    assert (head.status_code, head.data) == (200, b"")
    same = ("Content-Length", "ETag", "Content-Disposition", "Last-Modified", "Accept-Ranges", "Content-Type")
    assert {name: head.headers[name] for name in same} == {name: whole.headers[name] for name in same}
    assert stored.get(method="head", Range="bytes=0-0").status_code == 200, "a range is for GET alone"


def test_one_range_is_206(people: People, subtests: pytest.Subtests) -> None:
    stored = Stored(people)
    huge = "9" * 40
    for asked, (first, last) in {
        "bytes=0-0": (0, 0),
        "bytes=0-": (0, SIZE - 1),
        "bytes=1-": (1, SIZE - 1),
        f"bytes={SIZE - 1}-": (SIZE - 1, SIZE - 1),
        "bytes=1000-70000": (1000, 70_000),
        "bytes=-1": (SIZE - 1, SIZE - 1),
        f"bytes=-{SIZE}": (0, SIZE - 1),
        f"bytes=-{huge}": (0, SIZE - 1),
        f"bytes=5-{huge}": (5, SIZE - 1),
    }.items():
        with subtests.test(asked[:30]):
            answer = stored.get(Range=asked)
            assert answer.status_code == 206
            assert answer.data == DATA[first : last + 1]
            assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
            assert answer.headers["Content-Length"] == str(last - first + 1)
            assert answer.headers["ETag"] == stored.tag


def test_a_range_past_the_end_is_416_and_says_how_long_the_file_is(people: People, subtests: pytest.Subtests) -> None:
    stored = Stored(people)
    empty = Stored(people, b"", "empty")
    cases = [(stored, f"bytes={SIZE}-"), (stored, f"bytes={'9' * 40}-"), (empty, "bytes=0-"), (empty, "bytes=-5")]
    for file, asked in cases:
        with subtests.test(asked[:30]):
            answer = file.get(Range=asked)
            assert (answer.status_code, answer.content_type) == (416, "application/problem+json")
            assert answer.headers["Content-Range"] == f"bytes */{SIZE if file is stored else 0}"
    assert empty.get().data == b""


def test_several_ranges_and_nonsense_give_the_whole_file(people: People, subtests: pytest.Subtests) -> None:
    stored = Stored(people)
    for asked in (
        "bytes=0-0,2-2", "bytes=0-1,-1", "bytes=5-2", "bytes=", "bytes=-", "bytes=a-b", "bytes", "lines=0-1", "",
        "bytes=-0", "bytes=0-0-0", "bytes=١-٢", "bytes=--1", "bytes=" + "9" * 6000 + "-", "bytes=0-0," * 2000,
    ):  # fmt: skip
        with subtests.test(asked[:30]):
            answer = stored.get(Range=asked)
            assert (answer.status_code, answer.data == DATA) == (200, True)
            assert "Content-Range" not in answer.headers


def test_a_range_is_only_given_of_the_file_that_the_client_has(people: People, subtests: pytest.Subtests) -> None:
    stored = Stored(people)
    modified = stored.get().headers["Last-Modified"]
    later = format_datetime(parsedate_to_datetime(modified) + timedelta(seconds=1), usegmt=True)
    for condition, status in {
        stored.tag: 206,
        modified: 206,
        later: 200,
        f"W/{stored.tag}": 200,
        '"other"': 200,
        "nonsense": 200,
    }.items():
        with subtests.test(condition):
            assert stored.get(Range="bytes=0-9", If_Range=condition).status_code == status


def test_what_the_client_has_already_is_304_without_a_body(people: People, subtests: pytest.Subtests) -> None:
    stored = Stored(people)
    modified = stored.get().headers["Last-Modified"]
    for conditions in (
        {"If_None_Match": stored.tag},
        {"If_None_Match": f"W/{stored.tag}"},
        {"If_None_Match": f'"a", {stored.tag}'},
        {"If_None_Match": "*"},
        {"If_None_Match": stored.tag, "Range": "bytes=0-1"},
        {"If_None_Match": stored.tag, "If_Modified_Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"If_Modified_Since": modified},
    ):
        for method in ("get", "head"):
            with subtests.test(f"{method} {conditions}"):
                answer = stored.get(method=method, **conditions)
                assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", stored.tag)
    for conditions in (
        {"If_None_Match": '"other"'},
        {"If_None_Match": '"other"', "If_Modified_Since": modified},
        {"If_Modified_Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"If_Modified_Since": "nonsense"},
    ):
        assert stored.get(**conditions).status_code == 200


HOSTILE = [
    "a\r\nSet-Cookie: x=1", 'quo"te.bin', "back\\slash.bin", "per%20cent%.bin", "semi;filename=evil.exe",
    "emoji🦄.bin", "CON", "con.txt", "nul.tar.gz", "COM1.bin", "x" * 300 + ".safetensors", "🦄" * 300 + ".pt",
    "…/../../etc/passwd", "C:\\temp\\x.bin", "x:stream", "\u202egnp.exe", "...", "   ", "", "\x00", "nbsp\u00a0.bin",
    "été.bin", "<b>.bin", "a/b/", "-rf", ".bashrc", "trailing. ", "\u2028.bin", "e\u0301.bin",
]  # fmt: skip


def test_a_hostile_name_leaves_as_one_well_formed_header(people: People, subtests: pytest.Subtests) -> None:
    entry_id = make.entry(people.owner)
    for number, name in enumerate(HOSTILE, 1):
        with subtests.test(repr(name)[:40]):
            make.version(people.owner, entry_id, b"x", name)
            answer = people.owner.api.get(f"/api/v2/model/{entry_id}/download?version={number}")
            assert answer.status_code == 200
            (value,) = answer.headers.getlist("Content-Disposition")
            assert value.isascii()
            assert value.isprintable()
            assert "Set-Cookie" not in answer.headers
            kind, options = parse_options_header(value)
            assert kind == "attachment"
            assert options.keys() == {"filename"}
            for given in (options["filename"], plain_name(value)):
                assert 0 < len(given.encode()) <= 255
                assert not set(given) & set('\\/:*?"<>|\r\n\0\u202e\u2028')
                assert given.strip(" .") == given.rstrip(" .") or given.startswith(".")
                assert given.split(".")[0].upper() not in {"CON", "NUL", "COM1"}
    assert value.endswith("filename*=UTF-8''%C3%A9.bin"), "names are NFC"


def plain_name(value: str) -> str:
    """What a client that knows no filename* takes."""
    start = value.index('filename="') + len('filename="')
    return value[start : value.index('"', start)]


def test_a_name_that_is_already_hostile_in_the_database_is_made_safe_as_well(people: People) -> None:
    stored = Stored(people)
    with in_transaction(people.owner.app):
        make.stored_version(stored.entry_id).file_name = 'a\r\nSet-Cookie: x=1"; CON'
    answer = stored.get()
    assert (answer.status_code, answer.data) == (200, DATA)
    assert "Set-Cookie" not in answer.headers


def test_the_extension_survives_a_long_name(people: People) -> None:
    disposition = Stored(people, file_name="x" * 300 + ".safetensors").get().headers["Content-Disposition"]
    assert unquote(disposition).endswith("x.safetensors")


def test_a_version_is_asked_for_by_its_number(people: People, subtests: pytest.Subtests) -> None:
    stored = Stored(people)
    make.version(people.owner, stored.entry_id, b"two")
    assert stored.get().data == b"two"
    found, unknown = ["1", "2"], ["0", "3", "-1", 2**31 - 1, 2**31, 2**63, 10**400, -(10**400)]
    nonsense = ["abc", "", "1.0", "1e3", "²", "١", "1;drop", "%00", " 1"]
    asked = [(found, 200), (unknown, 404), (nonsense, 400)]
    for number, status in ((str(number), status) for numbers, status in asked for number in numbers):
        with subtests.test(number[:20]):
            assert stored.get(f"?version={number}").status_code == status
    for number in ("0", "-1", str(2**31), str(10**400), "abc", "3"):
        page = f"/models/{stored.entry_id}/versions/{number}/download"
        assert people.owner.client.get(page).status_code == 404


def test_without_a_version_there_is_nothing_to_download(people: People) -> None:
    entry_id = make.entry(people.owner, access="public")
    assert people.reader.api.get(f"/api/v2/model/{entry_id}/download").status_code == 422
    assert people.reader.api.get(f"/api/v2/model/{entry_id}/download?version=1").status_code == 404
    assert people.reader.api.get(f"/api/v2/script/{entry_id}/download").status_code == 404
    assert people.anonymous.api.get(f"/api/v2/model/{entry_id}/download").status_code == 401


def cut(file: Path) -> None:
    file.chmod(0o600)
    file.write_bytes(DATA[:-1])


def lengthen(file: Path) -> None:
    file.chmod(0o600)
    file.write_bytes(DATA + b"!")


def replace_by_link(file: Path) -> None:
    file.unlink()
    file.symlink_to("/etc/passwd")


def replace_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def test_a_damaged_file_is_500_before_the_first_byte_and_in_the_log(
    people: People, caplog: pytest.LogCaptureFixture, subtests: pytest.Subtests
) -> None:
    for damage in (Path.unlink, cut, lengthen, replace_by_link, replace_by_folder):
        stored = Stored(people, file_name=damage.__name__)
        damage(stored.file)
        with subtests.test(damage.__name__):
            for headers in ({}, {"Range": "bytes=0-0"}, {"If_None_Match": '"other"'}):
                caplog.clear()
                answer = stored.get(**headers)
                assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
                assert "missing or damaged" in answer.json["detail"]
                assert "Content-Disposition" not in answer.headers
                assert version_id(people, stored) in caplog.text
    marked = Stored(people, file_name="marked")
    with in_transaction(people.owner.app):
        make.stored_version(marked.entry_id).is_damaged = True
    assert marked.get().status_code == 500


def version_id(people: People, stored: Stored) -> str:
    with people.owner.app.app_context():
        return make.stored_version(stored.entry_id).id


def test_while_the_storage_is_away_a_download_is_503(people: People) -> None:
    stored = Stored(people)
    root = stored.file.parents[3]
    root.rename(root.with_name("away"))
    answer = stored.get()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) <= 10
    root.with_name("away").rename(root)
    assert stored.get().data == DATA


def test_who_may_read_downloads(people: People) -> None:
    stored = Stored(people)
    for person, status in ((people.stranger, 404), (people.anonymous, 401), (people.admin, 200), (people.owner, 200)):
        assert person.api.get(stored.path).status_code == status
    with in_transaction(people.owner.app):
        db.session.get_one(Entry, stored.entry_id).access = "public"
    assert people.stranger.api.get(stored.path).data == DATA
    page = people.anonymous.client.get(f"/models/{stored.entry_id}/versions/1/download", buffered=True)
    assert (page.status_code, page.data) == (200, DATA)
    assert people.anonymous.api.get(stored.path).status_code == 401
