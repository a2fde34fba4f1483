"""What every store keeps, sentence by sentence of `portal/storage/base.py`. A store's own test file inherits it."""

import hashlib
import io
import threading
from uuid import uuid4

import pytest

from portal.storage.base import (
    Conflict,
    DigestMismatch,
    Incomplete,
    Misfit,
    Missing,
    NoSpace,
    Sealed,
    ShortBody,
    Stopped,
    Store,
    StoredChunk,
)
from portal.storage.keys import version_key
from tests.stored import file_bytes


def sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def put(store: Store, upload: str, idx: int, content: bytes) -> StoredChunk:
    return store.put_chunk(upload, idx, len(content), io.BytesIO(content))


def heard(_size: int) -> None:
    pass


def go_on() -> bool:
    return False


def finish(store: Store, upload: str) -> bytes:
    """All the steps of a commit; the published bytes."""
    size = store.assemble(upload, heard, go_on)
    hashed_size, sha256 = store.hash_staged(upload, heard, go_on)
    assert hashed_size == size
    key = version_key(uuid4())
    store.publish(upload, key, sha256)
    content = file_bytes(store, key)
    assert (len(content), hashlib.sha256(content).hexdigest()) == (size, sha256)
    return content


class Held:
    """A source that gives the first half of its bytes, and the rest when it is told to go on."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)
        self._half = len(content) // 2
        self.halfway = threading.Event()
        self.rest = threading.Event()

    def read(self, size: int) -> bytes:
        left = self._half - self._content.tell()
        if left > 0:
            return self._content.read(min(left, size))
        self.halfway.set()
        assert self.rest.wait(20)
        return self._content.read(size)


class Sending:
    """A put_chunk in a thread of its own, stuck halfway until `end` is called."""

    def __init__(self, store: Store, upload: str, idx: int, content: bytes, *, once: bool = False) -> None:
        self.source = Held(content)
        self.outcome: StoredChunk | Exception | None = None
        self._thread = threading.Thread(target=self._send, args=(store, upload, idx, len(content), once))
        self._thread.start()
        assert self.source.halfway.wait(20)

    def _send(self, store: Store, upload: str, idx: int, length: int, once: bool) -> None:
        try:
            self.outcome = store.put_chunk(upload, idx, length, self.source, once=once)
        except Exception as error:
            self.outcome = error

    def end(self) -> StoredChunk | Exception | None:
        self.source.rest.set()
        self._thread.join(20)
        return self.outcome


class StoreContract:
    @pytest.fixture
    def upload(self, store: Store) -> str:
        """Ten bytes in chunks of four."""
        upload = str(uuid4())
        store.begin(upload, 10, 4)
        return upload

    @pytest.fixture
    def loose(self, store: Store) -> str:
        """Nothing declared."""
        upload = str(uuid4())
        store.begin(upload, None, None)
        return upload

    # begin

    def test_nothing_is_received_at_first(self, store, upload, loose):
        received = store.received(upload)
        assert (received.size, received.chunk_size, received.chunks, received.sealed) == (10, 4, {}, False)
        assert (received.ranges(), received.bytes_received, received.missing()) == ([], 0, [[0, 2]])
        assert store.received(loose).missing() == [[0, 0]]

    def test_beginning_again_harms_nothing(self, store, upload):
        put(store, upload, 0, b"abcd")
        store.begin(upload, 10, 4)
        assert store.received(upload).ranges() == [[0, 0]]

    @pytest.mark.parametrize("numbers", [(11, 4), (10, 5), (None, None), (10, None)])
    def test_beginning_again_with_other_numbers_is_a_conflict(self, store, upload, numbers):
        with pytest.raises(Conflict):
            store.begin(upload, *numbers)
        assert store.received(upload).size == 10

    def test_more_than_the_disk_holds_is_refused_at_once_and_leaves_nothing(self, store):
        for size in (2**62, 2**80):
            with pytest.raises(NoSpace):
                store.begin(str(uuid4()), size, 8 << 20)
        assert list(store.list_uploads()) == []

    # put_chunk

    def test_chunks_come_in_any_order(self, store, upload):
        assert put(store, upload, 2, b"ij") == StoredChunk(2, sha(b"ij"))
        assert store.received(upload).missing() == [[0, 1]]
        put(store, upload, 0, b"abcd")
        assert store.received(upload).ranges() == [[0, 0], [2, 2]]
        put(store, upload, 1, b"efgh")
        assert store.received(upload).chunks[1] == StoredChunk(4, sha(b"efgh"))
        assert store.received(upload).bytes_received == 10
        assert finish(store, upload) == b"abcdefghij"

    def test_undeclared_chunks_have_any_size_and_order(self, store, loose):
        for idx, content in [(3, b""), (1, b"is "), (0, b"this "), (2, b"it" * 200_000)]:
            put(store, loose, idx, content)
        assert store.received(loose).ranges() == [[0, 3]]
        assert finish(store, loose) == b"this is " + b"it" * 200_000

    def test_undeclared_chunks_in_order(self, store, loose):
        for idx in range(20):
            put(store, loose, idx, b"%05d" % idx)
        assert finish(store, loose) == b"".join(b"%05d" % idx for idx in range(20))

    def test_only_the_size_is_declared(self, store):
        upload = str(uuid4())
        store.begin(upload, 9, None)
        put(store, upload, 1, b"defghi")
        put(store, upload, 0, b"abc")
        assert finish(store, upload) == b"abcdefghi"

    @pytest.mark.parametrize("numbers", [(0, 4), (None, None)])
    def test_an_empty_file_is_one_empty_chunk(self, store, numbers):
        upload = str(uuid4())
        store.begin(upload, *numbers)
        with pytest.raises(Incomplete):
            store.assemble(upload, heard, go_on)
        put(store, upload, 0, b"")
        assert finish(store, upload) == b""

    def test_a_far_index_is_only_a_number(self, store, loose):
        put(store, loose, 2**63 - 1, b"far")
        assert store.received(loose).missing() == [[0, 2**63 - 2]]

    @pytest.mark.parametrize(("idx", "content"), [(0, b"abc"), (0, b"abcde"), (2, b"ijkl"), (3, b""), (10**30, b"a")])
    def test_a_chunk_that_does_not_fit_is_refused_unread(self, store, upload, idx, content):
        source = io.BytesIO(content)
        with pytest.raises(Misfit):
            store.put_chunk(upload, idx, len(content), source)
        assert source.tell() == 0
        assert store.received(upload).ranges() == []

    @pytest.mark.parametrize(("idx", "length"), [(-1, 4), (0, -1), (2**63, 0)])
    def test_numbers_that_are_none_are_refused(self, store, loose, idx, length):
        with pytest.raises(ValueError, match="chunk"):
            store.put_chunk(loose, idx, length, io.BytesIO(b"abcd"))

    def test_the_last_complete_one_counts(self, store, upload, loose):
        for here in (upload, loose):
            for content in (b"AAAA", b"BBBB", b"CCCC", b"abcd"):
                put(store, here, 0, content)
                assert store.received(here).chunks == {0: StoredChunk(4, sha(content))}
            put(store, here, 1, b"efgh")
            put(store, here, 2, b"ij")
            put(store, here, 1, b"EFGH")
            assert finish(store, here) == b"abcdEFGHij"

    def test_a_repeat_may_have_another_length_if_nothing_is_declared(self, store, loose):
        for content in (b"long and longer", b"short", b"middling", b""):
            put(store, loose, 0, content)
            put(store, loose, 1, content * 2)
        put(store, loose, 1, b"end")
        assert finish(store, loose) == b"end"

    def test_no_more_than_the_length_is_read(self, store, upload):
        source = io.BytesIO(b"abcdefgh")
        store.put_chunk(upload, 0, 4, source)
        store.put_chunk(upload, 1, 4, source)
        put(store, upload, 2, b"ij")
        assert finish(store, upload) == b"abcdefghij"

    def test_a_source_may_give_little_at_a_time(self, store, loose):
        class Dribble(io.BytesIO):
            def read(self, size=-1):
                return super().read(min(size, 7))

            def readinto(self, buffer):
                return super().readinto(memoryview(buffer)[:7])

        class OnlyRead:
            def __init__(self, content):
                self.read = Dribble(content).read

        content = bytes(range(256)) * 20
        store.put_chunk(loose, 0, len(content), Dribble(content))
        store.put_chunk(loose, 1, len(content), OnlyRead(content))
        assert finish(store, loose) == content * 2

    @pytest.mark.parametrize("sent", [b"", b"XX", b"XXX"])
    def test_a_short_body_is_not_kept(self, store, upload, sent):
        put(store, upload, 0, b"abcd")
        for idx in (0, 1):
            with pytest.raises(ShortBody):
                store.put_chunk(upload, idx, 4, io.BytesIO(sent))
        assert store.received(upload).chunks == {0: StoredChunk(4, sha(b"abcd"))}
        put(store, upload, 1, b"efgh")
        put(store, upload, 2, b"ij")
        assert finish(store, upload) == b"abcdefghij"

    @pytest.mark.parametrize(
        ("raised", "seen"),
        [
            (ConnectionResetError(), ShortBody),
            (TimeoutError(), ShortBody),
            (EOFError(), EOFError),
            (ValueError(), ValueError),
        ],
    )
    def test_a_source_that_breaks_changes_nothing(self, store, upload, loose, raised, seen):
        class Broken(io.BytesIO):
            def readinto(self, buffer):
                if self.tell():
                    raise raised
                return super().readinto(memoryview(buffer)[:2])

        for here in (upload, loose):
            put(store, here, 0, b"abcd")
            with pytest.raises(seen):
                store.put_chunk(here, 0, 4, Broken(b"XXXX"))
            put(store, here, 1, b"efgh")
            put(store, here, 2, b"ij")
            assert finish(store, here) == b"abcdefghij"

    def test_a_wrong_digest_is_not_kept(self, store, upload):
        store.put_chunk(upload, 0, 4, io.BytesIO(b"abcd"), sha(b"abcd"))
        with pytest.raises(DigestMismatch):
            store.put_chunk(upload, 0, 4, io.BytesIO(b"abcX"), sha(b"abcd"))
        with pytest.raises(DigestMismatch):
            store.put_chunk(upload, 1, 4, io.BytesIO(b"efgh"), sha(b"abcd"))
        assert store.received(upload).chunks == {0: StoredChunk(4, sha(b"abcd"))}

    def test_of_two_at_once_one_is_kept_whole(self, store, upload, loose):
        for here in (upload, loose):
            first = Sending(store, here, 0, b"AAAA")
            put(store, here, 0, b"BBBB")
            assert store.received(here).chunks == {0: StoredChunk(4, sha(b"BBBB"))}
            assert first.end() == StoredChunk(4, sha(b"AAAA"))
            put(store, here, 1, b"efgh")
            put(store, here, 2, b"ij")
            assert finish(store, here) == b"AAAAefghij"

    def test_what_comes_once_is_not_replaced(self, store, upload, loose):
        for here in (upload, loose):
            late = [Sending(store, here, 0, content, once=True) for content in (b"AAAA", b"BBBB")]
            assert store.put_chunk(here, 0, 4, io.BytesIO(b"CCCC"), once=True) == StoredChunk(4, sha(b"CCCC"))
            assert all(isinstance(each.end(), Conflict) for each in late)
            unread = io.BytesIO(b"DDDD")
            with pytest.raises(Conflict):
                store.put_chunk(here, 0, 4, unread, once=True)
            assert unread.tell() == 0
            put(store, here, 1, b"efgh")
            put(store, here, 2, b"ij")
            assert finish(store, here) == b"CCCCefghij"

    def test_what_comes_once_may_come_again_after_it_was_cut_short(self, store, loose):
        with pytest.raises(ShortBody):
            store.put_chunk(loose, 0, 4, io.BytesIO(b"AB"), once=True)
        store.put_chunk(loose, 0, 4, io.BytesIO(b"CCCC"), once=True)
        assert finish(store, loose) == b"CCCC"

    def test_chunks_arrive_side_by_side(self, store, upload, loose):
        for here in (upload, loose):
            sending = [Sending(store, here, idx, content) for idx, content in enumerate([b"abcd", b"efgh", b"ij"])]
            assert store.received(here).ranges() == []
            for one in reversed(sending):
                assert isinstance(one.end(), StoredChunk)
            assert finish(store, here) == b"abcdefghij"

    # assemble, reopen

    def test_what_is_missing_is_named_and_the_upload_stays_open(self, store, upload, loose):
        put(store, upload, 1, b"efgh")
        with pytest.raises(Incomplete) as caught:
            store.assemble(upload, heard, go_on)
        assert caught.value.missing == [[0, 0], [2, 2]]
        put(store, upload, 0, b"abcd")
        with pytest.raises(Incomplete) as caught:
            store.assemble(loose, heard, go_on)
        assert caught.value.missing == [[0, 0]]

    def test_a_sealed_upload_takes_no_chunks(self, store, upload, loose):
        for here in (upload, loose):
            for idx, content in [(1, b"efgh"), (0, b"abcd"), (2, b"ij")]:
                put(store, here, idx, content)
            assert store.assemble(here, heard, go_on) == 10
            assert store.received(here).sealed
            with pytest.raises(Sealed):
                put(store, here, 0, b"XXXX")
            assert store.assemble(here, heard, go_on) == 10
            assert finish(store, here) == b"abcdefghij"

    def test_a_chunk_on_its_way_ends_at_the_seal(self, store, upload, loose):
        for here in (upload, loose):
            late = Sending(store, here, 1, b"XXXX")
            for idx, content in [(1, b"efgh"), (0, b"abcd"), (2, b"ij")]:
                put(store, here, idx, content)
            store.assemble(here, heard, go_on)
            assert isinstance(late.end(), Sealed)
            assert finish(store, here) == b"abcdefghij"

    def test_a_reopened_upload_takes_chunks_again(self, store, upload, loose):
        for here in (upload, loose):
            for idx, content in [(1, b"efgh"), (0, b"XXXX"), (2, b"ij")]:
                put(store, here, idx, content)
            store.assemble(here, heard, go_on)
            store.hash_staged(here, heard, go_on)
            store.reopen(here)
            store.reopen(here)
            assert store.received(here).ranges() == [[0, 2]]
            assert not store.received(here).sealed
            put(store, here, 0, b"abcd")
            assert finish(store, here) == b"abcdefghij"

    def test_a_writer_of_before_the_seal_never_writes_again(self, store, upload, loose):
        for here in (upload, loose):
            late = Sending(store, here, 1, b"XXXX")
            for idx, content in [(1, b"efgh"), (0, b"abcd"), (2, b"ij")]:
                put(store, here, idx, content)
            store.assemble(here, heard, go_on)
            store.reopen(here)
            assert isinstance(late.end(), Sealed)
            assert finish(store, here) == b"abcdefghij"

    def test_putting_in_order_can_be_stopped_and_started_over(self, store, loose):
        put(store, loose, 1, b"efgh")
        put(store, loose, 0, b"abcd")
        with pytest.raises(Stopped):
            store.assemble(loose, heard, lambda: True)
        copied: list[int] = []
        assert store.assemble(loose, copied.append, go_on) == 8
        assert copied[-1] == 8
        assert finish(store, loose) == b"abcdefgh"

    # hash_staged, publish

    def test_the_hash_tells_its_progress_and_is_remembered(self, store, loose):
        content = b"0123456789" * 300_000
        put(store, loose, 0, content)
        store.assemble(loose, heard, go_on)
        hashed: list[int] = []
        with pytest.raises(Stopped):
            store.hash_staged(loose, hashed.append, lambda: bool(hashed))
        assert 0 < hashed[-1] < len(content)
        assert store.hash_staged(loose, hashed.append, go_on) == (len(content), sha(content).hex())
        assert hashed[-1] == len(content)
        hashed.clear()
        assert store.hash_staged(loose, hashed.append, go_on) == (len(content), sha(content).hex())
        assert hashed == []

    def test_only_what_is_assembled_is_hashed_and_only_what_is_hashed_is_published(self, store, upload):
        for idx, content in [(1, b"efgh"), (0, b"abcd"), (2, b"ij")]:
            put(store, upload, idx, content)
        key, sha256 = version_key(uuid4()), sha(b"abcdefghij").hex()
        with pytest.raises(Conflict):
            store.hash_staged(upload, heard, go_on)
        with pytest.raises(Conflict):
            store.publish(upload, key, sha256)
        store.assemble(upload, heard, go_on)
        with pytest.raises(Conflict):
            store.publish(upload, key, sha256)
        store.hash_staged(upload, heard, go_on)
        with pytest.raises(Conflict):
            store.publish(upload, key, sha(b"other").hex())
        store.reopen(upload)
        with pytest.raises(Conflict):
            store.publish(upload, key, sha256)
        put(store, upload, 0, b"ABCD")
        store.assemble(upload, heard, go_on)
        with pytest.raises(Conflict):
            store.publish(upload, key, sha256)
        assert list(store.list_keys()) == []
        assert finish(store, upload) == b"ABCDefghij"

    def test_publishing_may_be_repeated_and_clears_the_staging_area(self, store, upload):
        for idx, content in [(1, b"efgh"), (0, b"abcd"), (2, b"ij")]:
            put(store, upload, idx, content)
        store.assemble(upload, heard, go_on)
        size, sha256 = store.hash_staged(upload, heard, go_on)
        key = version_key(uuid4())
        for _ in range(3):
            store.publish(upload, key, sha256)
            assert list(store.list_uploads()) == []
            assert store.size(key) == size
            assert store.hash(key, heard, go_on) == (size, sha256)
        assert [found.key for found in store.list_keys()] == [key]
        store.discard(upload)
        assert store.hash(key, heard, go_on) == (size, sha256)

    def test_a_published_file_is_never_replaced(self, store, upload, loose):
        put(store, loose, 0, b"first")
        store.assemble(loose, heard, go_on)
        key = version_key(uuid4())
        store.publish(loose, key, store.hash_staged(loose, heard, go_on)[1])
        for idx, content in [(1, b"efgh"), (0, b"abcd"), (2, b"ij")]:
            put(store, upload, idx, content)
        store.assemble(upload, heard, go_on)
        sha256 = store.hash_staged(upload, heard, go_on)[1]
        with pytest.raises(Conflict):
            store.publish(upload, key, sha256)
        assert file_bytes(store, key) == b"first"
        assert finish(store, upload) == b"abcdefghij"

    # discard, Missing

    def test_nothing_stays_of_a_discarded_upload(self, store, upload, loose):
        for here in (upload, loose):
            late = Sending(store, here, 0, b"abcd")
            put(store, here, 1, b"efgh")
            store.discard(here)
            store.discard(here)
            assert isinstance(late.end(), Missing)
        assert list(store.list_uploads()) == []

    def test_a_sealed_upload_can_be_discarded(self, store, loose):
        put(store, loose, 1, b"b")
        put(store, loose, 0, b"a")
        store.assemble(loose, heard, go_on)
        store.discard(loose)
        assert list(store.list_uploads()) == []

    def test_what_is_not_there_is_missing(self, store, upload):
        store.discard(upload)
        key = version_key(uuid4())
        for here in (upload, str(uuid4())):
            for call in (
                lambda here=here: put(store, here, 0, b"abcd"),
                lambda here=here: store.received(here),
                lambda here=here: store.assemble(here, heard, go_on),
                lambda here=here: store.hash_staged(here, heard, go_on),
                lambda here=here: store.reopen(here),
                lambda here=here: store.publish(here, key, sha(b"").hex()),
            ):
                with pytest.raises(Missing):
                    call()
        for call in (store.open, store.size, lambda key: store.hash(key, heard, go_on)):
            with pytest.raises(Missing):
                call(key)

    def test_an_id_may_begin_again_after_it_was_discarded(self, store, upload):
        put(store, upload, 0, b"abcd")
        store.discard(upload)
        store.begin(upload, 2, 2)
        assert store.received(upload).ranges() == []
        put(store, upload, 0, b"ab")
        assert finish(store, upload) == b"ab"

    # the rest

    def test_deleting(self, store, loose):
        put(store, loose, 0, b"bytes")
        finish(store, loose)
        (found,) = store.list_keys()
        assert found.size == 5
        store.delete(found.key)
        store.delete(found.key)
        assert list(store.list_keys()) == []

    def test_listings_tell_when_bytes_last_came(self, store, upload):
        before = next(iter(store.list_uploads()))
        assert before.upload_id == upload
        put(store, upload, 0, b"abcd")
        after = next(iter(store.list_uploads()))
        assert after.changed_at >= before.changed_at > 1_700_000_000

    def test_ready_and_with_room(self, store):
        store.ready()
        store.ready()
        assert store.free_space() is None or store.free_space() > 0
        assert (list(store.list_uploads()), list(store.list_keys())) == ([], [])
