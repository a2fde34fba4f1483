"""However the journal ends, what was acknowledged before its end is there, and nothing else."""

import shutil
from uuid import uuid4

import pytest

from portal.storage.base import Damaged, Missing
from portal.storage.disk import DiskStore
from portal.storage.journal import RECORD_SIZE
from tests.storage.store_contract import finish, put, sha

CHUNKS = {0: b"first", 2: b"third and longest", 1: b"second"}
WHOLE = b"".join(CHUNKS[idx] for idx in range(3))


@pytest.fixture
def staged(root):
    """An upload of three chunks, acknowledged in the order of CHUNKS."""
    store, upload = DiskStore(root), str(uuid4())
    store.begin(upload, None, None)
    for idx, content in CHUNKS.items():
        put(store, upload, idx, content)
    return upload


TAILS = {"cut": lambda tail: b"", "zeros": lambda tail: bytes(len(tail)), "noise": lambda tail: b"\xa5" * len(tail)}


@pytest.mark.parametrize("tail", TAILS)
def test_a_journal_torn_anywhere_goes_on_from_its_last_whole_record(root, staged, tail):
    folder = root / "staging" / staged
    journal, before = (folder / "journal").read_bytes(), root.with_name("before")
    shutil.copytree(folder, before)
    assert len(journal) == RECORD_SIZE * 4
    for torn in range(RECORD_SIZE, len(journal)):
        left = journal[:torn] + TAILS[tail](journal[torn:])
        (folder / "journal").write_bytes(left)
        store = DiskStore(root)
        first_wrong = next((at for at, byte in enumerate(journal) if left[at : at + 1] != bytes([byte])), len(journal))
        whole = list(CHUNKS)[: first_wrong // RECORD_SIZE - 1]
        assert {idx: chunk.sha256 for idx, chunk in store.received(staged).chunks.items()} == {
            idx: sha(CHUNKS[idx]) for idx in whole
        }
        if torn % 9:
            continue
        for idx in CHUNKS.keys() - whole:
            put(store, staged, idx, CHUNKS[idx])
        assert DiskStore(root).received(staged).ranges() == [[0, 2]]
        assert finish(store, staged) == WHOLE
        shutil.copytree(before, folder)


def test_a_flipped_bit_ends_the_journal_there(root, staged):
    journal = (root / "staging" / staged / "journal").read_bytes()
    for at in range(2 * RECORD_SIZE, 3 * RECORD_SIZE):
        flipped = bytearray(journal)
        flipped[at] ^= 1 << at % 8
        (root / "staging" / staged / "journal").write_bytes(flipped)
        assert DiskStore(root).received(staged).ranges() == [[0, 0]]


def test_records_behind_a_torn_one_do_not_come_back(root, staged):
    """Two writers died before their syncs, and of the two records a power cut left the second alone."""
    path = root / "staging" / staged / "journal"
    journal = bytearray(path.read_bytes())
    journal[2 * RECORD_SIZE : 3 * RECORD_SIZE] = bytes(RECORD_SIZE)
    path.write_bytes(journal)
    store = DiskStore(root)
    put(store, staged, 7, b"another")
    for reader in (store, DiskStore(root)):
        assert reader.received(staged).ranges() == [[0, 0], [7, 7]]


def test_a_header_torn_anywhere_is_an_upload_never_begun_or_a_damaged_one(root):
    store, upload = DiskStore(root), str(uuid4())
    store.begin(upload, 10, 5)
    path = root / "staging" / upload / "journal"
    header = path.read_bytes()[:RECORD_SIZE]
    for torn in range(44):  # the rest is the generation, which is 0
        left = header[:torn].ljust(RECORD_SIZE, b"\0")
        if left == header:  # it ended with zeros by chance
            continue
        path.write_bytes(left)
        with pytest.raises((Missing, Damaged)):
            store.received(upload)
    path.write_bytes(b"")
    store.begin(upload, 10, 5)
    put(store, upload, 0, b"abcde")
    put(store, upload, 1, b"fghij")
    assert finish(store, upload) == b"abcdefghij"


def test_a_cold_process_knows_what_a_warm_one_knows(root, staged):
    warm = DiskStore(root)
    for round_ in range(3):
        for idx in range(5):
            put(warm, staged, idx, b"%d of %d" % (idx, round_))
        assert DiskStore(root).received(staged) == warm.received(staged)
