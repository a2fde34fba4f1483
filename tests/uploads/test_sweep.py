"""The sweep takes what is over and leaves what is in flight, however many sweep at once and wherever one is killed."""

import os
import time
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

from portal.database import new_id, now
from portal.domain import entries, sessions, throttle
from portal.domain.entries import Entry
from portal.domain.kinds import MODEL
from portal.domain.versions import Version
from portal.errors import Conflict
from portal.extensions import db
from portal.security.actor import Via
from portal.storage import keys
from portal.uploads import machine, sweep
from portal.uploads.session import LEASE, Status, Upload
from tests import make
from tests.command import environ_of, portal, start
from tests.people import in_transaction
from tests.stored import path_of

pytestmark = pytest.mark.disk

DATA = os.urandom(4096)
OLD = timedelta(hours=2)


def begun(person, **given):
    """An upload with its one chunk on the portal: what the API answered."""
    upload = make.begin(person, DATA, chunk_size=len(DATA), **given)
    assert send(person, upload).status_code == 200
    return upload


def send(person, upload):
    headers = {"Authorization": f"Bearer {upload['token']}"}
    return person.api.client.post("/api/v2/model/upload/0", data=DATA, headers=headers)


def change(app, upload, **values):
    with in_transaction(app):
        db.session.execute(update(Upload).where(Upload.id == upload["upload_id"]).values(**values))


def expire(app, upload):
    change(app, upload, expires_at=now() - timedelta(seconds=1))


def staged(app):
    return {found.upload_id for found in app.extensions["storage"].list_uploads()}


def stored(app):
    return {found.key for found in app.extensions["storage"].list_keys()}


def key_of(version_id):
    return keys.version_key(UUID(version_id))


def make_old(folder):
    then = time.time() - OLD.total_seconds()
    for path in (*folder.iterdir(), folder) if folder.is_dir() else (folder,):
        os.utime(path, (then, then))


def number_of(app, table):
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table))


@pytest.fixture
def reap(app):
    def reap(**given):
        with app.app_context():
            return sweep.reap(**given)

    return reap


def test_an_expired_upload_goes_with_its_bytes_and_the_entry_that_it_made(app, people, reap):
    kept, over = begun(people.owner), begun(people.owner)
    expire(app, over)
    swept = reap()
    assert (swept.expired, swept.staged, swept.failed) == (1, 1, 0)
    assert staged(app) == {kept["upload_id"]}
    assert send(people.owner, over).status_code == 410
    assert send(people.owner, kept).status_code == 200
    assert people.owner.api.get(f"/api/v2/model/{over['model_id']}").status_code == 404
    assert people.owner.api.get(f"/api/v2/model/{kept['model_id']}").status_code == 200


def test_an_entry_that_was_there_before_outlives_the_upload(app, people, reap):
    entry_id = make.entry(people.owner)
    over = begun(people.owner, model_name=None, model_id=entry_id)
    expire(app, over)
    assert reap().expired == 1
    assert staged(app) == set()
    assert people.owner.api.get(f"/api/v2/model/{entry_id}").status_code == 200


def test_what_is_over_is_remembered_for_one_time_to_live(app, people, reap):
    over = begun(people.owner)
    expire(app, over)
    reap()
    assert send(people.owner, over).status_code == 410
    expire(app, over)
    assert reap().forgotten == 1
    assert send(people.owner, over).status_code == 401


def test_the_bytes_of_an_upload_whose_entry_was_deleted_go_at_once(app, people, reap):
    over = begun(people.owner)
    with in_transaction(app):
        db.session.delete(db.session.get_one(Entry, over["model_id"]))
    assert reap().expired == 1
    assert staged(app) == set()


def test_an_aborted_upload_whose_bytes_were_left_by_a_crash(app, people, reap):
    over = begun(people.owner)
    change(app, over, status=Status.ABORTED, expires_at=now() + timedelta(days=1))
    assert reap().staged == 1
    assert staged(app) == set()


