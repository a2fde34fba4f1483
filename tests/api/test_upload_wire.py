"""The chunked upload over real sockets: bodies that break off, many clients at once, two server processes."""

import random
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil

from tests import make
from tests.api.sending import Sending
from tests.api.wire import Cut, Wire
from tests.people import People
from tests.served import Served, served

__all__ = ["served"]

DATA = random.Random(7).randbytes(300_000)
CUTS: list[Cut] = ["close", "reset", "half-close"]


def test_a_body_that_breaks_off_is_never_recorded(served: Served, people: People) -> None:
    for declared in (True, False):
        sending = Sending(people.owner, DATA, 100_000, declared=declared)
        wire = Wire(served, sending.begun["token"])
        lengths = [0, 1, 99_999, *(random.randrange(100_000) for _ in range(40))]
        for how in CUTS:
            for length in lengths:
                answer = wire.cut_short(1, 100_000, sending.piece(1)[:length], how)
                assert answer.startswith(b"HTTP/1.1 400 ") or (how != "half-close" and not answer)
        time.sleep(0.2)
        assert wire.progress().items() >= {"received": [], "bytes_received": 0}.items()
        for idx in range(3):
            assert wire.put(idx, sending.piece(idx)) == 200
        for how in CUTS:
            wire.cut_short(1, 100_000, b"!" * 99_999, how)
        assert wire.commit().json["sha256"] == make.sha256(DATA)
        wire.close()
    assert "Traceback" not in served.log.read_text()
    assert '" 500 ' not in served.log.read_text()


def test_a_body_without_a_length_is_411_and_the_next_request_is_heard(served: Served, people: People) -> None:
    sending = Sending(people.owner, DATA, 100_000)
    head = f"POST /api/v2/model/upload/0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {sending.begun['token']}\r\n"
    chunked = b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    for rest, status in (
        (chunked, b"411"),
        (chunked[:-8], b"411"),
        (b"\r\n", b"411"),
        (b"Content-Length: x\r\n\r\n", b"400"),
    ):
        with socket.create_connection(("127.0.0.1", served.port), 30) as raw:
            raw.sendall(head.encode() + rest)
            raw.shutdown(socket.SHUT_WR)
            with raw.makefile("rb") as answer:
                assert answer.readline().split()[1] == status
    both = b"Content-Length: 5\r\n" + chunked
    with socket.create_connection(("127.0.0.1", served.port), 30) as raw:
        raw.sendall(head.encode() + both)
        assert raw.recv(100).split()[1] in (b"400", b"411")
    wire = Wire(served, sending.begun["token"])
    assert wire.progress()["received"] == []
    assert wire.put(0, sending.piece(0)) == 200
    wire.close()


def test_what_is_too_large_is_refused_before_it_is_sent(served: Served, people: People) -> None:
    sending = Sending(people.owner, DATA, 100_000)
    token = f"Bearer {sending.begun['token']}"
    person = people.owner.headers["Authorization"]
    paths = {"/0": token, "/1": token, "/commit": token, "": person, "/token": person}
    for path, credential in paths.items():
        head = f"POST /api/v2/model/upload{path} HTTP/1.1\r\nHost: x\r\nAuthorization: {credential}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {2**30}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", served.port), 30) as raw:
            raw.sendall(head.encode() + b"x" * 1000)
            with raw.makefile("rb") as answer:
                assert answer.readline().split()[1] == b"413"
    assert sending.progress()["received"] == []


def test_a_client_that_waits_to_be_told_to_go_on_is_told(served: Served, people: People) -> None:
    sending = Sending(people.owner, DATA, 100_000)
    head = f"POST /api/v2/model/upload/0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {sending.begun['token']}\r\n"
    with socket.create_connection(("127.0.0.1", served.port), 30) as raw, raw.makefile("rb") as answer:
        raw.sendall(head.encode() + b"Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n")
        assert answer.readline() == b"HTTP/1.1 100 Continue\r\n"
        raw.sendall(sending.piece(0))
        assert answer.readline() == b"\r\n"
        assert answer.readline().split()[1] == b"200"
    assert sending.progress()["received"] == [[0, 0]]


def test_a_refused_chunk_does_not_spoil_the_connection(served: Served, people: People) -> None:
    sending = Sending(people.owner, DATA, 100_000)
    wire = Wire(served, sending.begun["token"])
    for idx in range(3):
        assert wire.put(idx, sending.piece(idx)[:-1]) == 422
        assert wire.put(idx + 3, sending.piece(idx)) == 400
        assert wire.put(idx, sending.piece(idx)) == 200
    assert wire.commit().json["sha256"] == make.sha256(DATA)
    assert wire.put(0, sending.piece(0)) == 409
    assert wire.progress()["status"] == "done"
    wire.close()


