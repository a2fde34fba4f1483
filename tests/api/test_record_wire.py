"""Records with a file over real sockets: bodies that break off are no records, and nobody's bytes stay."""

import json
import random
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import timedelta
from typing import Any

import psutil
import pytest

from portal.database import begin_write
from portal.domain import recount
from portal.domain.records import Record
from portal.extensions import db
from portal.uploads import sweep
from portal.uploads.session import Upload
from tests import make
from tests.api.test_record_form import FILE_PART, body_of, stored
from tests.people import People
from tests.served import Served, served

__all__ = ["served"]

BIG = random.Random(9).randbytes(9_000_000)


def raw(served: Served, people: People, entry_id: str, rest: bytes, body: bytes, how: str = "half-close") -> bytes:
    head = f"POST /api/models/id/{entry_id}/records HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    head += f"Authorization: {people.owner.headers['Authorization']}\r\n"
    head += "Content-Type: multipart/form-data; boundary=x\r\n"
    with closing(socket.create_connection(("127.0.0.1", served.port), 30)) as line:
        with suppress(ConnectionError):
            line.sendall(head.encode() + rest + b"\r\n" + body)
            if how == "half-close":
                line.shutdown(socket.SHUT_WR)
                with line.makefile("rb") as answer:
                    return answer.read()
        if how == "reset":
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return b""


def chunked(body: bytes, size: int = 70_000) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"


def form(data: bytes, second: int = 0) -> bytes:
    moment = f"2026-06-01T12:{second // 60:02}:{second % 60:02}Z".encode()
    return body_of(('name="site_name"', b"Waseca"), (FILE_PART[0], data), ('name="timestamp"', moment))


def number_of_records(people: People) -> int:
    with people.owner.app.app_context():
        return db.session.query(Record).count()


def settled(people: People) -> tuple[int, int]:
    deadline = time.monotonic() + 10
    while (found := stored(people.owner)) != (number_of_records(people), 0) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


@pytest.mark.parametrize("transfer", ["length", "chunked"])
def test_a_body_that_breaks_off_is_no_record(served: Served, people: People, transfer: str) -> None:
    entry_id, chance = make.entry(people.owner), random.Random(3)
    body = form(BIG[:500_000])
    sent = body if transfer == "length" else chunked(body)
    rest = f"Content-Length: {len(body)}\r\n".encode() if transfer == "length" else b"Transfer-Encoding: chunked\r\n"
    cuts = [0, 1, 50, len(sent) - 1, len(sent) - 3, len(sent) - 8, *(chance.randrange(len(sent)) for _ in range(15))]
    for cut in cuts:
        for how in ("close", "reset", "half-close"):
            answer = raw(served, people, entry_id, rest, sent[:cut], how)
            assert answer.startswith(b"HTTP/1.1 400 ") or (how != "half-close" and not answer), (cut, answer[:200])
    assert settled(people) == (0, 0)
    assert number_of_records(people) == 0
    answer = raw(served, people, entry_id, rest, sent)
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    assert json.loads(answer[answer.index(b"{") : answer.rindex(b"}") + 1])["record_file"] == "a.bin"
    assert settled(people) == (1, 0)
    assert "Traceback" not in served.log.read_text()
    assert '" 500 ' not in served.log.read_text()


def test_who_is_refused_hears_why_before_all_is_sent(served: Served, people: People) -> None:
    entry_id = make.entry(people.owner, access="public")
    head = f"POST /api/models/id/{entry_id}/records HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    head += f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {2**33}\r\n"
    for credential, status in (("", b"401"), (f"Authorization: {people.reader.headers['Authorization']}\r\n", b"403")):
        with closing(socket.create_connection(("127.0.0.1", served.port), 30)) as line:
            line.sendall((head + credential + "\r\n").encode() + form(BIG)[:100_000])
            assert line.recv(1000).split()[1] == status
    assert stored(people.owner) == (0, 0)


def test_many_files_at_once_take_little_memory(served: Served, people: People) -> None:
    entry_id = make.entry(people.owner)

    def send(turn: int) -> Any:
        body = form(BIG, turn)
        answer = raw(served, people, entry_id, f"Content-Length: {len(body)}\r\n".encode(), body)
        return int(answer.split()[1]), json.loads(answer[answer.index(b"{") : answer.rindex(b"}") + 1])

    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(send, range(8)))
        workers = psutil.Process(served.process.pid).children()
        again = list(pool.map(send, range(4, 12)))
    assert [status for status, _ in first] == [200] * 8
    assert sorted(status for status, _ in again) == [200] * 4 + [409] * 4
    assert all(worker.memory_info().rss < 250 << 20 for worker in workers)
    assert settled(people) == (12, 0)
    with people.owner.app.app_context():
        assert {record.file_sha256 for record in db.session.query(Record)} == {make.sha256(BIG)}
        assert list(recount.differences()) == []


def test_a_killed_server_leaves_nothing_that_the_sweep_does_not_take(served: Served, people: People) -> None:
    entry_id, chance = make.entry(people.owner), random.Random(11)
    body = form(BIG[:3_000_000])
    rest = f"Content-Length: {len(body)}\r\n".encode()
    for _ in range(4):
        with ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(raw, served, people, entry_id, rest, form(BIG[:3_000_000], turn)) for turn in range(4)]
            time.sleep(chance.random() * 0.4)
            served.kill()
            for each in sent:
                with suppress(OSError):
                    each.result()
        served.start()
    with people.owner.app.app_context():
        begin_write()
        for upload in db.session.query(Upload).filter(Upload.status.in_(("open", "checking"))):
            upload.expires_at -= timedelta(days=8)
            upload.checked_at = upload.checked_at and upload.checked_at - timedelta(minutes=1)
        db.session.commit()
        sweep.reap(timedelta(0))
        sweep.reap(timedelta(0))
        assert list(recount.differences()) == []
    assert stored(people.owner) == (number_of_records(people), 0)
