"""Any sequence of calls, by either of two processes, does what a dictionary would do."""

import io
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from portal.storage.base import (
    Conflict,
    DigestMismatch,
    Incomplete,
    Misfit,
    Missing,
    Sealed,
    ShortBody,
    Store,
    StoredChunk,
    chunk_count,
)
from portal.storage.disk import DiskStore
from portal.storage.keys import version_key
from tests.storage.store_contract import go_on, heard, sha
from tests.stored import file_bytes

numbers = st.one_of(
    st.just((None, None)),
    st.tuples(st.integers(0, 30), st.none()),
    st.tuples(st.integers(0, 30), st.integers(1, 12)),
)
either = st.integers(0, 1)


class Sequences(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.stores: list[Store] = [DiskStore(Path(self.folder.name)) for _ in range(2)]
        self.published: dict[str, bytes] = {}

    def teardown(self) -> None:
        self.folder.cleanup()

    @initialize(numbers=numbers)
    def first(self, numbers):
        self.start(numbers)

    def start(self, numbers):
        self.upload, self.numbers = str(uuid4()), numbers
        self.chunks: dict[int, bytes] = {}
        self.sealed = self.assembled = self.hashed = self.gone = False
        self.key: str | None = None
        self.stores[0].begin(self.upload, *numbers)

    @property
    def count(self):
        size, chunk_size = self.numbers
        if size is not None and chunk_size is not None:
            return chunk_count(size, chunk_size)
        return max(self.chunks, default=0) + 1

    @property
    def whole(self):
        return b"".join(self.chunks[idx] for idx in sorted(self.chunks))

    @rule(numbers=numbers)
    @precondition(lambda self: self.gone)
    def begin_another(self, numbers):
        self.start(numbers)

    @rule(process=either)
    @precondition(lambda self: not self.gone)
    def begin_again(self, process):
        self.stores[process].begin(self.upload, *self.numbers)

    @rule(process=either)
    def restart(self, process):
        self.stores[process] = DiskStore(Path(self.folder.name))

    @rule(
        process=either,
        idx=st.integers(0, 5),
        content=st.binary(max_size=15),
        fits=st.booleans(),
        fault=st.sampled_from([None, None, None, "short", "digest"]),
    )
    def put(self, process, idx, content, fits, fault):
        size, chunk_size = self.numbers
        declared = size is not None and chunk_size is not None
        if declared and fits:
            idx %= self.count
            content = content.ljust(12)[: min(chunk_size, size - idx * chunk_size)]
        expected = None
        if self.gone:
            expected = Missing
        elif declared and (idx >= self.count or len(content) != min(chunk_size, size - idx * chunk_size)):
            expected = Misfit
        elif self.sealed:
            expected = Sealed
        elif fault == "short" and content:
            expected = ShortBody
        elif fault == "digest":
            expected = DigestMismatch
        source = io.BytesIO(content[:-1] if fault == "short" else content)
        digest = sha(content + b"?") if fault == "digest" else sha(content)

        def call():
            return self.stores[process].put_chunk(self.upload, idx, len(content), source, digest)

        if expected:
            with pytest.raises(expected):
                call()
        else:
            assert call() == StoredChunk(len(content), sha(content))
            self.chunks[idx] = content

    @rule(process=either)
    def received(self, process):
        if self.gone:
            with pytest.raises(Missing):
                self.stores[process].received(self.upload)
            return
        received = self.stores[process].received(self.upload)
        assert (received.size, received.chunk_size, received.sealed) == (*self.numbers, self.sealed)
        assert received.chunks == {idx: StoredChunk(len(chunk), sha(chunk)) for idx, chunk in self.chunks.items()}
        assert received.bytes_received == len(self.whole)
        held = [idx for first, last in received.ranges() for idx in range(first, last + 1)]
        lacking = [idx for first, last in received.missing() for idx in range(first, last + 1)]
        assert held == sorted(self.chunks)
        assert sorted(held + lacking) == list(range(self.count))

    @rule(process=either)
    def assemble(self, process):
        def call():
            return self.stores[process].assemble(self.upload, heard, go_on)

        if self.gone:
            with pytest.raises(Missing):
                call()
        elif set(self.chunks) != set(range(self.count)):
            with pytest.raises(Incomplete):
                call()
        else:
            assert call() == len(self.whole)
            self.sealed = True

    @rule(process=either)
    def hash(self, process):
        def call():
            return self.stores[process].hash_staged(self.upload, heard, go_on)

        if self.gone or not self.sealed:
            with pytest.raises(Missing if self.gone else Conflict):
                call()
        else:
            assert call() == (len(self.whole), sha(self.whole).hex())
            self.hashed = True

    @rule(process=either)
    def reopen(self, process):
        if self.gone:
            with pytest.raises(Missing):
                self.stores[process].reopen(self.upload)
        else:
            self.stores[process].reopen(self.upload)
            self.sealed = self.hashed = False

    @rule(process=either, right=st.booleans())
    def publish(self, process, right):
        key = self.key or version_key(uuid4())
        sha256 = sha(self.whole if right else self.whole + b"?").hex()
        if self.gone and not self.key:
            with pytest.raises(Missing):
                self.stores[process].publish(self.upload, key, sha256)
        elif not self.gone and not (self.hashed and right):
            with pytest.raises(Conflict):
                self.stores[process].publish(self.upload, key, sha256)
        else:
            self.stores[process].publish(self.upload, key, sha256)
            self.gone, self.key = True, key
            self.published[key] = self.whole

    @rule(process=either)
    def discard(self, process):
        self.stores[process].discard(self.upload)
        self.gone = True

    @rule(process=either)
    def list_everything(self, process):
        store = self.stores[process]
        assert [found.upload_id for found in store.list_uploads()] == ([] if self.gone else [self.upload])
        assert {found.key: found.size for found in store.list_keys()} == {
            key: len(content) for key, content in self.published.items()
        }
        for key, content in self.published.items():
            assert file_bytes(store, key) == content


def test_any_sequence():
    run_state_machine_as_test(
        Sequences,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
