"""kill -9 before each thing that a verb does to the disk: what was acknowledged stays, calling again ends it well."""

import io
import os
import random
import signal
import time
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from portal.storage.base import Missing, StoredChunk
from portal.storage.disk import DiskStore
from portal.storage.keys import version_key
from tests.storage.processes import forked, killed_at
from tests.storage.store_contract import Sending, go_on, heard, put, sha
from tests.stored import file_bytes

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")

CHUNKS = [b"abcd", b"efgh", b"ij"]
WHOLE = b"".join(CHUNKS)


def in_place(store, upload):
    store.begin(upload, 10, 4)
    for idx in (2, 0, 1):
        put(store, upload, idx, CHUNKS[idx])


def beside_its_home(store, upload):
    store.begin(upload, 10, 4)
    late = Sending(store, upload, 1, b"XXXX")
    for idx in (2, 0, 1):
        put(store, upload, idx, CHUNKS[idx])
    store.assemble(upload, heard, go_on)
    store.reopen(upload)
    late.end()
    put(store, upload, 0, b"ABCD")
    put(store, upload, 0, CHUNKS[0])
    put(store, upload, 1, b"EFGH")
    put(store, upload, 1, CHUNKS[1])
    put(store, upload, 1, CHUNKS[1])


def out_of_order(store, upload):
    store.begin(upload, None, None)
    for idx in (2, 0, 1):
        put(store, upload, idx, CHUNKS[idx])


def once_more(most: int) -> Iterator[int]:
    """1, 2, 3 … until the test has seen its work survive."""
    yield from range(1, most)
    raise AssertionError("the work never ends")


@pytest.mark.parametrize("sent", [in_place, beside_its_home, out_of_order])
def test_finishing(root, sent):
    """Whoever takes over knows nothing but the ids."""
    for change in once_more(200):
        store, upload = DiskStore(root), str(uuid4())
        key = version_key(UUID(upload))
        sent(store, upload)

        def finish(store=store, upload=upload, key=key):
            try:
                store.assemble(upload, heard, go_on)
                _size, sha256 = store.hash_staged(upload, heard, go_on)
            except Missing:
                _size, sha256 = store.hash(key, heard, go_on)
            store.publish(upload, key, sha256)

        killed = killed_at(finish, change)
        finish(DiskStore(root))
        assert file_bytes(store, key) == WHOLE
        assert list(store.list_uploads()) == []
        if not killed:
            break
    assert change > 10


@pytest.mark.parametrize("idx", [0, 1])
def test_putting_a_chunk(root, idx):
    """Chunk 0 is acknowledged already, chunk 1 is new."""
    kept = set()
    for change in once_more(50):
        store, upload = DiskStore(root), str(uuid4())
        store.begin(upload, 10, 4)
        put(store, upload, 0, CHUNKS[0])
        before = store.received(upload).chunks
        killed = killed_at(lambda store=store, upload=upload, idx=idx: put(store, upload, idx, b"XXXX"), change)
        after = store.received(upload).chunks
        assert after == DiskStore(root).received(upload).chunks
        assert after in (before, {**before, idx: StoredChunk(4, sha(b"XXXX"))})
        kept.add(after == before)
        put(store, upload, 1, CHUNKS[1])
        put(store, upload, 2, CHUNKS[2])
        store.assemble(upload, heard, go_on)
        expected = WHOLE if after[0] == before[0] else b"XXXX" + WHOLE[4:]
        assert store.hash_staged(upload, heard, go_on) == (10, sha(expected).hex())
        store.discard(upload)
        if not killed:
            break
    assert kept == {True, False}


@pytest.mark.parametrize("numbers", [(10, 4), (None, None)])
@pytest.mark.parametrize("again", [True, False])
def test_beginning(root, numbers, again):
    for change in once_more(50):
        store, upload = DiskStore(root), str(uuid4())
        killed = killed_at(lambda store=store, upload=upload: store.begin(upload, *numbers), change)
        if again:
            store.begin(upload, *numbers)
            for idx, content in enumerate(CHUNKS):
                put(store, upload, idx, content)
            assert store.assemble(upload, heard, go_on) == 10
        store.discard(upload)
        assert list(store.list_uploads()) == []
        if not killed:
            break
    assert change > 5


@pytest.mark.parametrize("sent", [in_place, out_of_order])
@pytest.mark.parametrize("sealed", [True, False])
def test_discarding(root, sent, sealed):
    for change in once_more(50):
        store, upload = DiskStore(root), str(uuid4())
        sent(store, upload)
        if sealed:
            store.assemble(upload, heard, go_on)
        killed = killed_at(lambda store=store, upload=upload: store.discard(upload), change)
        assert [found.upload_id for found in store.list_uploads()] in ([], [upload])
        store.discard(upload)
        assert list(store.list_uploads()) == []
        with pytest.raises(Missing):
            store.received(upload)
        if not killed:
            break
    assert change > 4


def test_a_writer_killed_at_any_moment(root):
    """The child notes every chunk before and after it sends it; whatever it was told is kept, is kept."""
    chance = random.Random(7)
    upload, size, chunk_size = str(uuid4()), 300_000, 10_000
    DiskStore(root).begin(upload, size, chunk_size)
    told: dict[int, bytes] = {}
    for _ in range(25):
        read, write = os.pipe()
        seed = chance.random()

        def send_for_ever(write=write, seed=seed):
            store, chance = DiskStore(root), random.Random(seed)
            while True:
                idx = chance.randrange(size // chunk_size)
                content = chance.randbytes(chunk_size)
                os.write(write, b"?%02d" % idx + sha(content))
                store.put_chunk(upload, idx, chunk_size, io.BytesIO(content))
                os.write(write, b"!%02d" % idx + sha(content))

        pid = forked(send_for_ever)
        os.close(write)
        time.sleep(chance.uniform(0.01, 0.06))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        with open(read, "rb") as notes:
            log = notes.read()
        maybe: dict[int, bytes] = {}
        for at in range(0, len(log), 35):
            mark, idx, digest = log[at : at + 1], int(log[at + 1 : at + 3]), log[at + 3 : at + 35]
            if mark == b"!":
                told[idx] = digest
            maybe = {idx: digest} if mark == b"?" else {}
        held = {idx: chunk.sha256 for idx, chunk in DiskStore(root).received(upload).chunks.items()}
        assert held in (told, told | maybe)
        told = held

    store, chunks = DiskStore(root), {}
    for idx in range(size // chunk_size):
        if idx not in told or chance.random() < 0.5:
            chunks[idx] = chance.randbytes(chunk_size)
            put(store, upload, idx, chunks[idx])
            told[idx] = sha(chunks[idx])
    store.assemble(upload, heard, go_on)
    key = version_key(uuid4())
    store.publish(upload, key, store.hash_staged(upload, heard, go_on)[1])
    content = file_bytes(store, key)
    assert {idx: sha(content[idx * chunk_size :][:chunk_size]) for idx in range(size // chunk_size)} == told
