"""The contract on a bucket, and what is peculiar to one."""

import socket
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import UUID, uuid4

import pytest

from portal.storage import s3
from portal.storage.base import Answer, Misfit, Missing, PutAddress, Sealed, StoredChunk, Unavailable
from portal.storage.bucket import Bucket, Held
from portal.storage.keys import version_key
from portal.storage.s3 import S3Store
from tests import stored
from tests.storage.store_contract import StoreContract, finish, go_on, heard, put, sha


@pytest.fixture(params=["moto", "given"] if stored.GIVEN else ["moto"])
def endpoint(request: pytest.FixtureRequest) -> str:
    return stored.moto() if request.param == "moto" else stored.prepared(str(stored.GIVEN))


@pytest.fixture
def bucket(endpoint: str) -> Bucket:
    return Bucket(stored.BUCKET, f"{uuid4()}/files", endpoint)


@pytest.fixture
def store(bucket: Bucket) -> S3Store:
    return S3Store(bucket)


class TestS3(StoreContract):
    pass


def send(address: PutAddress | None, content: bytes) -> int:
    assert address is not None
    headers = {"Content-Type": "application/octet-stream", **address.headers}
    request = Request(address.url, content, headers, method="PUT")
    try:
        with urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


class TestAddresses:
    @pytest.fixture
    def upload(self, store: S3Store) -> str:
        upload = str(uuid4())
        store.begin(upload, 10, 4)
        return upload

    def test_what_is_put_there_counts_like_any_chunk(self, store, upload):
        address = store.url_to_put(upload, 1, sha(b"efgh"), 60)
        assert store.received(upload).ranges() == []
        assert send(address, b"efgh") == 200
        put(store, upload, 0, b"abcd")
        put(store, upload, 2, b"ij")
        assert store.received(upload).chunks[1] == StoredChunk(4, sha(b"efgh"))
        assert finish(store, upload) == b"abcdefghij"
        assert list(store.list_uploads()) == []

    def test_a_chunk_that_comes_by_us_afterwards_takes_its_place_and_the_other_way_round(self, store, upload):
        early = store.url_to_put(upload, 0, sha(b"XXXX"), 60)
        put(store, upload, 0, b"YYYY")
        assert send(store.url_to_put(upload, 0, sha(b"abcd"), 60), b"abcd") == 200
        assert send(early, b"XXXX") == 200
        put(store, upload, 1, b"efgh")
        put(store, upload, 2, b"ij")
        assert finish(store, upload) == b"abcdefghij"

    def test_nothing_that_is_put_after_the_seal_changes_a_byte(self, store, upload):
        address = store.url_to_put(upload, 0, None, 60)
        other = store.url_to_put(upload, 1, None, 60)
        send(address, b"abcd")
        put(store, upload, 1, b"efgh")
        put(store, upload, 2, b"ij")
        store.assemble(upload, heard, go_on)
        send(address, b"XXXX")
        send(other, b"YYYY")
        assert store.hash_staged(upload, heard, go_on) == (10, sha(b"abcdefghij").hex())
        send(address, b"ZZZZ")
        key = version_key(uuid4())
        store.publish(upload, key, sha(b"abcdefghij").hex())
        send(address, b"late")
        assert stored.file_bytes(store, key) == b"abcdefghij"
        assert [found.upload_id for found in store.list_uploads()] == [upload], "what comes late is swept"
        store.discard(upload)
        assert list(store.list_uploads()) == []

    def test_nothing_of_before_the_seal_counts_when_it_is_open_again(self, store, upload):
        address = store.url_to_put(upload, 0, None, 60)
        send(address, b"abcd")
        put(store, upload, 1, b"efgh")
        put(store, upload, 2, b"ij")
        store.assemble(upload, heard, go_on)
        store.reopen(upload)
        send(address, b"XXXX")
        assert finish(store, upload) == b"abcdefghij"

    def test_no_address_leads_to_a_sealed_upload_or_past_its_end(self, store, upload):
        with pytest.raises(Misfit):
            store.url_to_put(upload, 3, None, 60)
        for idx, content in enumerate([b"abcd", b"efgh", b"ij"]):
            put(store, upload, idx, content)
        store.assemble(upload, heard, go_on)
        with pytest.raises(Sealed):
            store.url_to_put(upload, 0, None, 60)
        with pytest.raises(Missing):
            store.url_to_put(str(uuid4()), 0, None, 60)

    def test_a_whole_file_of_any_length(self, store):
        upload, content = str(uuid4()), b"0123456789" * 700_000
        store.begin(upload, None, None)
        assert send(store.url_to_put(upload, 0, None, 60), content) == 200
        assert store.received(upload).chunks == {0: StoredChunk(len(content), b"")}
        assert finish(store, upload) == content

    def test_the_wrong_length_never_counts(self, store, upload):
        send(store.url_to_put(upload, 0, None, 60), b"abcde")
        assert store.received(upload).ranges() == []

    def test_bytes_that_are_not_what_was_said_are_forgotten(self, store, bucket, upload):
        """Not every store holds a sender to the sha256 that was signed."""
        send(store.url_to_put(upload, 1, sha(b"efgh"), 60), b"efgh")
        (its_key,) = [item.key for item in bucket.list("staging/") if ".c." in item.key]
        bucket.put(its_key, b"eFgh")
        put(store, upload, 0, b"abcd")
        put(store, upload, 2, b"ij")
        store.assemble(upload, heard, go_on)
        store.hash_staged(upload, heard, go_on)
        assert store.received(upload).missing() == []
        store.doubt(upload, go_on)
        assert store.received(upload).missing() == [[1, 1]]
        store.reopen(upload)
        put(store, upload, 1, b"efgh")
        assert finish(store, upload) == b"abcdefghij"

    def test_however_often_an_address_is_asked_for_few_pieces_stay(self, store, bucket, upload):
        for _ in range(5):
            assert send(store.url_to_put(upload, 0, sha(b"abcd"), 60), b"abcd") == 200
        assert len([item for item in bucket.list("staging/") if ".c." in item.key]) == 2
        assert store.received(upload).chunks[0] == StoredChunk(4, sha(b"abcd"))

    def test_who_asks_for_an_address_while_another_seals_takes_nothing_away(self, store, upload, monkeypatch):
        """What counted at the seal has a later one beside it by the time that the asker looks."""
        put(store, upload, 0, b"abcd")
        late = store.url_to_put(upload, 0, sha(b"abcd"), 60)
        put(store, upload, 1, b"efgh")
        put(store, upload, 2, b"ij")

        def sealed_first(*asked: object) -> object:
            monkeypatch.undo()
            store._seal(s3.look(store._bucket, upload))
            send(late, b"abcd")
            return s3.pieces_of(*asked)

        monkeypatch.setattr(s3, "pieces_of", sealed_first)
        store.url_to_put(upload, 0, sha(b"abcd"), 60)
        assert finish(store, upload) == b"abcdefghij"

    def test_an_address_to_get_says_name_and_type_and_gives_ranges(self, store):
        upload, key = str(uuid4()), version_key(uuid4())
        store.begin(upload, None, None)
        put(store, upload, 0, b"0123456789")
        store.assemble(upload, heard, go_on)
        store.publish(upload, key, store.hash_staged(upload, heard, go_on)[1])
        answer = Answer("application/octet-stream", "attachment; filename=\"a b.bin\"; filename*=UTF-8''%C3%BC.bin")
        url = store.url_to_get(key, answer, 60)
        assert url.startswith(f"{store.origin}/")
        with urlopen(Request(url, headers={"Range": "bytes=3-5"}), timeout=20) as got:
            assert (got.status, got.read()) == (206, b"345")
            assert got.headers["Content-Disposition"] == answer.disposition
            assert got.headers["Content-Type"] == answer.content_type


