"""The file of a record: a signed address that ends, an attachment whose type is ours, what the page shows of it."""

import io
import struct
import zlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from itsdangerous import URLSafeTimedSerializer
from PIL import Image

from portal.database import new_id
from portal.domain import previews, record_links
from portal.domain.kinds import MODEL, Kind
from portal.domain.records import Record
from portal.extensions import db
from portal.storage.keys import record_key
from portal.uploads import sweep
from tests import make
from tests.api.test_record_form import DATA, form, send, stored
from tests.people import People, Person
from tests.stored import overwrite

CSV = b"variety,yield\nManchuria,27.0\nGlabron,43.07\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def picture(form: str, size: tuple[int, int] = (1200, 300), **how: Any) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "#4a7").save(made, form, **how)
    return made.getvalue()


def record_with(person: Person, kind: Kind, data: bytes, name: str = "plot.bin", **entry: Any) -> str:
    answer = send(person, kind, make.entry(person, kind=kind, **entry), form(kind, data, name))
    assert answer.status_code == 200, answer.json
    return answer.json["id"]


def redirected(person: Person, kind: Kind, record_id: str) -> Any:
    return person.api.get(f"/api/{kind.slug}/records/id/{record_id}/download")


def address_of(person: Person, kind: Kind, record_id: str) -> str:
    answer = redirected(person, kind, record_id)
    assert answer.status_code == 307
    return answer.headers["Location"]


@pytest.mark.disk
def test_the_address_is_good_without_a_credential(people: People, kind: Kind) -> None:
    record_id = record_with(people.owner, kind, DATA, "plöt.bin")
    address = address_of(people.owner, kind, record_id)
    assert "://" not in address
    visitor = people.anonymous.api
    got = visitor.get(address)
    assert (got.status_code, got.data) == (200, DATA)
    expected = {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(len(DATA)),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "ETag": f'"{make.sha256(DATA)}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
    }
    assert dict(got.headers) | expected == dict(got.headers)
    assert got.headers["Content-Disposition"].startswith(
        "attachment; filename=\"plot.bin\"; filename*=UTF-8''pl%C3%B6t"
    )
    part = visitor.get(address, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.data) == (206, DATA[100:200])
    same = {"Range": "bytes=-5", "If-Range": f'"{make.sha256(DATA)}"'}
    assert visitor.get(address, headers=same).data == DATA[-5:]
    assert visitor.get(address, headers={**same, "If-Range": '"other"'}).status_code == 200
    assert visitor.get(address, headers={"Range": "bytes=300000-"}).status_code == 416
    assert visitor.get(address, headers={"If-None-Match": f'"{make.sha256(DATA)}"'}).status_code == 304
    head = visitor.head(address)
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", str(len(DATA)))


def test_the_address_is_given_to_whoever_may_read(people: People, kind: Kind) -> None:
    hidden = record_with(people.owner, kind, DATA)
    public = make.entry(people.owner, "shown", kind=kind, access="public")
    shown = send(people.owner, kind, public, form(kind)).json["id"]
    for person, status in ((people.anonymous, 404), (people.stranger, 404), (people.owner, 307), (people.admin, 307)):
        assert redirected(person, kind, hidden).status_code == status
        assert redirected(person, kind, shown).status_code == 307
    other = "scripts" if kind.slug == "models" else "models"
    assert people.owner.api.get(f"/api/{other}/records/id/{hidden}/download").status_code == 404
    entry_id = make.entry(people.owner, "no file", kind=kind)
    bare = send(people.owner, kind, entry_id, form(kind, None, **{f"{kind.word}_data": "{}"})).json["id"]
    assert redirected(people.owner, kind, bare).status_code == 404
    assert people.owner.client.get(f"/records/{bare}/preview").status_code == 404


def test_an_address_ends_and_cannot_be_made_up(people: People, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    record_id = record_with(people.owner, kind, DATA)
    address, visitor = address_of(people.owner, kind, record_id), people.anonymous.api
    token = address.rsplit("/", 1)[1]
    for bad in (token[:-1], token[1:], "x", f"{token}x", token.replace(".", "..", 1), record_id, "é", "%00"):
        assert visitor.get(f"/files/records/{bad}").status_code == 404, bad
    key = people.owner.app.config["SECRET_KEY"]
    for salt, content in (
        ("upload", [record_id, make.sha256(DATA)]),
        ("record file", [record_id, "0" * 64]),
        ("record file", [new_id(), make.sha256(DATA)]),
        ("record file", record_id),
        ("record file", None),
    ):
        made_up = URLSafeTimedSerializer(key, salt=salt).dumps(content)
        assert visitor.get(f"/files/records/{made_up}").status_code == 404, (salt, content)
    monkeypatch.setattr(record_links, "LIFE", timedelta(seconds=-1))
    assert visitor.get(address).status_code == 410
    monkeypatch.undo()
    assert visitor.get(address).status_code == 200
    people.owner.api.delete(f"/api/{kind.slug}/records/id/{record_id}")
    assert visitor.get(address).status_code == 404


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.html", picture("PNG"), "image/png"),
        ("a.jpg", picture("JPEG"), "image/jpeg"),
        ("a", picture("GIF"), "image/gif"),
        ("a.webp", picture("WEBP"), "image/webp"),
        ("a.svg", b"%PDF-1.7\n...", "application/pdf"),
        ("a.csv", CSV, "text/plain; charset=utf-8"),
        ("a.svg", SVG, "text/plain; charset=utf-8"),
        ("a.png", b"<html><script>alert(1)</script>", "text/plain; charset=utf-8"),
        ("a.txt", "ü".encode() * 40_000, "text/plain; charset=utf-8"),
        ("a.txt", b"\xff\xfe" + "ü".encode("utf-16-le"), "application/octet-stream"),
        ("a.txt", b"\x00text", "application/octet-stream"),
        ("a.png", b"", "application/octet-stream"),
    ],
)
def test_the_type_is_ours(people: People, kind: Kind, name: str, data: bytes, told: str) -> None:
    record_id = record_with(people.owner, kind, data, name)
    got = people.anonymous.api.get(address_of(people.owner, kind, record_id))
    assert (got.headers["Content-Type"], got.data) == (told, data)
    assert got.headers["Content-Disposition"].startswith("attachment")