def test_chunks_of_one_upload_may_go_through_both_processes_at_once(served: Served, people: People) -> None:
    for declared in (True, False):
        sending = Sending(people.owner, DATA, 1500, declared=declared)
        lanes = [lane for lanes in by_process(served, sending).values() for lane in lanes]
        waiting = random.sample(range(sending.count), sending.count)
        with ThreadPoolExecutor(len(lanes)) as crowd:
            done = list(crowd.map(empty, lanes, [sending] * len(lanes), [waiting] * len(lanes)))
        assert sum(done) == sending.count
        assert min(done) > 0
        assert lanes[0].commit().json["sha256"] == make.sha256(DATA)
        for lane in lanes:
            lane.close()


def empty(lane: Wire, sending: Sending, waiting: list[int]) -> int:
    """Sends what waits until nothing does; how many chunks that were."""
    sent = 0
    while True:
        try:
            idx = waiting.pop()
        except IndexError:
            return sent
        assert lane.put(idx, sending.piece(idx)) == 200
        sent += 1


def by_process(served: Served, sending: Sending) -> dict[int, list[Wire]]:
    """Three connections to each of the two worker processes."""
    found: dict[int, list[Wire]] = {}
    while len(found) < 2:
        found = {worker.pid: [] for worker in psutil.Process(served.process.pid).children()}
    spare = []
    while any(len(wires) < 3 for wires in found.values()):
        wire = Wire(served, sending.begun["token"])
        wire.progress()
        port = wire.connection.sock.getsockname()[1]
        pid = next(
            pid
            for pid in found
            if port in {link.raddr.port for link in psutil.Process(pid).net_connections("tcp") if link.raddr}
        )
        (found[pid] if len(found[pid]) < 3 else spare).append(wire)
        assert len(spare) < 200
    for wire in spare:
        wire.close()
    return found


def test_one_index_sent_by_many_at_once_keeps_one_of_them_whole(served: Served, people: People) -> None:
    for declared in (True, False):
        sending = Sending(people.owner, DATA[:20_000], 20_000, declared=declared)
        bodies = [bytes([number]) * 20_000 for number in range(8)]
        for _ in range(10):
            assert set(all_at_once(served, sending, [lambda wire, b=body: wire.put(0, b) for body in bodies])) <= {
                200,
                409,
            }
        wire = Wire(served, sending.begun["token"])
        assert wire.commit().json["sha256"] in {make.sha256(body) for body in bodies}
        wire.close()


def test_two_commits_at_once_make_one_version(served: Served, people: People) -> None:
    entry_id = make.entry(people.owner)
    for number in range(1, 51):
        sending = Sending(people.owner, DATA[:5000], 2500, model_name=None, model_id=entry_id).put_all()
        answers = all_at_once(served, sending, [Wire.commit, Wire.commit, Wire.commit])
        assert {answer.status for answer in answers} == {200}
        assert {answer.json["version"] for answer in answers} == {number}
    assert len(list(people.owner.app.extensions["storage"].list_keys())) == 50
    assert list(people.owner.app.extensions["storage"].list_uploads()) == []


def test_versions_of_one_entry_finished_at_once_are_numbered_without_gaps(served: Served, people: People) -> None:
    entry_id = make.entry(people.owner)
    sendings = [Sending(people.owner, DATA[:100], 100, model_name=None, model_id=entry_id).put_all() for _ in range(16)]
    with ThreadPoolExecutor(16) as crowd:
        made = list(crowd.map(lambda sending: all_at_once(served, sending, [Wire.commit])[0], sendings))
    assert sorted(answer.json["version"] for answer in made) == list(range(1, 17))


def test_a_chunk_during_the_commit_is_in_it_or_409(served: Served, people: People) -> None:
    entry_id = make.entry(people.owner)
    other = b"!" * 100_000

    def put_other(wire: Wire) -> int:
        return wire.put(1, other)

    for number in range(1, 26):
        sending = Sending(people.owner, DATA, 100_000, model_name=None, model_id=entry_id).put_all()
        before, done, after = all_at_once(served, sending, [put_other, Wire.commit, put_other])
        assert (done.status, done.json["version"]) == (200, number)
        assert {before, after} <= {200, 409}
        changed = make.sha256(sending.piece(0) + other + sending.piece(2))
        possible = {changed, make.sha256(DATA)} if 200 in (before, after) else {make.sha256(DATA)}
        assert done.json["sha256"] in possible
        assert make.sha256(sending.download().data) == done.json["sha256"]


def all_at_once(served: Served, sending: Sending, actions: list[Callable[[Wire], Any]]) -> list[Any]:
    """What each action makes of a connection of its own, all begun at the same moment."""
    start = threading.Barrier(len(actions))

    def run(action: Callable[[Wire], Any]) -> Any:
        wire = Wire(served, sending.begun["token"])
        wire.connection.connect()
        start.wait(20)
        try:
            return action(wire)
        finally:
            wire.close()

    with ThreadPoolExecutor(len(actions)) as crowd:
        return list(crowd.map(run, actions))