@pytest.mark.parametrize(("silent", "expired"), [(LEASE / 2, 0), (LEASE * 2, 1)])
def test_a_check_is_left_alone_while_its_checker_lives(app, people, reap, silent, expired):
    upload = begun(people.owner)
    change(app, upload, status=Status.CHECKING, checked_at=now() - silent, expires_at=now() - timedelta(days=1))
    assert reap().expired == expired
    assert len(staged(app)) == 1 - expired


def test_a_staging_area_made_a_moment_before_its_row(app, people, reap):
    """`begin` makes the area first and commits the row at the end of the request."""
    make.version(people.owner, make.entry(people.owner), DATA)
    upload_id = new_id()
    app.extensions["storage"].begin(upload_id, 10, 10)
    assert reap().staged == 0
    assert staged(app) == {upload_id}
    make_old(app.extensions["portal"].data_dir / "files" / keys.staging_key(upload_id))
    assert reap().staged == 1
    assert staged(app) == set()


def test_an_old_upload_that_is_still_open_keeps_its_bytes(app, people, reap):
    upload = begun(people.owner)
    make_old(app.extensions["portal"].data_dir / "files" / keys.staging_key(upload["upload_id"]))
    assert reap() == sweep.Swept()
    assert send(people.owner, upload).status_code == 200


def test_the_file_of_a_deleted_entry_goes_and_the_others_stay(app, people, reap):
    kept, gone = make.entry(people.owner, "kept"), make.entry(people.owner, "gone")
    make.version(people.owner, kept, b"kept")
    make.version(people.owner, gone, b"gone")
    with app.app_context():
        entries.remove(people.owner.actor, db.session.get_one(Entry, gone))
        db.session.commit()
    (orphan,) = stored(app) - {key_of(version_id) for version_id in version_ids(app)}
    assert reap().files == 0  # it is young: a check may be about to write its row
    for key in stored(app):
        make_old(path_of(app.extensions["storage"], key))
    swept = reap()
    assert (swept.files, swept.size) == (1, len(b"gone"))
    assert orphan not in stored(app)
    assert people.owner.client.get(f"/models/{kept}/versions/1/download", buffered=True).data == b"kept"


def version_ids(app):
    with app.app_context():
        return db.session.scalars(select(Version.id)).all()


def test_a_file_whose_check_was_killed_before_the_row_waits_for_the_next_check(app, people, reap):
    upload = begun(people.owner)
    upload_id, store = upload["upload_id"], app.extensions["storage"]
    store.assemble(upload_id, lambda _: None, lambda: False)
    _size, sha256 = store.hash_staged(upload_id, lambda _: None, lambda: False)
    store.publish(upload_id, key_of(upload_id), sha256)
    change(app, upload, status=Status.CHECKING, checked_at=now() - 2 * LEASE)
    make_old(path_of(store, key_of(upload_id)))
    assert reap() == sweep.Swept()
    commit = people.owner.api.client.post(
        "/api/v2/model/upload/commit", headers={"Authorization": f"Bearer {upload['token']}"}
    )
    assert commit.status_code == 200
    assert commit.json["sha256"] == make.sha256(DATA)


def test_unattended_it_spares_many_files_without_a_version(app, people, reap, monkeypatch):
    """A server that was pointed at another database must not empty the storage."""
    monkeypatch.setattr(sweep, "FEW_FILES", 1)
    entry_id = make.entry(people.owner)
    for number in range(2):
        make.version(people.owner, entry_id, bytes([number]))
    with app.app_context():
        entries.remove(people.owner.actor, db.session.get_one(Entry, entry_id))
        db.session.commit()
    nothing = timedelta(0)
    assert reap(grace=nothing, unattended=True).files == 0
    with pytest.raises(Conflict, match="2 stored files belong to nothing"):
        reap(grace=nothing)
    assert reap(grace=nothing, sure=True).files == 2


