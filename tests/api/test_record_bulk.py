"""Many records in one request: NDJSON of any length, over real sockets where it matters how it arrives."""

import http.client
import io
import json
import socket
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from portal.domain.kinds import Kind
from portal.domain.records import Record
from portal.extensions import db
from tests import make
from tests.bench import record_data
from tests.people import People
from tests.served import Served, served

__all__ = ["served"]

NDJSON = {"Content-Type": "application/x-ndjson"}


def path(entry_id: str, slug: str = "models", rest: str = "records") -> str:
    return f"/api/{slug}/id/{entry_id}/{rest}"


def text(records: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(record_data.lines(iter(records)))


def stored(people: People, entry_id: str) -> list[Record]:
    with people.owner.app.app_context():
        own = select(Record).where(Record.entry_id == entry_id)
        return list(db.session.scalars(own.order_by(Record.timestamp)))


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/ndjson; charset=utf-8"])
def test_lines_become_records(people: People, kind: Kind, content_type: str) -> None:
    entry_id, data = make.entry(people.owner, kind=kind), f"{kind.word}_data"
    lines = [
        {"site_name": "Waseca", "timestamp": "2026-06-01T12:00:00+02:00", data: {"yield": 48.9}},
        {"site_name": "Waseca", data: 48.9},
        {"site_name": "Waseca", "timestamp": "2026-06-01T10:00:00Z", data: {"yield": 1}},
        {
            "season_name": "1931",
            "dataset_name": "Ü",
            "collection_date": "1931-08-01",
            data: {},
            "record_info": {"a": 1},
        },
    ]
    answer = people.owner.api.post(path(entry_id, kind.slug), data=text(lines), headers={"Content-Type": content_type})
    assert answer.status_code == 200
    assert answer.json == {
        "inserted": 2,
        "rejected": [
            {"line": 2, "error": f"{data}: Takes a JSON object."},
            {"line": 3, "error": answer.json["rejected"][1]["error"]},
        ],
        "more_rejected": 0,
    }
    first, second = stored(people, entry_id)
    assert (first.timestamp, first.data, first.info) == (datetime(2026, 6, 1, 10, tzinfo=UTC), {"yield": 48.9}, {})
    assert (second.collection_date, second.data, second.info) == (date(1931, 8, 1), {}, {"a": 1})


def test_all_or_nothing(people: People) -> None:
    entry_id = make.entry(people.owner)
    good, bad = text(record_data.made_up(200)), b"{}\n"
    refused = people.owner.api.post(path(entry_id) + "?atomic=true", data=good + bad, headers=NDJSON)
    assert refused.status_code == 422
    assert refused.json["inserted"] == 0
    assert [each["line"] for each in refused.json["rejected"]] == [201]
    assert stored(people, entry_id) == []
    taken = people.owner.api.post(path(entry_id) + "?atomic=true", data=good, headers=NDJSON)
    assert (taken.status_code, taken.json["inserted"]) == (200, 200)
    assert people.owner.api.post(path(entry_id) + "?atomic=yes", data=good, headers=NDJSON).status_code == 400


def test_who_may_not_write_is_refused_before_a_line_is_read(people: People) -> None:
    entry_id = make.entry(people.owner, access="public")

    for person, status in ((people.reader, 403), (people.anonymous, 401)):
        for atomic in ("", "?atomic=true"):
            body = io.BytesIO(text(record_data.made_up(10)))
            answer = person.api.post(path(entry_id) + atomic, input_stream=body, headers=NDJSON)
            assert (answer.status_code, body.tell()) == (status, 0)


def test_an_encoded_body_is_not_read(people: People) -> None:
    entry_id = make.entry(people.owner)
    answer = people.owner.api.post(path(entry_id), data=b"\x1f\x8b", headers={**NDJSON, "Content-Encoding": "gzip"})
    assert answer.status_code == 415


def send(served: Served, people: People, target: str, body: bytes, announced: int) -> tuple[int, Any]:
    """Announces so much, sends so much, and no more comes; the answer."""
    head = {**people.owner.headers, **NDJSON, "Host": "x", "Content-Length": str(announced)}
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    with closing(socket.create_connection(("127.0.0.1", served.port), 60)) as raw:
        raw.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        raw.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(raw)
        answer.begin()
        return answer.status, json.loads(answer.read())


def test_of_a_cut_body_stays_what_was_committed_and_a_second_try_adds_the_rest(served: Served, people: People) -> None:
    entry_id = make.entry(people.owner)
    body = text(record_data.made_up(7_000))
    status, said = send(served, people, path(entry_id), body[:-10], len(body))
    assert (status, said["inserted"]) == (400, 5_000)
    assert "cut short" in said["detail"]
    assert len(stored(people, entry_id)) == 5_000
    status, said = send(served, people, path(entry_id), body, len(body))
    assert (status, said["inserted"], len(said["rejected"]), said["more_rejected"]) == (200, 2_000, 1_000, 4_000)
    assert len(stored(people, entry_id)) == 7_000


def test_of_a_cut_body_that_is_all_or_nothing_stays_nothing(served: Served, people: People) -> None:
    entry_id = make.entry(people.owner)
    body = text(record_data.made_up(7_000))
    status, said = send(served, people, path(entry_id) + "?atomic=true", body[:-10], len(body))
    assert (status, said["inserted"]) == (400, 0)
    assert stored(people, entry_id) == []


@pytest.mark.parametrize("atomic", ["", "?atomic=true"])
def test_a_body_without_announced_length_is_read_to_its_end(served: Served, people: People, atomic: str) -> None:
    entry_id = make.entry(people.owner)
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    pieces = (text([record]) for record in record_data.made_up(300))
    connection.request("POST", path(entry_id) + atomic, pieces, {**people.owner.headers, **NDJSON}, encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["inserted"]) == (200, 300)
    connection.close()


def test_a_sender_who_pauses_keeps_nobody_from_writing(served: Served, people: People) -> None:
    entry_id = make.entry(people.owner)
    first, rest = text(record_data.made_up(5_000)), text([{"site_name": "Waseca", "model_data": {}}])
    for atomic in ("", "?atomic=true"):
        head = {**people.owner.headers, **NDJSON, "Host": "x", "Content-Length": str(len(first) + len(rest))}
        lines = [f"POST {path(entry_id)}{atomic} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
        with closing(socket.create_connection(("127.0.0.1", served.port), 60)) as raw:
            raw.sendall("\r\n".join([*lines, "", ""]).encode() + first)
            other = {"site_name": "Morris", "model_data": {}}
            assert people.owner.api.post(path(entry_id), json=other).status_code == 200
            raw.sendall(rest)
            answer = http.client.HTTPResponse(raw)
            answer.begin()
            assert answer.status == (422 if atomic else 200), "the same lines again"