def test_a_damaged_file_is_not_given_out(people: People, kind: Kind) -> None:
    record_id = record_with(people.owner, kind, DATA)
    address = address_of(people.owner, kind, record_id)
    with people.owner.app.app_context():
        store = people.owner.app.extensions["storage"]
    overwrite(store, record_key(UUID(record_id)), DATA[:-1])
    assert people.anonymous.api.get(address).status_code == 500
    overwrite(store, record_key(UUID(record_id)), DATA)
    assert people.anonymous.api.get(address).status_code == 200


def test_the_sweep_takes_the_files_of_deleted_records_and_no_others(
    people: People, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = record_with(people.owner, kind, DATA)
    gone = send(people.owner, kind, make.entry(people.owner, "two", kind=kind), form(kind)).json["id"]
    make.version(people.owner, make.entry(people.owner, "three", kind=kind))
    monkeypatch.setattr(sweep.time, "time", lambda now=sweep.time.time: now() + 7200)
    with people.owner.app.app_context():
        assert sweep.reap().files == 0
    people.owner.api.delete(f"/api/{kind.slug}/records/id/{gone}")
    with people.owner.app.app_context():
        assert sweep.reap(unattended=True).files == 1
    assert stored(people.owner) == (2, 0)
    assert people.anonymous.api.get(address_of(people.owner, kind, kept)).data == DATA


@pytest.mark.parametrize("form_name", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_preview_is_a_small_picture_of_our_own(people: People, kind: Kind, form_name: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    how = {"exif": exif} if form_name in ("JPEG", "WEBP", "PNG") else {}
    record_id = record_with(people.owner, kind, picture(form_name, **how))
    got = people.owner.client.get(f"/records/{record_id}/preview")
    assert (got.status_code, got.headers["Content-Type"]) == (200, "image/webp")
    assert got.headers["Cache-Control"] == "private, no-cache"
    assert b"secret place" not in got.data
    assert Image.open(io.BytesIO(got.data)).size == (480, 120)
    again = people.owner.client.get(f"/records/{record_id}/preview", headers={"If-None-Match": got.headers["ETag"]})
    assert again.status_code == 304
    assert people.stranger.client.get(f"/records/{record_id}/preview").status_code == 404
    assert (
        people.stranger.client.get(
            f"/records/{record_id}/preview", headers={"If-None-Match": got.headers["ETag"]}
        ).status_code
        == 404
    )


def bomb() -> bytes:
    """A PNG of 50,000 × 50,000 pixels in few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10_000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "data", [bomb(), picture("PNG")[:-200], b"\x89PNG\r\n\x1a\n", picture("JPEG")[:300], b"GIF89a", SVG, DATA, CSV]
)
def test_what_is_no_picture_has_no_preview(people: People, data: bytes) -> None:
    record_id = record_with(people.owner, MODEL, data, "a.png")
    assert people.owner.client.get(f"/records/{record_id}/preview").status_code == 404


def test_the_beginning_of_a_text_is_shown() -> None:
    start = previews.text_start(io.BytesIO(b"x" + "ü".encode() * 40_000))
    assert start == ("x" + "ü" * 32_767, False)
    wild = io.BytesIO(b"a\xffb\x00\x1b[31m\r\n\t\xe2\x80\xae<script>")
    assert previews.text_start(wild) == ("a\ufffdb\ufffd\ufffd[31m\r\n\t\ufffd<script>", True)


def test_a_turned_photo_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = previews.picture(io.BytesIO(picture("JPEG", (1000, 500), exif=exif)), "image/jpeg")
    assert made is not None
    assert Image.open(io.BytesIO(made)).size == (240, 480)


def test_a_picture_with_holes_keeps_them() -> None:
    plot = io.BytesIO()
    Image.new("RGBA", (100, 100), (0, 0, 0, 0)).save(plot, "PNG")
    made = previews.picture(plot, "image/png")
    assert made is not None
    assert Image.open(io.BytesIO(made)).mode == "RGBA"


def test_a_record_knows_its_file(people: People, kind: Kind) -> None:
    record_id = record_with(people.owner, kind, CSV, "yield.csv")
    with people.owner.app.app_context():
        record = db.session.get_one(Record, record_id)
        assert (record.file_name, record.file_size, record.file_type) == ("yield.csv", len(CSV), "text/plain")