class TestJoining:
    """Parts that the store joins by itself have 5 MiB at least."""

    def test_large_chunks_never_pass_through_us_again(self, store, bucket, monkeypatch):
        upload, content = str(uuid4()), bytes(range(256)) * 50_000
        store.begin(upload, len(content), 5 << 20)
        for idx in (2, 0, 1):
            put(store, upload, idx, content[idx * (5 << 20) : (idx + 1) * (5 << 20)])
        store.assemble(upload, heard, go_on)
        sha256 = store.hash_staged(upload, heard, go_on)[1]
        key = version_key(uuid4())
        with monkeypatch.context() as patch:
            patch.setattr(bucket, "put_part", None)
            store.publish(upload, key, sha256)
        assert stored.file_bytes(store, key) == content

    def test_many_small_chunks_become_parts(self, store):
        upload, content = str(uuid4()), bytes(range(256)) * 80_000
        store.begin(upload, None, None)
        pieces = [content[first : first + 3_000_000] for first in range(0, len(content), 3_000_000)]
        for idx in reversed(range(len(pieces))):
            put(store, upload, idx, pieces[idx])
        copied: list[int] = []
        assert store.assemble(upload, copied.append, go_on) == len(content)
        assert copied[-1] == len(content)
        assert finish(store, upload) == content

    def test_two_who_put_small_chunks_in_order_do_not_write_over_each_other(self, store):
        """One has hashed what it put together; the other, who began before, ends with what came too late to count."""
        upload, key = str(uuid4()), version_key(uuid4())
        store.begin(upload, None, None)
        put(store, upload, 1, b"right")
        put(store, upload, 0, b"the ")

        def other(_copied: int) -> None:
            store.assemble(upload, heard, go_on)
            store.hash_staged(upload, heard, go_on)

        store.assemble(upload, other, go_on)
        wholes = [item.key for item in store._bucket.list("staging/") if "/whole" in item.key]
        assert len(wholes) == 2
        store.publish(upload, key, sha(b"the right").hex())
        assert stored.file_bytes(store, key) == b"the right"
        assert list(store.list_uploads()) == []

    def test_who_publishes_late_changes_nothing(self, store, bucket):
        """A finisher that was cut off between joining and the end, while another has published other bytes."""
        upload, key = str(uuid4()), version_key(uuid4())
        store.begin(upload, None, None)
        put(store, upload, 0, b"right")
        store.assemble(upload, heard, go_on)
        sha256 = store.hash_staged(upload, heard, go_on)[1]
        late = bucket.begin_parts(key, {"sha256": sha(b"wrong").hex()})
        tag = bucket.put_part(key, late, 1, b"wrong")
        store.publish(upload, key, sha256)
        with pytest.raises((Missing, Held)):
            bucket.complete(key, late, [tag], only_new=True)
        assert stored.file_bytes(store, key) == b"right"

    def test_two_who_publish_the_same_are_both_content(self, store, bucket, monkeypatch):
        """One is thought dead and goes on; the other comes first and throws away what it has joined so far."""
        upload, key = str(uuid4()), version_key(uuid4())
        store.begin(upload, None, None)
        put(store, upload, 0, b"right")
        store.assemble(upload, heard, go_on)
        sha256 = store.hash_staged(upload, heard, go_on)[1]
        complete = bucket.complete

        def late(*args: object, **how: object) -> None:
            monkeypatch.setattr(bucket, "complete", complete)
            store.publish(upload, key, sha256)
            complete(*args, **how)

        monkeypatch.setattr(bucket, "complete", late)
        store.publish(upload, key, sha256)
        assert stored.file_bytes(store, key) == b"right"
        assert list(store.list_uploads()) == []

    def test_what_another_program_uploads_to_the_bucket_is_left_alone(self, store, bucket):
        upload, key = str(uuid4()), f"other/{version_key(uuid4())}"
        parts = bucket.begin_parts(key)
        store.begin(upload, None, None)
        assert [found.upload_id for found in store.list_uploads()] == [upload]
        bucket.abort(key, parts)

    def test_the_parts_of_a_publication_that_died_are_listed_and_discarded(self, store, bucket):
        upload = str(uuid4())
        bucket.put_part(version_key(UUID(upload)), bucket.begin_parts(version_key(UUID(upload))), 1, b"half")
        assert [found.upload_id for found in store.list_uploads()] == [upload]
        store.discard(upload)
        assert list(store.list_uploads()) == []