def test_a_database_that_never_had_a_file_leaves_the_storage_as_it_is(app, people, reap):
    """Who forgets to name the database gets an empty one, and would empty the storage."""
    store, key = app.extensions["storage"], key_of(str(uuid4()))
    upload_id = str(uuid4())
    store.begin(upload_id, None, None)
    path_of(store, key).parent.mkdir(parents=True, exist_ok=True)
    path_of(store, key).write_bytes(b"of another portal")
    nothing = timedelta(0)
    assert reap(grace=nothing, unattended=True) == sweep.Swept()
    with pytest.raises(Conflict, match="never had any"):
        reap(grace=nothing)
    assert (stored(app), staged(app)) == ({key}, {upload_id})
    swept = reap(grace=nothing, sure=True)
    assert (swept.files, swept.staged) == (1, 1)


def test_logins_that_ended_and_attempts_of_the_past_go(app, people, reap):
    with in_transaction(app):
        sessions.start(people.owner.id, Via.SESSION)
        key = sessions.start(people.owner.id, Via.SESSION)
        ended = sessions.LoginSession.key_hash == sessions.hash_key(key)
        db.session.execute(update(sessions.LoginSession).where(ended).values(expires_at=now() - timedelta(days=1)))
    with app.app_context():
        throttle.Attempts("10 per minute", "now").reserve()
    with in_transaction(app):
        db.session.add(throttle.Attempt(key_hash="0" * 64, window=now() - timedelta(hours=1), number=1))
    swept = reap()
    assert (swept.sessions, swept.attempts) == (1, 1)
    assert number_of(app, sessions.LoginSession) == 1
    assert number_of(app, throttle.Attempt) == 1


def test_one_area_that_cannot_be_removed_does_not_stop_the_others(app, people, reap, tmp_path):
    stuck, over = begun(people.owner), begun(people.owner)
    expire(app, stuck)
    expire(app, over)
    area = app.extensions["portal"].data_dir / "files" / keys.staging_key(stuck["upload_id"])
    area.rename(tmp_path / "elsewhere")
    area.symlink_to(tmp_path / "elsewhere")
    swept = reap()
    assert (swept.expired, swept.staged, swept.failed) == (2, 1, 1)
    assert (tmp_path / "elsewhere" / "data").stat().st_size == len(DATA)


@pytest.mark.slow
def test_four_at_once_and_one_of_them_killed(app, people):
    store = app.extensions["storage"]
    entry_id = make.entry(people.owner)
    make.version(people.owner, entry_id, DATA)
    kept = begun(people.owner)
    with in_transaction(app):
        actor = people.owner.actor
        for number in range(120):
            machine.begin(actor, MODEL, machine.Announcement(name=f"over {number}", size=9, chunk_size=9))
        over = Upload.id != kept["upload_id"], Upload.status == Status.OPEN
        db.session.execute(update(Upload).where(*over).values(expires_at=now() - timedelta(seconds=1)))
    assert len(staged(app)) == 121
    environ = environ_of(app)
    running = [start(environ, "uploads", "reap") for _ in range(4)]
    while len(list(store.list_uploads())) == 121:
        time.sleep(0.01)
    running[0].kill()
    ended = [(process.communicate(), process.returncode) for process in running]
    assert [code for _, code in ended[1:]] == [0, 0, 0], ended
    assert staged(app) == {kept["upload_id"]}
    assert number_of(app, Entry) == 2
    with app.app_context():
        expired = db.session.scalar(select(func.count()).where(Upload.status == Status.EXPIRED))
    assert expired == 120
    assert portal(environ, "uploads", "reap").stdout == "Nothing to remove.\n"
    assert people.owner.client.get(f"/models/{entry_id}/versions/1/download", buffered=True).data == DATA
    assert send(people.owner, kept).status_code == 200
