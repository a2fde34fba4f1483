"""What was acknowledged survives a power cut, on an ext4 of its own that is shut down without flushing its log."""

import shutil
from uuid import uuid4

import pytest

from portal.storage.base import Missing
from portal.storage.disk import DiskStore
from portal.storage.keys import version_key
from tests.storage.mounts import cut_the_power, run
from tests.storage.store_contract import finish, go_on, heard, put, sha
from tests.stored import file_bytes


class Machine:
    """A computer with one disk and a power switch."""

    def __init__(self, tmp_path):
        self.disk, self._image = tmp_path / "disk", tmp_path / "image"
        self.disk.mkdir()
        with self._image.open("wb") as image:
            image.truncate(32 << 20)
        if not (shutil.which("mkfs.ext4") and run("mkfs.ext4", "-q", self._image) and self._start()):
            pytest.skip("a file system in a file takes root, mkfs.ext4 and a container that lets it be mounted")

    def _start(self):
        return run("mount", "-o", "loop", self._image, self.disk)

    def boot(self):
        """After a power cut."""
        cut_the_power(self.disk)
        self.stop()
        assert self._start()
        return self.store()

    def stop(self):
        run("umount", self.disk)

    def store(self):
        return DiskStore(self.disk / "files")


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    yield machine
    machine.stop()


def test_what_was_not_synced_is_lost_or_this_file_proves_nothing(machine):
    machine.store().ready()
    (machine.disk / "unsynced").write_bytes(b"abcd")
    machine.boot()
    assert not (machine.disk / "unsynced").exists() or not (machine.disk / "unsynced").read_bytes()


@pytest.mark.parametrize("numbers", [(10, 4), (None, None)])
def test_every_step_of_an_upload_survives(machine, numbers):
    store, upload, key = machine.store(), str(uuid4()), version_key(uuid4())
    store.begin(upload, *numbers)
    store = machine.boot()
    assert store.received(upload).ranges() == []
    for idx, content in [(2, b"ij"), (0, b"abcd"), (1, b"XXXX"), (1, b"efgh")]:
        put(store, upload, idx, content)
        store = machine.boot()
        assert store.received(upload).chunks[idx].sha256 == sha(content)
    assert store.assemble(upload, heard, go_on) == 10
    machine.boot()
    assert store.assemble(upload, heard, go_on) == 10
    _size, sha256 = store.hash_staged(upload, heard, go_on)
    assert sha256 == sha(b"abcdefghij").hex()
    store = machine.boot()
    store.publish(upload, key, sha256)
    store = machine.boot()
    assert file_bytes(store, key) == b"abcdefghij"
    assert [found.key for found in store.list_keys()] == [key]
    store.publish(upload, key, sha256)
    assert list(store.list_uploads()) == []


@pytest.mark.parametrize("numbers", [(10, 4), (None, None)])
def test_a_reopened_upload_never_gives_its_old_bytes(machine, numbers):
    store, upload = machine.store(), str(uuid4())
    store.begin(upload, *numbers)
    for idx, content in [(2, b"ij"), (0, b"XXXX"), (1, b"efgh")]:
        put(store, upload, idx, content)
    store.assemble(upload, heard, go_on)
    store.hash_staged(upload, heard, go_on)
    store.reopen(upload)
    put(store, upload, 0, b"abcd")
    assert finish(machine.boot(), upload) == b"abcdefghij"


def test_what_was_discarded_or_deleted_does_not_come_back(machine):
    store, upload = machine.store(), str(uuid4())
    store.begin(upload, 2, 1)
    put(store, upload, 0, b"a")
    put(store, upload, 1, b"b")
    finish(store, upload)
    (found,) = store.list_keys()
    store.delete(found.key)
    store.begin(upload, 2, 1)
    store.discard(upload)
    store = machine.boot()
    with pytest.raises(Missing):
        store.received(upload)
    assert list(store.list_keys()) == []
