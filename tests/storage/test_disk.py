"""The contract on a folder, and what is peculiar to one."""

import io
import os
import shutil
from pathlib import Path
from uuid import uuid4

import pytest

from portal.storage import open_store
from portal.storage.base import Damaged, Missing, Unavailable
from portal.storage.disk import DiskStore
from portal.storage.keys import version_key
from tests.storage.store_contract import Sending, StoreContract, finish, go_on, heard, put


@pytest.fixture
def store(root: Path) -> DiskStore:
    return DiskStore(root)


class TestDisk(StoreContract):
    pass


class TestTheFolder:
    def test_it_is_named_by_its_url(self, tmp_path):
        class Settings:
            storage_url = (tmp_path / "with space").as_uri()

        open_store(Settings()).ready()
        assert (tmp_path / "with space" / "staging").is_dir()

    def test_only_the_owner_may_look(self, store, root):
        upload = str(uuid4())
        store.begin(upload, None, None)
        put(store, upload, 1, b"b")
        put(store, upload, 0, b"a")
        store.assemble(upload, heard, go_on)
        finish(store, upload)
        store.begin(str(uuid4()), 5, 5)
        modes = {path.stat().st_mode & 0o777 for path in root.rglob("*") if path.is_file()}
        assert modes <= {0o600, 0o400}
        assert {path.stat().st_mode & 0o777 for path in root.rglob("*") if path.is_dir()} == {0o700}

    def test_nothing_but_the_published_file_stays(self, store, root):
        upload = str(uuid4())
        store.begin(upload, 10, 4)
        for idx, content in [(1, b"efgh"), (0, b"abcd"), (2, b"ij"), (0, b"ABCD")]:
            put(store, upload, idx, content)
        finish(store, upload)
        (found,) = store.list_keys()
        assert [path for path in root.rglob("*") if path.is_file()] == [root / found.key]

    def test_declared_bytes_are_reserved_at_once(self, store, root):
        upload = str(uuid4())
        store.begin(upload, 5_000_000, 1_000_000)
        assert (root / "staging" / upload / "data").stat().st_blocks * 512 >= 5_000_000

    def test_a_declared_upload_is_never_copied(self, store, root):
        upload, content = str(uuid4()), bytes(range(256)) * 4096
        store.begin(upload, len(content), 100_000)
        for first in reversed(range(0, len(content), 100_000)):
            put(store, upload, first // 100_000, content[first : first + 100_000])
        before = (root / "staging" / upload / "data").stat().st_ino
        copied: list[int] = []
        store.assemble(upload, copied.append, go_on)
        assert finish(store, upload) == content
        (found,) = store.list_keys()
        with store.open(found.key) as published:
            assert (os.fstat(published.fileno()).st_ino, copied) == (before, [])

    def test_only_what_came_beside_its_home_is_copied(self, store):
        upload, content = str(uuid4()), bytes(range(256)) * 4096
        store.begin(upload, len(content), 100_000)
        late = Sending(store, upload, 3, bytes(100_000))
        for first in range(0, len(content), 100_000):
            put(store, upload, first // 100_000, content[first : first + 100_000])
        copied: list[int] = []
        store.assemble(upload, copied.append, go_on)
        assert copied[-1] == 100_000
        late.end()
        assert finish(store, upload) == content

    def test_sending_again_and_again_takes_no_more_room(self, store, root):
        upload = str(uuid4())
        store.begin(upload, None, None)
        for _ in range(20):
            put(store, upload, 0, bytes(100_000))
            put(store, upload, 1, bytes(50_000))
            for broken in (0, 1, 2):
                with pytest.raises(Exception, match="bytes did not come"):
                    store.put_chunk(upload, broken, 100_000, io.BytesIO(bytes(70_000)))
        assert (root / "staging" / upload / "data").stat().st_size <= 300_000

    def test_a_broken_chunk_gives_its_room_back(self, store, root):
        upload = str(uuid4())
        store.begin(upload, None, None)
        put(store, upload, 0, bytes(1000))
        with pytest.raises(Exception, match="bytes did not come"):
            store.put_chunk(upload, 1, 5_000_000, io.BytesIO(bytes(4_000_000)))
        assert (root / "staging" / upload / "data").stat().st_size == 1000

    def test_a_discard_gives_the_room_back_though_a_writer_is_stuck(self, store, root):
        upload = str(uuid4())
        store.begin(upload, 8, 4)
        late = Sending(store, upload, 0, b"abcd")
        with (root / "staging" / upload / "data").open("rb") as data:
            store.discard(upload)
            assert data.seek(0, io.SEEK_END) == 0
            assert isinstance(late.end(), Missing)
            assert data.seek(0, io.SEEK_END) == 0

    def test_two_processes_take_turns(self, store, another_process):
        upload, other = str(uuid4()), another_process()
        store.begin(upload, None, None)
        for idx in range(100):
            put((store, other)[idx % 2], upload, idx, b"%05d" % idx)
        assert store.received(upload) == other.received(upload) == another_process().received(upload)
        assert finish(other, upload) == b"".join(b"%05d" % idx for idx in range(100))


class TestWhenTheDiskIsAway:
    def test_a_store_is_made_while_it_is_away_and_works_when_it_comes(self, tmp_path):
        (tmp_path / "disk").write_text("in the way")
        store = DiskStore(tmp_path / "disk" / "files")
        upload = str(uuid4())
        for call in (store.ready, lambda: store.begin(upload, 1, 1), lambda: list(store.list_keys()), store.free_space):
            with pytest.raises(Unavailable):
                call()
        (tmp_path / "disk").unlink()
        store.ready()
        store.begin(upload, 1, 1)
        put(store, upload, 0, b"a")
        assert finish(store, upload) == b"a"

    @pytest.mark.parametrize("leaves", ["nothing", "an empty folder", "a file"])
    def test_what_is_away_is_not_taken_for_missing(self, store, root, leaves):
        upload, key = str(uuid4()), version_key(uuid4())
        store.begin(upload, 2, 1)
        put(store, upload, 0, b"a")
        root.rename(root.with_name("elsewhere"))
        if leaves == "an empty folder":
            root.mkdir()
        elif leaves == "a file":
            root.write_text("in the way")
        calls = [
            store.ready,
            lambda: store.begin(str(uuid4()), 1, 1),
            lambda: put(store, upload, 1, b"b"),
            lambda: store.received(upload),
            lambda: store.assemble(upload, heard, go_on),
            lambda: store.discard(upload),
            lambda: store.open(key),
            lambda: store.delete(key),
            lambda: store.publish(upload, key, ""),
            lambda: list(store.list_uploads()),
            lambda: list(store.list_keys()),
        ]
        for call in calls:
            with pytest.raises(Unavailable):
                call()
        shutil.rmtree(root) if root.is_dir() else root.unlink(missing_ok=True)
        root.with_name("elsewhere").rename(root)
        store.ready()
        put(store, upload, 1, b"b")
        assert finish(store, upload) == b"ab"


class TestDamage:
    def test_lost_bytes_are_noticed_before_anything_is_published(self, store, root):
        for numbers in ((8, 4), (None, None)):
            upload = str(uuid4())
            store.begin(upload, *numbers)
            put(store, upload, 1, b"efgh")
            put(store, upload, 0, b"abcd")
            with (root / "staging" / upload / "data").open("r+b") as data:
                data.truncate(7)
            with pytest.raises(Damaged):
                store.assemble(upload, heard, go_on)

    def test_a_folder_where_a_file_should_be(self, store, root):
        store.ready()
        key = version_key(uuid4())
        (root / key).mkdir(parents=True)
        for call in (store.open, store.size, lambda key: store.hash(key, heard, go_on)):
            with pytest.raises(Damaged):
                call(key)
