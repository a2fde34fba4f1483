"""The audit trail: every change that people answer for is noted with it, and nothing that is nobody's business."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from portal.domain import access, audit, entries, records, tokens, users
from portal.domain.audit import AuditEntry, What
from portal.domain.circumstances import Names
from portal.domain.entries import Entry
from portal.domain.records import NewRecord
from portal.domain.teams import Team
from portal.errors import Denied, NotFound
from portal.extensions import db
from portal.uploads import machine
from portal.uploads.session import Upload
from portal.uploads.sweep import reap
from tests import make
from tests.command import environ_of, portal
from tests.people import PASSWORD, People, in_transaction

LIMIT = "1000 per minute"
Deed = Callable[[People, Entry], Any]


def told(*columns: str) -> list[tuple[Any, ...]]:
    """The trail from its beginning."""
    rows = db.session.query(AuditEntry).order_by(AuditEntry.id)
    return [tuple(getattr(row, column) for column in columns) for row in rows]


def remove_a_record(people: People, entry: Entry) -> None:
    made = records.add(people.owner.actor, entry, NewRecord({"yield": 1}, names=Names("Barley 2026")))
    records.remove(people.owner.actor, entry, [made.id])


def revoke(people: People, _entry: Entry) -> None:
    owner = people.owner.actor
    token, _secret = tokens.issue(owner, owner.user_id, "laptop", "read")
    tokens.revoke(owner, owner.user_id, token.id)


DEEDS: dict[str, tuple[Deed, list[tuple[str, dict[str, Any]]]]] = {
    "registering": (lambda p, e: None, []),
    "renaming": (
        lambda p, e: entries.edit(p.owner.actor, e, {"name": "Yield net"}),
        [("entry.renamed", {"was": "yield-net"})],
    ),
    "another spelling of the same": (lambda p, e: entries.edit(p.owner.actor, e, {"name": " yield-net "}), []),
    "describing": (lambda p, e: entries.edit(p.owner.actor, e, {"description": "new"}), []),
    "deleting": (lambda p, e: entries.remove(p.owner.actor, e), [("entry.deleted", {})]),
    "publishing": (
        lambda p, e: access.set_access(p.owner.actor, e, "public"),
        [("access.changed", {"was": "private", "now": "public"})],
    ),
    "sharing": (
        lambda p, e: access.set_access(p.owner.actor, e, "protected", p.team_id),
        [("access.changed", {"was": "private", "now": "protected"})],
    ),
    "leaving all as it is": (lambda p, e: access.set_access(p.owner.actor, e, "private"), []),
    "letting others write": (
        lambda p, e: access.set_default_permission(p.owner.actor, e, "write"),
        [("default_permission.changed", {"was": "read", "now": "write"})],
    ),
    "letting others read, as before": (lambda p, e: access.set_default_permission(p.owner.actor, e, "read"), []),
    "making and revoking a token": (
        revoke,
        [("token.made", {"name": "laptop", "scope": "read"}), ("token.revoked", {"name": "laptop"})],
    ),
    "deleting a record": (remove_a_record, [("records.deleted", {"number": 1})]),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_what_is_noted(people: People, deed: str) -> None:
    entry_id = make.entry(people.owner)
    do, expected = DEEDS[deed]
    with in_transaction(people.owner.app):
        do(people, db.session.get_one(Entry, entry_id))

        assert told("what", "details") == [("entry.registered", {}), *expected]
        assert set(told("username", "actor_id")) == {("owner", people.owner.id)}


def test_leaving_a_team_says_which(people: People) -> None:
    entry_id = make.entry(people.owner, access="protected", team_id=people.team_id)
    with in_transaction(people.owner.app):
        access.set_access(people.owner.actor, db.session.get_one(Entry, entry_id), "private")

        assert told("details")[-1] == (
            {"was": "protected", "now": "private", "was_team": "Barley lab", "was_team_id": people.team_id},
        )


def test_the_account(people: People) -> None:
    owner = people.owner
    with in_transaction(owner.app):
        users.rename(owner.actor, owner.id, "maya", "maya@example.org", PASSWORD, limit=LIMIT)
        users.change_password(owner.actor, owner.id, PASSWORD, "another horse, correctly stapled", limit=LIMIT)
        users.sign_up(people.anonymous.actor, "noor", "noor@example.org", PASSWORD, policy="verify")

        assert told("what", "username", "about") == [
            ("user.renamed", "owner", "maya"),
            ("email.changed", "owner", "maya"),
            ("password.changed", "maya", "maya"),
            ("user.signed_up", "", "noor"),
        ]


def test_commands(app: Flask) -> None:
    environ = environ_of(app)
    portal(environ, "user", "create", "maya", "maya@example.org", "--password", PASSWORD, "--admin")
    portal(environ, "user", "password", "maya", "--password", f"{PASSWORD}!")
    portal(environ, "user", "verify", "maya")
    portal(environ, "token", "create", "maya", "laptop")

    with app.app_context():
        assert told("what", "username", "via", "address", "about") == [
            ("user.created", "", "command", None, "maya"),
            ("user.promoted", "", "command", None, "maya"),
            ("password.replaced", "", "command", None, "maya"),
            ("user.verified", "", "command", None, "maya"),
            ("token.made", "maya", "command", None, ""),
        ]


def test_a_version_says_by_which_credential_and_from_where(people: People) -> None:
    begun = make.begin(people.owner, b"weights", chunk_size=1 << 20)
    make.send_chunks(people.owner, begun, b"weights")
    bearer = {"Authorization": f"Bearer {begun['token']}"}
    answer = people.owner.api.post(
        "/api/v2/model/upload/commit", headers=bearer, environ_overrides={"REMOTE_ADDR": "192.0.2.7"}
    )

    assert answer.status_code == 200
    with people.owner.app.app_context():
        assert told("what", "via", "address", "details") == [
            ("entry.registered", "login", "127.0.0.1", {}),
            ("version.published", "upload", "192.0.2.7", {"number": 1}),
        ]


def test_what_an_ended_upload_takes_with_it(people: People) -> None:
    aborted, expired = make.begin(people.owner, b""), make.begin(people.owner, b"")
    with people.owner.app.app_context():
        upload = db.session.get_one(Upload, aborted["upload_id"])
        machine.abort(people.owner.actor, upload)
        db.session.query(Upload).filter_by(id=expired["upload_id"]).update({"expires_at": upload.created_at})
        db.session.commit()
        reap()

        assert told("what", "username", "entry_id")[2:] == [
            ("entry.deleted", "owner", aborted["model_id"]),
            ("entry.deleted", "", expired["model_id"]),
        ]


def test_what_is_taken_back_was_not_done(people: People) -> None:
    entry_id = make.entry(people.owner)
    with people.owner.app.app_context():
        access.set_access(people.owner.actor, db.session.get_one(Entry, entry_id), "public")
        assert len(told("what")) == 2
        db.session.rollback()

        assert told("what") == [("entry.registered",)]


def test_a_refused_request_leaves_no_note(people: People) -> None:
    make.entry(people.owner, "taken")
    entry_id = make.entry(people.owner, "free")
    answer = people.owner.api.patch(f"/api/models/id/{entry_id}", json={"model_name": "taken"})

    assert answer.status_code == 409
    with people.owner.app.app_context():
        assert told("what") == [("entry.registered",)] * 2


def test_nothing_secret_stands_in_it(people: People) -> None:
    owner, new = people.owner, "another horse, correctly stapled"
    with in_transaction(owner.app):
        _token, secret = tokens.issue(owner.actor, owner.id, "laptop", "write")
        users.rename(owner.actor, owner.id, "maya", "maya@example.com", PASSWORD, limit=LIMIT)
        users.change_password(owner.actor, owner.id, PASSWORD, new, limit=LIMIT)

        columns = [column.name for column in AuditEntry.__table__.columns]
        trail = str(told(*columns))
        assert "laptop" in trail
        assert not [word for word in (secret, PASSWORD, new, "@example") if word in trail]


def test_names_outlive_what_they_name(people: People) -> None:
    team = {"access": "protected", "team_id": people.team_id}
    entry_id = make.entry(people.stranger, "passing")
    with in_transaction(people.owner.app):
        entry = db.session.get_one(Entry, entry_id)
        access.set_access(people.admin.actor, entry, **team)
        entries.remove(people.stranger.actor, entry)
    with in_transaction(people.owner.app):
        db.session.delete(db.session.get_one(users.User, people.stranger.id))
        db.session.delete(db.session.get_one(Team, people.team_id))

    with people.owner.app.app_context():
        assert told("what", "username", "entry_name", "team_name") == [
            ("entry.registered", "stranger", "passing", ""),
            ("access.changed", "admin", "passing", "Barley lab"),
            ("entry.deleted", "stranger", "passing", ""),
        ]


def test_the_trail_of_an_entry_is_its_owners(people: People) -> None:
    entry_id = make.entry(people.owner, access="protected", team_id=people.team_id)
    with people.owner.app.app_context():
        entry = db.session.get_one(Entry, entry_id)
        for person in (people.owner, people.team_admin, people.admin):
            assert [row.what for row in audit.of_entry(person.actor, entry).rows] == [What.ENTRY_REGISTERED]
        with pytest.raises(Denied):
            audit.of_entry(people.teammate.actor, entry)
        for person in (people.stranger, people.anonymous):
            with pytest.raises(NotFound):
                audit.of_entry(person.actor, entry)


def test_the_trail_of_the_portal_is_the_administrators(people: People) -> None:
    entry_id = make.entry(people.owner)
    with people.owner.app.app_context():
        assert [row.entry_id for row in audit.recent(people.admin.actor).rows] == [entry_id]
        with pytest.raises(Denied):
            audit.recent(people.owner.actor)


def test_pages_hold_every_line_once_and_newest_first(people: People) -> None:
    entry_id = make.entry(people.owner)
    make.entry(people.owner, "another")
    with in_transaction(people.owner.app):
        owner = people.owner.actor
        entry = db.session.get_one(Entry, entry_id)
        for number in range(6):
            entries.edit(owner, entry, {"name": f"name {number}"})
    with people.owner.app.app_context():
        entry = db.session.get_one(Entry, entry_id)
        page = audit.of_entry(people.owner.actor, entry, limit=3)
        found = list(page.rows)
        while page.older:
            page = audit.of_entry(people.owner.actor, entry, limit=3, before=page.older)
            found += page.rows

        assert [row.entry_name for row in found] == [f"name {number}" for number in (5, 4, 3, 2, 1, 0)] + ["yield-net"]
        assert audit.of_entry(people.owner.actor, entry, before="no id").rows == ()
