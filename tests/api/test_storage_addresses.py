"""Files in a bucket: programs go to the storage by addresses that expire, and the portal says what is what."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from flask import Flask

from portal.uploads import machine
from tests import make, stored
from tests.apps import Model, app_of, model_in
from tests.people import People, make_people

DATA = os.urandom(10_000)


@pytest.fixture
def app(make_app: Callable[..., Flask], tmp_path: Path) -> Iterator[Flask]:
    app = make_app(**stored.bucket_settings(tmp_path))
    app.test_client_class = Flask.test_client_class
    return app


@pytest.fixture
def people(app: Flask) -> People:
    return make_people(app)


def fetched(url: str, **headers: str) -> tuple[int, bytes]:
    try:
        with urlopen(Request(url, headers=headers), timeout=20) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()


def put(address: dict[str, object], data: bytes) -> int:
    headers = {"Content-Type": "application/octet-stream", **address.get("headers", {})}
    with urlopen(Request(address["url"], data, headers, method="PUT"), timeout=20) as answer:
        return answer.status


def test_a_download_leads_to_the_storage_and_says_the_sha256_itself(people: People) -> None:
    entry_id = make.entry(people.owner)
    make.version(people.owner, entry_id, DATA, "ertrag ü.bin")
    path, tag = f"/api/v2/model/{entry_id}/download", f'"{make.sha256(DATA)}"'
    answer = people.owner.api.get(path)
    assert (answer.status_code, answer.headers["ETag"], answer.data) == (307, tag, b"")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store", "the address runs out"
    url = answer.headers["Location"]
    assert "X-Amz-Signature" in url
    assert "X-Amz-Expires=900" in url
    assert fetched(url) == (200, DATA)
    assert fetched(url, Range="bytes=10-19") == (206, DATA[10:20])
    with urlopen(url, timeout=20) as got:
        assert got.headers["Content-Disposition"].startswith('attachment; filename="ertrag u.bin"')
        assert got.headers["Content-Type"] == "application/octet-stream"
    held = people.owner.api.get(path, headers={"If-None-Match": tag})
    assert (held.status_code, held.headers["ETag"]) == (304, tag)
    head = people.owner.api.head(path)
    assert (head.status_code, head.headers["Content-Length"], head.headers["ETag"]) == (200, str(len(DATA)), tag)
    assert people.stranger.api.get(path).status_code == 404


def test_the_page_downloads_the_same_way(people: People) -> None:
    entry_id = make.entry(people.owner)
    make.version(people.owner, entry_id, DATA)
    answer = people.owner.client.get(f"/models/{entry_id}/versions/1/download")
    assert answer.status_code == 307
    assert fetched(answer.headers["Location"]) == (200, DATA)


def test_a_file_that_is_gone_from_the_storage_is_damaged_before_anybody_is_sent_there(people: People) -> None:
    entry_id = make.entry(people.owner)
    make.version(people.owner, entry_id, DATA)
    store = people.owner.app.extensions["storage"]
    (kept,) = store.list_keys()
    store.delete(kept.key)
    answer = people.owner.api.get(f"/api/v2/model/{entry_id}/download")
    assert answer.status_code == 500
    assert "missing or damaged" in answer.json["detail"]


def test_large_uploads_go_straight_to_the_storage(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "DIRECT_FROM", 10 << 20)
    data = os.urandom(1 << 20) * 12
    begun = make.begin(people.owner, data, chunk_size=5 << 20)
    bearer = {"Authorization": f"Bearer {begun['token']}"}
    path = "/api/v2/model/upload"
    assert people.owner.api.client.get(path, headers=bearer).json["direct"] is True
    for idx in (2, 0, 1):
        chunk = data[idx * (5 << 20) : (idx + 1) * (5 << 20)]
        asked = {"sha256": make.sha256(chunk)}
        address = people.owner.api.client.post(f"{path}/{idx}/url", json=asked, headers=bearer)
        assert address.status_code == 200
        assert put(address.json, chunk) == 200
    progress = people.owner.api.client.get(f"{path}?digests=true", headers=bearer).json
    assert (progress["received"], progress["bytes_received"]) == ([[0, 2]], len(data))
    assert len(progress["digests"]) == 3
    while (made := people.owner.api.client.post(f"{path}/commit", headers=bearer)).status_code == 202:
        pass
    assert (made.status_code, made.json["sha256"]) == (200, make.sha256(data))
    late = people.owner.api.client.post(f"{path}/0/url", json={"sha256": "0" * 64}, headers=bearer)
    assert late.status_code == 409


def test_bytes_that_are_not_the_declared_ones_are_not_published(people: People) -> None:
    begun = make.begin(people.owner, DATA, chunk_size=len(DATA), sha256=make.sha256(DATA))
    bearer = {"Authorization": f"Bearer {begun['token']}"}
    path = "/api/v2/model/upload"
    progress = people.owner.api.client.get(path, headers=bearer).json
    assert progress["direct"] is False, "small files come through the portal"
    asked = {"sha256": make.sha256(DATA)}
    store = people.owner.app.extensions["storage"]
    staged = store.url_to_put(begun["upload_id"], 0, None, 60)
    assert put(staged._asdict(), DATA[::-1]) == 200
    refused = people.owner.api.client.post(f"{path}/commit", headers=bearer)
    assert refused.status_code == 422
    again = people.owner.api.client.post(f"{path}/0/url", json=asked, headers=bearer)
    assert again.status_code == 200, "the upload is open"
    assert put(again.json, DATA) == 200
    assert people.owner.api.client.post(f"{path}/commit", headers=bearer).json["sha256"] == make.sha256(DATA)


@pytest.mark.parametrize(
    ("idx", "body", "status"),
    [("9", {}, 422), ("9", {"sha256": "0" * 64}, 400), ("x", {"sha256": "0" * 64}, 400)],
)
def test_what_is_no_chunk_has_no_address(people: People, idx: str, body: dict[str, str], status: int) -> None:
    begun = make.begin(people.owner, DATA, chunk_size=5000)
    bearer = {"Authorization": f"Bearer {begun['token']}"}
    answer = people.owner.api.client.post(f"/api/v2/model/upload/{idx}/url", json=body, headers=bearer)
    assert answer.status_code == status


def test_a_presigned_version_goes_to_the_storage_itself(people: People) -> None:
    app_of(people)
    model_in(people.teammate)
    model = Model(people.teammate)
    begun = model.begin()
    assert urlsplit(begun["presigned_url"]).netloc == urlsplit(people.owner.app.extensions["storage"].origin).netloc
    assert model.finish(begun).status_code == 409, "the bytes are not there"
    assert put({"url": begun["presigned_url"]}, DATA) == 200
    finished = model.finish(begun)
    assert finished.status_code == 200
    assert put({"url": begun["presigned_url"]}, b"late") == 200, "the storage still takes it"
    answer = model.download()
    assert answer.status_code == 307
    assert hashlib.sha256(fetched(answer.headers["Location"])[1]).digest() == hashlib.sha256(DATA).digest()


def test_pages_may_speak_to_the_storage(people: People) -> None:
    policy = people.owner.client.get("/").headers["Content-Security-Policy"]
    assert f"connect-src 'self' {people.owner.app.extensions['storage'].origin}" in policy


def test_an_upload_into_a_folder_has_no_addresses(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    people = make_people(make_app(**stored.folder_settings(tmp_path)))
    begun = make.begin(people.owner, DATA, chunk_size=5000)
    bearer = {"Authorization": f"Bearer {begun['token']}"}
    assert people.owner.api.client.get("/api/v2/model/upload", headers=bearer).json["direct"] is False
    answer = people.owner.api.client.post("/api/v2/model/upload/0/url", json={"sha256": "0" * 64}, headers=bearer)
    assert answer.status_code == 409
    assert "connect-src 'self'" in people.owner.client.get("/").headers["Content-Security-Policy"]
