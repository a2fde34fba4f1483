"""No space, too large, read-only, gone: on a small file system of its own, mounted for the test."""

import io
import os
import resource
from contextlib import suppress
from uuid import uuid4

import pytest

from portal.storage.base import NoSpace, StoredChunk, Unavailable
from portal.storage.disk import DiskStore
from tests.storage.mounts import run
from tests.storage.processes import forked
from tests.storage.store_contract import finish, go_on, heard, put, sha
from tests.stored import file_bytes

MIB = 1 << 20


@pytest.fixture
def small(tmp_path):
    """A disk of 8 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if not run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk):
        pytest.skip("mounting a small file system takes root, and a container that lets it")
    yield disk
    run("umount", "-l", disk)


@pytest.fixture
def store(small):
    store = DiskStore(small / "files")
    store.ready()
    return store


@pytest.fixture
def filler(small):
    """Takes all the room there is; `unlink` it and there is room again."""

    class Filler:
        path = small / "filler"

        def fill(self) -> None:
            with self.path.open("wb", buffering=0) as file:
                try:
                    while file.write(bytes(4096)):
                        pass
                except OSError:
                    return

    return Filler()


def free(small) -> int:
    disk = os.statvfs(small)
    return disk.f_bavail * disk.f_frsize


def test_what_does_not_fit_is_refused_at_the_beginning(store, small):
    before = free(small)
    for size in (9 * MIB, before + 1):
        with pytest.raises(NoSpace):
            store.begin(str(uuid4()), size, MIB)
    store.begin(str(uuid4()), 6 * MIB, MIB)
    with pytest.raises(NoSpace):
        store.begin(str(uuid4()), 3 * MIB, MIB)
    assert len(list(store.list_uploads())) == 1
    for found in store.list_uploads():
        store.discard(found.upload_id)
    assert free(small) == before


def test_a_declared_upload_goes_through_on_a_disk_that_fills_up_meanwhile(store, filler):
    upload = str(uuid4())
    store.begin(upload, 3 * MIB, MIB)
    filler.fill()
    for idx in (2, 0, 1):
        put(store, upload, idx, bytes([idx]) * MIB)
    store.assemble(upload, heard, go_on)
    filler.path.unlink()
    assert finish(store, upload) == b"".join(bytes([idx]) * MIB for idx in range(3))


def test_a_chunk_on_a_full_disk_is_refused_and_goes_through_when_there_is_room(store, small, filler):
    upload = str(uuid4())
    store.begin(upload, None, None)
    put(store, upload, 0, b"a" * MIB)
    put(store, upload, 1, b"b" * MIB)
    before = free(small)
    for idx, size in ((1, 7 * MIB), (2, 7 * MIB), (0, 7 * MIB)):
        with pytest.raises(NoSpace):
            put(store, upload, idx, bytes(size))
        assert free(small) == before
    filler.fill()
    with pytest.raises(NoSpace):
        put(store, upload, 1, b"c" * MIB)
    assert store.received(upload).chunks == {
        0: StoredChunk(MIB, sha(b"a" * MIB)),
        1: StoredChunk(MIB, sha(b"b" * MIB)),
    }
    filler.path.unlink()
    put(store, upload, 1, b"c" * MIB)
    assert finish(store, upload) == b"a" * MIB + b"c" * MIB


def test_the_journal_meets_the_full_disk(store, filler):
    """Empty chunks take room in the journal alone."""
    upload, acknowledged = str(uuid4()), 0
    store.begin(upload, None, None)
    filler.fill()
    with suppress(NoSpace):
        while acknowledged < 1000:
            put(store, upload, acknowledged, b"")
            acknowledged += 1
    assert 0 < acknowledged < 1000
    with pytest.raises(NoSpace):
        put(store, upload, acknowledged, b"")
    assert store.received(upload).ranges() == [[0, acknowledged - 1]]
    filler.path.unlink()
    for reader in (store, DiskStore(store._root)):
        put(reader, upload, acknowledged, b"end")
    assert finish(store, upload) == b"end"


def test_putting_in_order_meets_the_full_disk(store, small, filler):
    upload = str(uuid4())
    store.begin(upload, None, None)
    put(store, upload, 1, b"b" * MIB)
    put(store, upload, 0, b"a" * MIB)
    filler.path.write_bytes(bytes(5 * MIB))
    before = free(small)
    assert before < 2 * MIB
    for _ in range(2):
        with pytest.raises(NoSpace):
            store.assemble(upload, heard, go_on)
        assert free(small) == before
    filler.path.unlink()
    assert finish(store, upload) == b"a" * MIB + b"b" * MIB


def test_an_upload_can_be_discarded_on_a_full_disk(store, small, filler):
    before = free(small)
    upload = str(uuid4())
    store.begin(upload, 2 * MIB, MIB)
    filler.fill()
    store.discard(upload)
    filler.path.unlink()
    assert free(small) == before
    assert list(store.list_uploads()) == []


def test_a_full_disk_is_no_reason_to_be_unready(store, filler):
    filler.fill()
    store.ready()


def test_a_disk_that_turns_read_only(store, small):
    upload = str(uuid4())
    store.begin(upload, 2, 1)
    put(store, upload, 0, b"a")
    store.begin(other := str(uuid4()), 1, 1)
    put(store, other, 0, b"x")
    finish(store, other)
    (found,) = store.list_keys()
    assert run("mount", "-o", "remount,ro", small)
    for call in (
        store.ready,
        lambda: put(store, upload, 1, b"b"),
        lambda: store.begin(str(uuid4()), 1, 1),
        lambda: store.delete(found.key),
        lambda: store.discard(upload),
    ):
        with pytest.raises(Unavailable):
            call()
    assert file_bytes(store, found.key) == b"x"
    assert run("mount", "-o", "remount,rw", small)
    store.ready()
    put(store, upload, 1, b"b")
    assert finish(store, upload) == b"ab"


def test_a_disk_that_is_taken_away(store, small):
    upload = str(uuid4())
    store.begin(upload, 2, 1)
    assert run("umount", "-l", small)
    for call in (
        store.ready,
        lambda: store.begin(str(uuid4()), 1, 1),
        lambda: put(store, upload, 0, b"a"),
        lambda: store.received(upload),
        lambda: list(store.list_uploads()),
    ):
        with pytest.raises(Unavailable):
            call()
    assert list(small.iterdir()) == []


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_process_that_may_not_write_so_large_a_file(root):
    store, upload = DiskStore(root), str(uuid4())
    store.begin(upload, None, None)
    put(store, upload, 0, b"a" * MIB)

    def send_too_much():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, 2 * MIB))
        for idx in (0, 1):
            with pytest.raises(Unavailable):
                store.put_chunk(upload, idx, 3 * MIB, io.BytesIO(bytes(3 * MIB)))
        put(store, upload, 1, b"b" * (MIB // 2))

    assert os.waitpid(forked(send_too_much), 0)[1] == 0
    assert finish(store, upload) == b"a" * MIB + b"b" * (MIB // 2)
