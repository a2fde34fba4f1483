"""Nothing but a key of ours opens the file system, and nothing leads out of the root."""

import io
import os
from uuid import UUID, uuid1, uuid4, uuid5

import pytest

from portal.storage.base import Damaged, StorageError
from portal.storage.disk import DiskStore
from portal.storage.keys import is_key, is_staging_key, record_key, staging_key, version_key
from tests.storage.store_contract import go_on, heard, put

KNOWN = "0b8f2a52-7a2e-4b0e-9d5b-3f1f0a1b2c3d"
NOT_IDS = [
    *("", ".", "..", "/", "//", "-", "staging", "/etc/passwd", "C:\\x", "~", "*", "?", "%2e%2e%2f", "CON"),
    *(f"../{KNOWN}", f"{KNOWN}/..", f"{KNOWN}/../{KNOWN}", f"./{KNOWN}", f"/{KNOWN}", f"{KNOWN}/", f"{KNOWN}/data"),
    *(f"{KNOWN}\0", f"\0{KNOWN}", f"{KNOWN}\n", f"\n{KNOWN}", f" {KNOWN}", f"{KNOWN}.journal", f"{KNOWN}\\..\\x"),
    *(KNOWN.upper(), KNOWN.replace("-", ""), f"{{{KNOWN}}}", f"urn:uuid:{KNOWN}", KNOWN[:-1], KNOWN + "0"),
    *(KNOWN.replace("-", "\u2010"), "\u0660" * 8 + KNOWN[8:], KNOWN.replace("b", "\u0432"), "a" * 10_000),
]
NOT_KEYS = [
    *NOT_IDS,
    *(
        KNOWN,
        f"versions/{KNOWN}",
        f"versions/3d/2c/../2c/{KNOWN}",
        f"versions//3d/2c/{KNOWN}",
        f"/versions/3d/2c/{KNOWN}",
    ),
    *(f"versions/3d/2d/{KNOWN}", f"versions/3D/2C/{KNOWN}", f"versions/../3d/{KNOWN}", f"staging/3d/2c/{KNOWN}"),
    *(f"versions/3d/2c/{KNOWN}\n", f"versions/3d/2c/{KNOWN}/", f"versions\\3d\\2c\\{KNOWN}", f"other/3d/2c/{KNOWN}"),
]


@pytest.fixture
def store(root):
    return DiskStore(root)


def test_keys_are_made_from_ids_alone():
    assert version_key(UUID(KNOWN)) == f"versions/3d/2c/{KNOWN}"
    assert record_key(UUID(KNOWN)) == f"records/3d/2c/{KNOWN}"
    for made in (uuid1(), uuid4(), uuid5(uuid4(), "name")):
        assert is_key(version_key(made))
        assert is_key(record_key(made))
        assert is_staging_key(staging_key(str(made)))


@pytest.mark.parametrize("name", NOT_IDS)
def test_no_upload_has_such_an_id(store, root, name):
    store.ready()
    before = sorted(root.parent.rglob("*"))
    for call in (
        lambda: store.begin(name, 1, 1),
        lambda: store.put_chunk(name, 0, 1, io.BytesIO(b"a")),
        lambda: store.received(name),
        lambda: store.assemble(name, heard, go_on),
        lambda: store.hash_staged(name, heard, go_on),
        lambda: store.reopen(name),
        lambda: store.publish(name, version_key(uuid4()), ""),
        lambda: store.discard(name),
    ):
        with pytest.raises(ValueError, match="upload id"):
            call()
    assert sorted(root.parent.rglob("*")) == before


@pytest.mark.parametrize("name", NOT_KEYS)
def test_no_file_has_such_a_key(store, root, name):
    upload = str(uuid4())
    store.begin(upload, 1, 1)
    put(store, upload, 0, b"a")
    store.assemble(upload, heard, go_on)
    _size, sha256 = store.hash_staged(upload, heard, go_on)
    before = sorted(root.parent.rglob("*"))
    for call in (
        lambda: store.publish(upload, name, sha256),
        lambda: store.open(name),
        lambda: store.size(name),
        lambda: store.hash(name, heard, go_on),
        lambda: store.delete(name),
    ):
        with pytest.raises(ValueError, match="key"):
            call()
    assert sorted(root.parent.rglob("*")) == before


@pytest.mark.parametrize("link", ["versions", "versions/3d", "versions/3d/2c", f"versions/3d/2c/{KNOWN}"])
def test_a_published_file_is_not_reached_through_a_symbolic_link(store, root, tmp_path, link):
    store.ready()
    outside = tmp_path / "outside"
    place = outside / f"versions/3d/2c/{KNOWN}"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"secret")
    if link == "versions":
        (root / "versions").rmdir()
    (root / link).parent.mkdir(parents=True, exist_ok=True)
    (root / link).symlink_to(outside / link)
    key = version_key(UUID(KNOWN))
    for call in (store.open, store.size, lambda key: store.hash(key, heard, go_on), store.delete):
        with pytest.raises(Damaged):
            call(key)
    assert place.read_bytes() == b"secret"


@pytest.mark.parametrize("link", ["", "data", "journal"])
def test_no_chunk_is_written_through_a_symbolic_link(store, root, tmp_path, link):
    store.begin(KNOWN, 4, 4)
    real = root / "staging" / KNOWN / link
    moved = tmp_path / "moved"
    real.rename(moved)
    real.symlink_to(moved)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(Damaged):
        put(store, KNOWN, 0, b"abcd")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_root_that_is_a_symbolic_link_is_the_administrators_choice(tmp_path):
    (tmp_path / "big disk").mkdir()
    (tmp_path / "files").symlink_to(tmp_path / "big disk")
    store = DiskStore(tmp_path / "files")
    store.begin(KNOWN, 1, 1)
    put(store, KNOWN, 0, b"a")
    assert store.received(KNOWN).ranges() == [[0, 0]]


def test_what_is_not_ours_is_neither_listed_nor_touched(store, root):
    store.ready()
    strangers = [root / "staging" / "notes.txt", root / "versions" / "notes.txt", root / "versions" / "3d" / KNOWN]
    for stranger in strangers:
        stranger.parent.mkdir(exist_ok=True)
        stranger.write_text("mine")
    assert (list(store.list_uploads()), list(store.list_keys())) == ([], [])


@pytest.mark.parametrize("header", [b"", b"\0" * 64, b"x" * 64, b"portal1\n" + b"x" * 56, b"portal1\n"])
def test_a_journal_that_is_none(store, root, header):
    """Half begun or damaged: no chunk, a clear word, and it can be discarded."""
    store.begin(KNOWN, 4, 4)
    (root / "staging" / KNOWN / "journal").write_bytes(header)
    for call in (lambda: put(store, KNOWN, 0, b"abcd"), lambda: store.received(KNOWN)):
        with pytest.raises(StorageError):
            call()
    assert [found.upload_id for found in store.list_uploads()] == [KNOWN]
    store.discard(KNOWN)
    assert os.listdir(root / "staging") in ([], [".probe"])
