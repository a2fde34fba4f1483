"""Many threads and many processes on one upload."""

import os
import random
import threading
from uuid import uuid4

import pytest

from portal.storage.base import Conflict, Missing, Sealed, StorageError
from portal.storage.disk import DiskStore
from portal.storage.keys import version_key
from tests.storage.processes import forked
from tests.storage.store_contract import finish, go_on, heard, put, sha
from tests.stored import file_bytes

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")

SIZE, CHUNK = 1_000_000, 50_000
COUNT = SIZE // CHUNK


@pytest.fixture
def store(root):
    return DiskStore(root)


def content_of(writer: int, idx: int) -> bytes:
    return random.Random(writer * 1000 + idx).randbytes(CHUNK)


def send_all(store: DiskStore, upload: str, writer: int) -> None:
    for idx in random.Random(writer).sample(range(COUNT), COUNT):
        put(store, upload, idx, content_of(writer, idx))


def side_by_side(*work) -> None:
    """In threads; raises what one of them raised."""
    raised: list[BaseException] = []

    def do(one):
        try:
            one()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=do, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if raised:
        raise raised[0]


def assert_each_chunk_is_one_writers(store, upload, writers):
    """The chunk that is kept is one of those sent, whole, and it is the one that `received` tells of."""
    told = {idx: chunk.sha256 for idx, chunk in store.received(upload).chunks.items()}
    content = finish(store, upload)
    assert len(content) == SIZE
    for idx in range(COUNT):
        found = sha(content[idx * CHUNK : (idx + 1) * CHUNK])
        assert found == told[idx]
        assert found in {sha(content_of(writer, idx)) for writer in writers}


@pytest.mark.parametrize("numbers", [(SIZE, CHUNK), (None, None)])
def test_threads_send_every_chunk_at_once(store, numbers):
    upload = str(uuid4())
    store.begin(upload, *numbers)
    side_by_side(*[lambda writer=writer: send_all(store, upload, writer) for writer in range(4)])
    assert_each_chunk_is_one_writers(store, upload, range(4))


@pytest.mark.parametrize("numbers", [(SIZE, CHUNK), (None, None)])
def test_processes_send_every_chunk_at_once(store, root, numbers):
    upload = str(uuid4())
    store.begin(upload, *numbers)
    children = [forked(lambda writer=writer: send_all(DiskStore(root), upload, writer)) for writer in range(4)]
    send_all(store, upload, 4)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0, 0]
    assert_each_chunk_is_one_writers(store, upload, range(5))


def test_a_repeat_does_not_shake_the_acknowledged_chunks_around_it(store, another_process):
    """Fixed-size neighbours, one of them sent over and over while the others are read back."""
    upload = str(uuid4())
    store.begin(upload, SIZE, CHUNK)
    send_all(store, upload, 0)
    side_by_side(
        *[
            lambda here=here, writer=writer: [put(here, upload, 7, content_of(writer, 7)) for _ in range(10)]
            for writer, here in enumerate([store, another_process(), another_process()])
        ]
    )
    content = finish(store, upload)
    for idx in set(range(COUNT)) - {7}:
        assert content[idx * CHUNK : (idx + 1) * CHUNK] == content_of(0, idx)
    assert content[7 * CHUNK : 8 * CHUNK] in [content_of(writer, 7) for writer in range(3)]


@pytest.mark.parametrize("numbers", [(SIZE, CHUNK), (None, None)])
def test_two_finish_while_others_still_send(store, another_process, numbers):
    """Chunks sent again during the commit count or are refused; what is published is what was hashed."""
    upload, key = str(uuid4()), version_key(uuid4())
    store.begin(upload, *numbers)
    send_all(store, upload, 0)

    def send_again(here, writer):
        try:
            send_all(here, upload, writer)
        except (Sealed, Missing):
            return

    def commit(here):
        here.assemble(upload, heard, go_on)
        size, sha256 = here.hash_staged(upload, heard, go_on)
        here.publish(upload, key, sha256)
        assert here.hash(key, heard, go_on) == (size, sha256)

    def commit_second(here):
        try:
            commit(here)
        except Missing:  # the first had cleared the staging area before we began
            assert here.size(key) == SIZE

    side_by_side(
        lambda: send_again(store, 1),
        lambda: send_again(another_process(), 2),
        lambda: commit_second(store),
        lambda: commit_second(another_process()),
    )
    content = file_bytes(store, key)
    for idx in range(COUNT):
        found = content[idx * CHUNK : (idx + 1) * CHUNK]
        assert found in [content_of(writer, idx) for writer in range(3)]
    assert list(store.list_uploads()) == []


def test_an_upload_is_discarded_under_everybodys_hands(store, another_process):
    for round_ in range(5):
        upload = str(uuid4())
        store.begin(upload, *((SIZE, CHUNK), (None, None))[round_ % 2])

        def send(here, writer, upload=upload):
            try:
                send_all(here, upload, writer)
                here.assemble(upload, heard, go_on)
                here.hash_staged(upload, heard, go_on)
            except (Missing, Sealed, Conflict):
                return

        discard = threading.Timer(0.02 * round_, store.discard, [upload])
        discard.start()
        side_by_side(lambda: send(store, 0), lambda: send(another_process(), 1), lambda: send(store, 2))
        discard.join(20)
        assert list(store.list_uploads()) == []
        with pytest.raises(Missing):
            store.received(upload)


def test_all_discard_the_same_upload(store, root):
    for _ in range(10):
        upload = str(uuid4())
        store.begin(upload, SIZE, CHUNK)
        side_by_side(*[lambda upload=upload: DiskStore(root).discard(upload) for _ in range(6)])
        assert list(store.list_uploads()) == []


def test_all_begin_the_same_upload(store, root):
    upload = str(uuid4())
    side_by_side(*[lambda: DiskStore(root).begin(upload, SIZE, CHUNK) for _ in range(8)])
    assert store.received(upload).missing() == [[0, COUNT - 1]]
    side_by_side(*[lambda: store.begin(upload, SIZE, CHUNK) for _ in range(4)])


def test_an_upload_that_somebody_finishes_is_not_reopened(store):
    upload = str(uuid4())
    store.begin(upload, None, None)
    put(store, upload, 0, b"abcd")
    store.assemble(upload, heard, go_on)
    refused: list[StorageError] = []

    def meanwhile(_size):
        try:
            store.reopen(upload)
        except StorageError as error:
            refused.append(error)

    store.hash_staged(upload, meanwhile, go_on)
    assert [type(error) for error in refused] == [Conflict]
    store.reopen(upload)
