"""One chunk: its index, its length, its digest; sent twice, cut short, too late."""

import base64
import io
from collections.abc import Callable
from typing import Any

import pytest

from portal.extensions import db
from tests import make
from tests.api.sending import Sending, content_digest
from tests.people import People

DATA = bytes(range(256)) * 40
WRONG_INDEXES = ["007", "00", "-1", "-0", "+1", "1e3", "1.0", "0x1", "１", "٣", "²", "%20", "abc", "1_000"]


def test_an_index_is_a_whole_number_in_plain_decimal(people: People, subtests: pytest.Subtests) -> None:
    for declared in (True, False):
        sending = Sending(people.owner, DATA, 4096, declared=declared)
        for idx in (*WRONG_INDEXES, str(10**30), str(2**63), "9" * 5000):
            with subtests.test(idx[:40], declared=declared):
                answer = sending.put(idx, b"x")
                assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
        for idx in ("../0", "0/../../x", "..%2f..%2fx", "0%00"):
            with subtests.test(idx):
                assert sending.put(idx, b"x").status_code in (400, 404, 405)
        assert sending.progress()["received"] == []
    assert sending.put(2**63 - 1, b"x").status_code == 200
    assert sending.commit().json["detail"] == "Chunks are missing: 0–9223372036854775806."


def test_past_the_declared_size_there_is_no_chunk(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096)
    for idx in (3, 4, 10**9, 2**63 - 1):
        assert sending.put(idx, b"x").status_code == 400
    assert sending.put(2).status_code == 200


def test_with_size_and_chunk_size_declared_another_length_is_422(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096)
    for idx, body in ((0, b""), (0, DATA[:4095]), (1, DATA[:4097]), (2, DATA[:4096]), (2, DATA[:2047])):
        assert sending.put(idx, body).status_code == 422
    assert sending.progress()["received"] == []


def test_without_a_content_length_a_chunk_is_411(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096)
    assert sending.put(0, length="").status_code == 411
    chunked = sending.put(0, length="", headers={"Transfer-Encoding": "chunked"})
    assert chunked.status_code == 411
    assert sending.put(0, headers={"Transfer-Encoding": "chunked"}).status_code == 411


def test_a_form_and_a_packed_body_are_415(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096)
    assert sending.put(0, headers={"Content-Encoding": "gzip"}).status_code == 415
    assert sending.put(0, content_type="multipart/form-data; boundary=x").status_code == 415
    assert sending.progress()["received"] == []
    for kind in ("application/x-www-form-urlencoded", "application/json", "text/plain; charset=nonsense", "image/png"):
        assert sending.put(0, content_type=kind, headers={"Content-Encoding": "identity"}).status_code == 200
    assert sending.put_all().commit().json["sha256"] == make.sha256(DATA)


def test_a_body_cut_short_is_400_and_what_was_kept_before_stays(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096)
    for length in (0, 1, 2048, 4095):
        assert sending.put(0, DATA[:length], length=4096).status_code == 400
    assert sending.progress()["received"] == []
    sending.put_all()
    assert sending.put(1, b"!" * 4095, length=4096).status_code == 400
    assert sending.commit().json["sha256"] == make.sha256(DATA)


def test_of_a_longer_body_only_the_announced_bytes_are_taken(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096).put_all(0)
    assert sending.put(0, DATA, length=4096).status_code == 200
    assert sending.commit().json["sha256"] == make.sha256(DATA)


def test_the_last_complete_chunk_counts(people: People) -> None:
    for declared in (True, False):
        sending = Sending(people.owner, DATA, 4096, declared=declared).put_all()
        assert sending.put(1, b"?" * 4096).status_code == 200
        assert sending.put(1, b"!" * 4096).status_code == 200
        assert sending.put(1, b"." * 10, length=4096).status_code == 400
        assert sending.progress()["bytes_received"] == len(DATA)
        assert sending.commit().json["sha256"] == make.sha256(DATA[:4096] + b"!" * 4096 + DATA[8192:])


def test_undeclared_chunks_may_have_any_size_and_be_sent_again_with_another(people: People) -> None:
    sending = Sending(people.owner, b"", 1, declared=False)
    for idx, body in ((3, b""), (0, b"a" * 100_000), (2, b"c"), (1, b"b" * 7), (0, b"aa"), (2, b"c" * 70_000)):
        assert sending.put(idx, body).status_code == 200
    whole = b"aa" + b"b" * 7 + b"c" * 70_000
    assert sending.commit().json.items() >= {"size": len(whole), "sha256": make.sha256(whole)}.items()
    assert sending.download().data == whole


def test_an_empty_file_is_one_empty_chunk(people: People) -> None:
    for declared in (True, False):
        sending = Sending(people.owner, b"", 10, declared=declared)
        assert sending.commit().json["detail"] == "Chunks are missing: 0."
        assert sending.put(0).status_code == 200
        assert sending.commit().json.items() >= {"version": 1, "size": 0, "sha256": make.sha256(b"")}.items()
        assert sending.download().data == b""


