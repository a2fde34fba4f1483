"""Records as multipart/form-data, with and without a file: whole, or not at all."""

import json
import random
from typing import Any
from uuid import UUID

import pytest

from portal.domain import recount
from portal.domain.kinds import MODEL, Kind
from portal.domain.records import Record
from portal.extensions import db
from portal.storage.keys import record_key
from portal.uploads import record_file
from portal.uploads.session import Upload
from tests import make
from tests.people import People, Person, make_people
from tests.stored import file_bytes

DATA = random.Random(5).randbytes(300_000)


def send(person: Person, kind: Kind, entry_id: str, fields: dict[str, Any]) -> Any:
    path = f"/api/{kind.slug}/id/{entry_id}/records"
    return person.api.post(path, data=encoded(fields), content_type="multipart/form-data; boundary=x")


def encoded(fields: dict[str, Any]) -> bytes:
    """A list of values is a field that comes repeatedly, a pair of a stream and a name a file."""
    parts = []
    for name, values in fields.items():
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, tuple):
                parts.append((f'name="{name}"; filename="{value[1]}"', value[0]))
            else:
                parts.append((f'name="{name}"', value.encode()))
    return body_of(*parts)


def body_of(*parts: tuple[str, bytes], end: bytes = b"--\r\n") -> bytes:
    heads = [f"--x\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() for head, _ in parts]
    return b"".join(head + data + b"\r\n" for head, (_, data) in zip(heads, parts, strict=True)) + b"--x" + end


def form(kind: Kind, data: bytes | None = DATA, name: str = "plot.bin", **more: Any) -> dict[str, Any]:
    fields = {"site_name": "Waseca", "timestamp": "2026-06-01T12:00:00Z", **more}
    return fields if data is None else {**fields, "record_file": (data, name)}


def stored(person: Person) -> tuple[int, int]:
    """How many files and staging areas there are."""
    store = person.app.extensions["storage"]
    with person.app.app_context():
        return len(list(store.list_keys())), len(list(store.list_uploads()))


def bytes_of(person: Person, record_id: str) -> bytes:
    with person.app.app_context():
        return file_bytes(person.app.extensions["storage"], record_key(UUID(record_id)))


@pytest.mark.parametrize("size", [0, 1, 65_536, 300_000])
def test_a_record_has_the_file_that_was_sent(
    people: People, kind: Kind, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_file, "PIECE", 65_536)
    entry_id, word = make.entry(people.owner, kind=kind), kind.word
    made = send(people.owner, kind, entry_id, form(kind, DATA[:size], record_info='{"n": 1}')).json
    assert (made["record_file"], made["record_info"], made[f"{word}_data"]) == ("plot.bin", {"n": 1}, None)
    assert made["site_name"] == "Waseca"
    assert bytes_of(people.owner, made["id"]) == DATA[:size]
    assert stored(people.owner) == (1, 0)
    assert people.owner.api.get(f"/api/{kind.slug}/records/id/{made['id']}").json == made
    with people.owner.app.app_context():
        record = db.session.get_one(Record, made["id"])
        assert (record.file_size, record.file_sha256) == (size, make.sha256(DATA[:size]))
        assert list(recount.differences()) == []
    assert people.owner.client.get("/uploads").text.count("plot.bin") == 0
    assert people.owner.api.get(f"/api/v2/{word}/upload?upload_id={made['id']}").status_code == 404


def test_a_form_without_a_file_is_a_record_of_data(people: People, kind: Kind) -> None:
    entry_id, data = make.entry(people.owner, kind=kind), f"{kind.word}_data"
    fields = form(kind, None, **{data: '{"yield": 48.9}', "record_info": "", "season_name": " ", "dataset_name": "D"})
    made = send(people.owner, kind, entry_id, fields).json
    assert (made[data], made["record_info"], made["season_name"]) == ({"yield": 48.9}, {}, None)
    assert (made["dataset_name"], made["record_file"]) == ("D", None)
    nothing_chosen = form(kind, b"", "", **{data: "{}", "site_name": "Morris"})
    made = send(people.owner, kind, entry_id, nothing_chosen).json
    assert (made["record_file"], made[data]) == (None, {})
    assert stored(people.owner) == (0, 0)
    in_a_file = form(kind, None, site_name="Crookston") | {data: (b'{"big": 1}', "data.json")}
    assert send(people.owner, kind, entry_id, in_a_file).json[data] == {"big": 1}


WRONG: list[tuple[dict[str, Any], int, str | None]] = [
    ({"model_data": "{"}, 400, "model_data"),
    ({"model_data": "[]"}, 422, "model_data"),
    ({"model_data": '{"a": NaN}'}, 400, "model_data"),
    ({"model_data": '{"a": "\\ud800"}'}, 422, "model_data"),
    ({"model_data": '{"a": "' + "x" * (1 << 20) + '"}'}, 413, None),
    ({"record_info": "7"}, 422, "record_info"),
    ({"site_name": "a\nb"}, 422, "site_name"),
    ({"site_name": ["a", "b"]}, 422, "site_name"),
    ({"site_name": ""}, 422, "experiment_name"),
    ({"timestamp": "yesterday"}, 422, "timestamp"),
    ({"collection_date": "0000-01-01"}, 422, "collection_date"),
    ({"storage_key": "records/x"}, 422, "storage_key"),
    ({"": "x"}, 422, ""),
    ({"record_file": "text"}, 422, "record_file"),
]


@pytest.mark.parametrize("has_file", [True, False])
@pytest.mark.parametrize(("fields", "status", "field"), WRONG)
def test_what_is_no_record_leaves_no_trace(
    people: People, fields: dict[str, Any], status: int, field: str | None, has_file: bool
) -> None:
    entry_id = make.entry(people.owner)
    whole = form(MODEL, DATA if has_file else None, **({} if has_file else {"model_data": "{}"}))
    answer = send(people.owner, MODEL, entry_id, {**whole, **fields})
    assert answer.status_code == status, answer.json
    if field is not None:
        assert answer.json["errors"][0]["field"] == field
    assert stored(people.owner) == (0, 0)
    with people.owner.app.app_context():
        assert db.session.query(Record).count() == 0
        assert {upload.status for upload in db.session.query(Upload)} <= {"aborted"}
        assert list(recount.differences()) == []


def test_two_files_are_too_many(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    files = [(DATA, "a"), (DATA, "b")]
    answer = send(people.owner, kind, entry_id, {**form(kind, None), "record_file": files})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "record_file")
    assert stored(people.owner) == (0, 0)


def test_the_same_record_again_is_a_conflict_that_leaves_no_bytes(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    assert send(people.owner, kind, entry_id, form(kind)).status_code == 200
    assert send(people.owner, kind, entry_id, form(kind, b"other bytes")).status_code == 409
    assert send(people.owner, kind, entry_id, form(kind, None, **{f"{kind.word}_data": "{}"})).status_code == 409
    assert stored(people.owner) == (1, 0)


def test_who_may_not_write_sends_nothing(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind, access="public")
    for person, status in ((people.anonymous, 401), (people.reader, 403)):
        assert send(person, kind, entry_id, form(kind)).status_code == status
    hidden = make.entry(people.owner, "hidden", kind=kind)
    assert send(people.reader, kind, hidden, form(kind)).status_code == 404
    assert stored(people.owner) == (0, 0)


def test_files_are_as_large_as_files_may_be(make_app: Any, kind: Kind) -> None:
    app = make_app(max_file_size=100_000, max_chunk_size=30_000)
    owner = make_people(app).owner
    entry_id = make.entry(owner, kind=kind)
    assert send(owner, kind, entry_id, form(kind, DATA[:100_000])).status_code == 200
    assert send(owner, kind, entry_id, form(kind, DATA[:100_001], site_name="Morris")).status_code == 413
    assert send(owner, kind, entry_id, form(kind, DATA * 10, site_name="Morris")).status_code == 413
    assert stored(owner) == (1, 0)


def test_a_record_can_be_sent_by_a_browser_that_is_signed_in(people: People, kind: Kind) -> None:
    path = f"/api/{kind.slug}/id/{make.entry(people.owner, kind=kind)}/records"
    owner = people.owner
    sent: dict[str, Any] = {"data": encoded(form(kind)), "content_type": "multipart/form-data; boundary=x"}
    assert owner.client.post(path, **sent).status_code == 400, "no CSRF token"
    answer = owner.client.post(path, **sent, headers={"X-CSRFToken": owner.csrf_token})
    assert (answer.status_code, answer.json["record_file"]) == (200, "plot.bin")
    sent["data"] = encoded(form(kind, site_name="Morris", csrf_token=owner.csrf_token))
    answer = owner.client.post(path, **sent)
    assert bytes_of(owner, answer.json["id"]) == DATA


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/cron.d/x", "x"),
        ("a\u202etxt.exe", "atxt.exe"),
        ("CON", "_CON"),
        ("été.csv", "été.csv"),
        ("x" * 300 + ".csv", None),
        ("\u202e", "file"),
        ("a;b=c.csv", "a;b=c.csv"),
    ],
)
def test_a_files_name_is_a_name(people: People, kind: Kind, name: str, kept: str | None) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    made = send(people.owner, kind, entry_id, form(kind, DATA, name)).json
    assert made["record_file"] == kept or (kept is None and len(made["record_file"]) <= 200)
    assert stored(people.owner) == (1, 0)


