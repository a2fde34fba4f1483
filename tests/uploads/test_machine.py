"""Random stories of uploads; after each step the portal is compared with a model of a hundred lines.

The suite tells a few. All: `PORTAL_TEST_RUNS=2000 pytest tests/uploads/test_machine.py --basetemp=/dev/shm/uploads`.
"""

import hashlib
import io
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import update

from portal.database import begin_write, new_id, now
from portal.domain import entries, versions
from portal.domain.entries import Entry
from portal.domain.kinds import MODEL
from portal.errors import PortalError
from portal.extensions import db
from portal.security.actor import Actor
from portal.storage import keys
from portal.storage.base import StorageError
from portal.uploads import machine, sweep
from portal.uploads.finish import claim_check, finish
from portal.uploads.machine import Announcement
from portal.uploads.session import LEASE, Upload
from portal.uploads.translate import translate
from tests.make import sha256
from tests.people import Person, make_people
from tests.stored import file_bytes
from tests.uploads.model import MOST, File, Shadow, end

RUNS = int(os.environ.get("PORTAL_TEST_RUNS", "50"))
LONG_AGO = timedelta(days=400)
DIGESTS = st.sampled_from(["none", "none", "right", "wrong"])


class Story(RuleBasedStateMachine):
    def __init__(self, owner: Person) -> None:
        super().__init__()
        self.owner = owner
        self.uploads: list[Shadow] = []
        self.files: dict[str, File] = {}

    def call(self, verb: Callable[[Actor], Any]) -> tuple[int, Any]:
        """As a request does: commits after a good answer, rolls back after a bad one."""
        with self.owner.app.app_context():
            try:
                result = verb(self.owner.actor)
                db.session.commit()
                return 200, result
            except (PortalError, StorageError) as error:
                db.session.rollback()
                return (translate(error) if isinstance(error, StorageError) else error).status, None

    def on(self, shadow: Shadow, verb: Callable[..., Any], *args: Any, **given: Any) -> tuple[int, Any]:
        return self.call(lambda actor: verb(actor, db.session.get_one(Upload, shadow.id), *args, **given))

    def change(self, shadow: Shadow, **values: Any) -> None:
        with self.owner.app.app_context():
            begin_write()
            db.session.execute(update(Upload).where(Upload.id == shadow.id).values(**values))
            db.session.commit()

    def some(self, data: st.DataObject) -> Shadow:
        """Mostly one that is under way: most of what may happen to the others is nothing."""
        lively = [upload for upload in self.uploads if upload.is_under_way and upload.file.is_there]
        return data.draw(st.sampled_from(lively or self.uploads) | st.sampled_from(self.uploads), label="upload")

    def is_begun(self) -> bool:
        return bool(self.uploads)

    @rule(
        data=st.data(),
        plan=st.binary(max_size=14),
        says_size=st.booleans(),
        chunk_size=st.none() | st.integers(1, MOST),
        digest=DIGESTS,
    )
    def begin(self, data: st.DataObject, plan: bytes, says_size: bool, chunk_size: int | None, digest: str) -> None:
        there = [entry_id for entry_id, file in self.files.items() if file.is_there]
        entry_id = data.draw(st.sampled_from([None, *there]), label="entry")
        said = Announcement(
            name=None if entry_id else new_id(),
            entry_id=entry_id,
            size=len(plan) if says_size else None,
            chunk_size=chunk_size,
            sha256=digest_of(plan, digest),
        )
        status, made = self.call(lambda actor: machine.begin(actor, MODEL, said))
        assert status == 200
        file = self.files.setdefault(made.entry_id, File(made.entry_id))
        self.uploads.append(Shadow(made.id, file, entry_id is None, plan, said.size, chunk_size, said.sha256))

    @precondition(is_begun)
    @rule(data=st.data(), idx=st.integers(0, 4), short=st.sampled_from([0, 0, 0, 0, 1]), digest=DIGESTS)
    def put_chunk(self, data: st.DataObject, idx: int, short: int, digest: str) -> None:
        upload = self.some(data)
        body = data.draw(st.just(upload.piece(idx)) | st.binary(max_size=MOST + 1), label="body")
        self._put(upload, idx, body, len(body) + short, digest)

    @precondition(is_begun)
    @rule(data=st.data())
    def send_the_rest(self, data: st.DataObject) -> None:
        self._send_the_rest(self.some(data))

    @precondition(is_begun)
    @rule(data=st.data(), digest=DIGESTS)
    def send_the_rest_and_finish(self, data: st.DataObject, digest: str) -> None:
        upload = self.some(data)
        self._send_the_rest(upload)
        self._finish(upload, digest_of(upload.data, digest))

    @precondition(is_begun)
    @rule(data=st.data(), digest=DIGESTS)
    def finish(self, data: st.DataObject, digest: str) -> None:
        upload = self.some(data)
        self._finish(upload, digest_of(upload.data, digest))

    def _send_the_rest(self, upload: Shadow) -> None:
        for idx in range(upload.count or max(len(upload.chunks), -(-len(upload.plan) // 5), 1)):
            if idx not in upload.chunks:
                self._put(upload, idx, upload.piece(idx), len(upload.piece(idx)), "none")

    def _put(self, upload: Shadow, idx: int, body: bytes, announced: int, digest: str) -> None:
        expected = upload.after_chunk(idx, announced, len(body), digest)
        given = bytes.fromhex(digest_of(body, digest) or "")
        status, _ = self.on(upload, machine.put_chunk, idx, announced, io.BytesIO(body), given or None)
        assert status == expected
        if status == 200:
            upload.chunks[idx] = body

    def _finish(self, upload: Shadow, given: str | None) -> None:
        expected = upload.after_finish(given)
        status, version = self.on(upload, finish, given, wait=0 if expected == 202 else 30)
        assert (202 if status == 200 and version is None else status) == expected
        if status == 200 and version is not None:
            if upload.status != "done":
                upload.file.versions.append(upload.data)
                upload.status, upload.number = "done", len(upload.file.versions)
            assert (version.number, version.size) == (upload.number, len(upload.data))
            assert version.sha256 == sha256(upload.data)
        elif status == 422 and upload.status == "checking" and not upload.contradicts(given):
            upload.status = "open"

    @precondition(is_begun)
    @rule(data=st.data(), steps=st.integers(0, 3), lease=st.sampled_from(["alive", "over"]))
    def die_while_checking(self, data: st.DataObject, steps: int, lease: str) -> None:
        upload = self.some(data)
        if upload.status != "open" or upload.after_finish(None) != 200:
            return
        status, claim = self.on(upload, claim_check)
        assert status == 200
        assert claim is not None
        store, digest = self.owner.app.extensions["storage"], sha256(upload.data)
        steps = 0 if upload.is_published else steps
        for step in (
            lambda: store.assemble(upload.id, lambda done: None, bool),
            lambda: store.hash_staged(upload.id, lambda done: None, bool),
            lambda: store.publish(upload.id, keys.version_key(UUID(upload.id)), digest),
        )[:steps]:
            step()
        upload.status, upload.is_published = "checking", upload.is_published or steps == 3
        self.set_lease(upload, lease)

    def set_lease(self, upload: Shadow, lease: str) -> None:
        """For good: a slow machine must not end it in the middle of a story."""
        self.change(upload, checked_at=now() - 2 * LEASE if lease == "over" else now() + timedelta(days=1))
        upload.lease = lease

    @precondition(is_begun)
    @rule(data=st.data())
    def end_lease(self, data: st.DataObject) -> None:
        upload = self.some(data)
        if upload.status == "checking":
            self.set_lease(upload, "over")

    @precondition(is_begun)
    @rule(data=st.data(), misfortune=st.sampled_from(["abort", "expire", "delete"]))
    def end(self, data: st.DataObject, misfortune: str) -> None:
        upload = self.some(data)
        if misfortune == "expire":
            self.change(upload, expires_at=now() - LONG_AGO)
            upload.is_overdue = True
        elif misfortune == "delete":
            status, _ = self.call(lambda actor: entries.remove(actor, entries.get(actor, MODEL, upload.file.id)))
            assert status == (200 if upload.file.is_there else 404)
            upload.file.is_there = False
        else:
            expected = upload.after_abort()
            assert self.on(upload, machine.abort)[0] == expected
            if expected == 200:
                end(upload, "aborted", self.uploads)

    @rule()
    def reap(self) -> None:
        with self.owner.app.app_context():
            assert sweep.reap(timedelta(0), sure=True).failed == 0
        for upload in self.uploads:
            at_rest = upload.status == "open" or (upload.status == "checking" and upload.lease == "over")
            if at_rest and (upload.is_overdue or not upload.file.is_there):
                end(upload, "expired", self.uploads)
        self.uploads = [upload for upload in self.uploads if upload.is_under_way or not upload.is_overdue]
        store = self.owner.app.extensions["storage"]
        alive = {upload.id for upload in self.uploads if upload.is_under_way}
        published = {upload.id for upload in self.uploads if upload.is_under_way and upload.is_published}
        assert {staged.upload_id for staged in store.list_uploads()} == alive - published
        finished = sum(len(file.versions) for file in self.files.values() if file.is_there)
        assert len(list(store.list_keys())) == finished + len(published)

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        with self.owner.app.app_context():
            actor = self.owner.actor
            for upload in self.uploads:
                received = machine.progress(actor, db.session.get_one(Upload, upload.id))
                chunks = upload.chunks if upload.is_under_way and upload.file.is_there else {}
                assert set(received.chunks) == set(chunks)
                assert received.bytes_received == sum(map(len, chunks.values()))
            for entry_id, file in self.files.items():
                entry = db.session.get(Entry, entry_id)
                assert (entry is not None) == file.is_there
                if entry is not None:
                    made = versions.list_for(actor, entry)
                    assert [stored(self.owner.app, version.id) for version in reversed(made)] == file.versions
                    assert entry.version == (len(file.versions) or None)

    def teardown(self) -> None:
        """The next story finds an empty portal."""
        with self.owner.app.app_context():
            begin_write()
            db.session.query(Upload).delete()
            db.session.query(Entry).delete()
            db.session.commit()
            sweep.reap(timedelta(0), sure=True)


def stored(app: Flask, version_id: str) -> bytes:
    return file_bytes(app.extensions["storage"], keys.version_key(UUID(version_id)))


def digest_of(data: bytes, digest: str) -> str | None:
    return {"none": None, "right": sha256(data), "wrong": hashlib.sha256(data + b"!").hexdigest()}[digest]


def test_uploads_do_what_the_model_does(make_app: Callable[..., Flask]) -> None:
    people = make_people(make_app(max_chunk_size=MOST))
    run_state_machine_as_test(
        lambda: Story(people.owner),
        settings=settings(
            max_examples=RUNS, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