def test_a_content_digest_that_matches_is_taken(people: People, subtests: pytest.Subtests) -> None:
    sending = Sending(people.owner, DATA, 4096)
    good, other = content_digest(sending.piece(0)), content_digest(sending.piece(0), "sha512")
    for field in (
        good,
        f"{other}, {good}",
        f"{good},{other}",
        "md5=:AAAA:",
        other,
        "",
        f"  {good}  ",
        f"sha-256=:{'A' * 43}=:, {good}",
    ):
        with subtests.test(field):
            assert sending.put(0, headers={"Content-Digest": field}).status_code == 200


def test_a_content_digest_that_does_not_match_is_422_and_the_chunk_is_not_kept(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096)
    digests = {"Content-Digest": content_digest(b"other")}
    assert sending.put(0, headers=digests).status_code == 422
    assert sending.progress()["received"] == []
    sending.put_all()
    assert sending.put(1, b"!" * 4096, headers=digests).status_code == 422
    both = {"Content-Digest": f"sha-512=:AAAA:, {digests['Content-Digest']}"}
    assert sending.put(1, b"!" * 4096, headers=both).status_code == 422
    assert sending.commit().json["sha256"] == make.sha256(DATA)


def test_a_malformed_content_digest_is_400(people: People, subtests: pytest.Subtests) -> None:
    sending = Sending(people.owner, DATA, 4096)
    short = base64.b64encode(b"short").decode()
    hexadecimal = make.sha256(sending.piece(0))
    for field in (
        "sha-256", "sha-256=", "sha-256=::", "sha-256=:AAAA", "sha-256=AAAA", f"sha-256=:{short}:", "nonsense", "=:A:",
        f"sha-256=:{hexadecimal}:", f"sha-256={hexadecimal}", "sha-256=:AA=A:", "sha-256=:A A:", "SHA-256=:AAAA:",
        f"sha-256=:{'A' * 43}=", f"sha-256=:{'_' * 43}=:", f"sha-256=:{'A' * 44}:", "md5=AAAA", "sha-256=:é:",
    ):  # fmt: skip
        with subtests.test(field):
            answer = sending.put(0, headers={"Content-Digest": field})
            assert answer.status_code == 400
            assert "Content-Digest" in answer.json["detail"]
    assert sending.progress()["received"] == []


def test_after_the_commit_a_chunk_is_409_and_changes_nothing(people: People) -> None:
    for declared in (True, False):
        sending = Sending(people.owner, DATA, 4096, declared=declared).put_all()
        sending.commit()
        for idx in (0, 1, 3 if not declared else 2):
            assert sending.put(idx, b"!" * 4096).status_code == 409
        assert sending.put(10**30, b"!").status_code == 400
        assert sending.abort().status_code == 409
        assert sending.download().data == DATA


def test_digests_of_what_is_held_let_a_client_compare(people: People) -> None:
    sending = Sending(people.owner, DATA, 4096).put_all(1)
    digests = sending.ask("GET", "?digests=true").json["digests"]
    assert digests == {str(idx): content_digest(sending.piece(idx))[9:-1] for idx in (0, 2)}


class Meanwhile(io.BytesIO):
    """A body; before its first byte something else happens."""

    def __init__(self, body: bytes, action: Callable[[], object]) -> None:
        super().__init__(body)
        self.action: Callable[[], object] | None = action

    def readinto(self, buffer: Any, /) -> int:
        if self.action is not None:
            self.action()
        self.action = None
        return super().readinto(buffer)

    def as_environ(self) -> dict[str, Any]:
        length = str(len(self.getvalue()))
        return {"CONTENT_LENGTH": length, "wsgi.input": self, "wsgi.input_terminated": True}


def test_a_commit_while_a_body_comes_wins(people: People) -> None:
    for declared in (True, False):
        sending = Sending(people.owner, DATA, 4096, declared=declared).put_all()
        body = Meanwhile(b"!" * 4096, sending.commit)
        assert sending.ask("POST", "/1", environ_overrides=body.as_environ()).status_code == 409
        assert sending.download().data == DATA


def test_an_abort_while_a_body_comes_wins(people: People) -> None:
    for declared in (True, False):
        sending = Sending(people.owner, DATA, 4096, declared=declared).put_all()
        body = Meanwhile(sending.piece(1), sending.abort)
        assert sending.ask("POST", "/1", environ_overrides=body.as_environ()).status_code == 410
        assert list(people.owner.app.extensions["storage"].list_uploads()) == []


def test_no_connection_to_the_database_is_held_while_a_body_comes(people: People) -> None:
    used = []

    def look() -> None:
        with people.owner.app.app_context():
            used.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]

    sending = Sending(people.owner, DATA, 4096)
    body = Meanwhile(sending.piece(0), look)
    assert sending.ask("POST", "/0", environ_overrides=body.as_environ()).status_code == 200
    assert used == [0]