class TestRepeating:
    def test_a_repeated_chunk_that_meets_the_seal_takes_nothing_along(self, store, bucket, monkeypatch):
        """Another server seals when the chunk has come and before its writer has looked again."""
        upload = str(uuid4())
        store.begin(upload, 8, 4)
        put(store, upload, 0, b"abcd")
        put(store, upload, 1, b"efgh")
        keep = store._keep

        def sealed_first(*args: object) -> None:
            store.assemble(upload, heard, go_on)
            keep(*args)

        with monkeypatch.context() as patch:
            patch.setattr(store, "_keep", sealed_first)
            with pytest.raises(Sealed):
                put(store, upload, 1, b"efgh")
        assert finish(store, upload) == b"abcdefgh"


class TestAway:
    @pytest.mark.parametrize("away", ["closed", "silent", "nowhere"])
    def test_a_store_that_is_away_is_given_up_within_ten_seconds(self, away):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            if away == "closed":
                listener.close()
            host = "store.invalid" if away == "nowhere" else "127.0.0.1"
            store = S3Store(Bucket(stored.BUCKET, "", f"http://{host}:{port}"))
            _ = store._bucket._quick, store._bucket._patient  # made once in a process, which takes its time
            key = version_key(uuid4())
            calls = [store.ready, lambda: store.size(key), lambda: put(store, str(uuid4()), 0, b"abcd")]
            for call in calls[: 1 if away == "silent" else None]:
                began = time.monotonic()
                with pytest.raises(Unavailable):
                    call()
                assert time.monotonic() - began < 10

    def test_a_bucket_that_is_not_there_is_away(self, endpoint):
        store = S3Store(Bucket("no-such-bucket", "", endpoint))
        with pytest.raises(Unavailable):
            store.ready()
        for call in (lambda: store.begin(str(uuid4()), 10, 4), lambda: store.size(version_key(uuid4()))):
            with pytest.raises(Unavailable):
                call()

    def test_keys_that_are_not_ours_are_refused(self, store):
        for call in (store.size, store.open, store.delete):
            with pytest.raises(ValueError, match="key"):
                call("versions/../../etc/passwd")
        with pytest.raises(ValueError, match="id"):
            store.begin("../x", None, None)