FILE_PART = 'name="record_file"; filename="a.bin"', b"12345"
SITE_PART = 'name="site_name"', b"Waseca"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (body_of(FILE_PART, SITE_PART), 200),
        (body_of(FILE_PART, SITE_PART, end=b"--"), 200),
        (body_of(FILE_PART, SITE_PART, end=b""), 400),
        (body_of(FILE_PART, SITE_PART, end=b"\r\n"), 400),
        (body_of(FILE_PART, SITE_PART)[:-20], 400),
        (body_of(SITE_PART, FILE_PART)[:-12], 400),
        (body_of(), 422),
        (b"x" * 3_000_000, 413),
        (b"--x\r\n" + b"A: b\r\n" * 500_000, 413),
        (b"--x\r\nno disposition: 1\r\n\r\n1\r\n--x--", 400),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--", 422),
        (body_of(('name="site_name"', b"\xff")), 400),
        (body_of(*[(f'name="f{number}"', b"1") for number in range(101)]), 413),
        (body_of(SITE_PART, ('name="model_data"', b"{}"))[:-4] + b"--" + b"y" * 1000, 200),
    ],
)
def test_a_broken_form_is_refused(people: People, body: bytes, status: int) -> None:
    path = f"/api/models/id/{make.entry(people.owner)}/records"
    answer = people.owner.api.post(path, data=body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == status, answer.json
    assert stored(people.owner) == (int(status == 200 and b"record_file" in body), 0)
    assert people.owner.api.post(path, data=body, content_type="multipart/form-data").status_code == 400
    encoded = {"Content-Encoding": "gzip"}
    kind = "multipart/form-data; boundary=x"
    assert people.owner.api.post(path, data=body, content_type=kind, headers=encoded).status_code == 415


def test_an_entry_that_an_upload_made_stays_while_it_has_a_record(people: People, kind: Kind) -> None:
    begun = make.begin(people.owner, b"", word=kind.word)
    entry_id = begun[f"{kind.word}_id"]
    assert send(people.owner, kind, entry_id, form(kind)).status_code == 200
    end = people.owner.api.delete(f"/api/v2/{kind.word}/upload?upload_id={begun['upload_id']}")
    assert end.status_code == 200
    assert people.owner.api.get(f"/api/{kind.slug}/id/{entry_id}").status_code == 200


def test_json_says_the_same_as_a_form(people: People, kind: Kind) -> None:
    entry_id, data = make.entry(people.owner, kind=kind), f"{kind.word}_data"
    said = {"experiment_name": "E", "season_name": "S", "collection_date": "2026-05-01", "dataset_name": "D"}
    by_form = send(people.owner, kind, entry_id, form(kind, None, **said, **{data: '{"a": [1, "ü"]}'})).json
    body = {**form(kind, None, **said), "timestamp": "2026-06-01T12:00:01Z", data: json.loads('{"a": [1, "ü"]}')}
    by_json = people.owner.api.post(f"/api/{kind.slug}/id/{entry_id}/records", json=body).json
    assert {**by_form, "id": 0, "timestamp": 0} == {**by_json, "id": 0, "timestamp": 0}


def test_a_form_that_says_it_is_endless_is_too_large(people: People, kind: Kind) -> None:
    path = f"/api/{kind.slug}/id/{make.entry(people.owner, kind=kind)}/records"
    said = {"CONTENT_LENGTH": str(2**63), "CONTENT_TYPE": "multipart/form-data; boundary=x"}

    assert people.owner.api.post(path, data=b"--x--", environ_overrides=said).status_code == 413
