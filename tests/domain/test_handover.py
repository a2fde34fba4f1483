"""What becomes of an entry that gets another owner, and of all that somebody had who is deleted."""

from collections.abc import Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.database import new_id
from portal.domain import access, datasets, entries, environments, record_counts, records, runs, teams, tokens
from portal.domain.audit import AuditEntry
from portal.domain.circumstances import Names
from portal.domain.datasets import Dataset
from portal.domain.entries import Entry
from portal.domain.kinds import BY_WORD, MODEL, SCRIPT, Kind
from portal.domain.people import remove
from portal.domain.record_filters import Wanted
from portal.domain.records import NewRecord, Record
from portal.domain.teams import Team
from portal.domain.users import User
from portal.errors import Conflict, Denied, NotFound
from portal.extensions import db
from tests import make
from tests.api.sending import Sending
from tests.people import People, Person, in_transaction

# What refers to people, and what becomes of it when one is deleted. A new reference needs a line and a thought here.
REFERENCES = {
    "entry.owner_id": "passes",
    "dataset.owner_id": "passes",
    "version.created_by_id": "SET NULL",
    "deployment.deployed_by_id": "SET NULL",
    "login_session.user_id": "CASCADE",
    "token.user_id": "CASCADE",
    "membership.user_id": "CASCADE",
    "upload.user_id": "CASCADE",
}


def get(entry_id: str) -> Entry:
    return db.session.get_one(Entry, entry_id)


def give(by: Person, entry_id: str, to: Person) -> None:
    with in_transaction(by.app):
        access.set_owner(by.actor, get(entry_id), to.id or "")


def delete(by: Person, whom: Person) -> None:
    with in_transaction(by.app):
        remove(by.actor, whom.id or "")


def dataset(owner: Person, entry_id: str, name: str, experiment: str | None = None) -> str:
    with in_transaction(owner.app):
        return datasets.add(owner.actor, get(entry_id), name, experiment=experiment).id


def named(*dataset_ids: str) -> list[tuple[str, str]]:
    """Name and owner of each dataset."""
    rows = [db.session.get_one(Dataset, dataset_id) for dataset_id in dataset_ids]
    return [(row.name, db.session.get_one(User, row.owner_id).username) for row in rows]


def noted(*words: str) -> list[tuple[str, str, str]]:
    found = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
    return [(row.what, row.about, row.entry_name) for row in found if row.what.startswith(words)]


def test_every_reference_to_a_person_has_its_line(app: Flask) -> None:
    keys = [key for table in db.metadata.tables.values() for key in table.foreign_keys]
    found = {f"{key.parent}": key.ondelete or "passes" for key in keys if key.column.table.name == "user"}
    assert found == REFERENCES


def test_an_owner_hands_an_entry_over(app: Flask, people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, "wheat", kind=kind)
    number = make.version(people.owner, entry_id)
    give(people.owner, entry_id, people.stranger)
    with app.app_context():
        entry = get(entry_id)
        assert (entry.owner_id, entry.owner.username, entry.version) == (people.stranger.id, "stranger", number)
        assert entry.updated_at > entry.created_at
        assert entries.get(people.stranger.actor, kind, entry_id)
        with pytest.raises(NotFound):
            entries.get(people.owner.actor, kind, entry_id)
        assert noted("owner") == [("owner.changed", "stranger", "wheat")]
    give(people.stranger, entry_id, people.stranger)
    with app.app_context():
        assert len(noted("owner")) == 1


def test_who_may_hand_over(app: Flask, people: People) -> None:
    shared = {"access": "protected", "team_id": people.team_id, "default_permission": "write"}
    for by, name in ((people.team_admin, "one"), (people.admin, "two")):
        give(by, make.entry(people.owner, name, **shared), people.reader)
    entry_id = make.entry(people.owner, "three", **shared)
    for by, error in ((people.teammate, Denied), (people.stranger, NotFound), (people.anonymous, NotFound)):
        with pytest.raises(error):
            give(by, entry_id, by)
    for user_id in (new_id(), "x", ""):
        with in_transaction(app), pytest.raises(NotFound):
            access.set_owner(people.owner.actor, get(entry_id), user_id)
    with app.app_context():
        assert get(entry_id).owner_id == people.owner.id


def test_who_has_just_given_an_entry_away_changes_it_no_more(app: Flask, people: People) -> None:
    """Also in a request that read the entry while it was still theirs."""
    entry_id = make.entry(people.owner)
    with in_transaction(app):
        entry = get(entry_id)
        db.session.execute(Entry.__table__.update().values(owner_id=people.stranger.id))
        assert entry.owner_id == people.owner.id
        with pytest.raises(NotFound):
            access.set_access(people.owner.actor, entry, "public")


def test_a_name_that_the_new_owner_uses_is_in_the_way(app: Flask, people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, "Wheat", kind=kind)
    make.entry(people.stranger, "WHEAT", kind=kind)
    with pytest.raises(Conflict, match="stranger already has"):
        give(people.owner, entry_id, people.stranger)
    with app.app_context():
        assert get(entry_id).owner_id == people.owner.id
    give(people.owner, entry_id, people.reader)


def test_datasets_of_its_own_go_with_an_entry_and_shared_ones_stay(app: Flask, people: People) -> None:
    given, kept = make.entry(people.owner, "given"), make.entry(people.owner, "kept", kind=SCRIPT)
    theirs = make.entry(people.stranger, "theirs")
    own, same, shared = (dataset(people.owner, given, name) for name in ("own", "same", "shared"))
    assert dataset(people.owner, kept, "shared") == shared
    of_stranger = dataset(people.stranger, theirs, "SAME")
    apart = dataset(people.owner, given, "SAME", experiment="Trial")
    give(people.owner, given, people.stranger)
    with app.app_context():
        assert named(own, same, shared, of_stranger, apart) == [
            ("own", "stranger"),
            ("same (owner)", "stranger"),
            ("shared", "owner"),
            ("SAME", "stranger"),
            ("SAME", "stranger"),
        ]
    assert dataset(people.stranger, given, "own") == own
    assert dataset(people.stranger, given, "same") == of_stranger
    assert dataset(people.owner, kept, "shared") == shared
    assert dataset(people.owner, kept, "own") != own


def test_counts_by_dataset_name_a_renamed_one_anew(app: Flask, people: People) -> None:
    entry_id, theirs = make.entry(people.owner, "given"), make.entry(people.stranger, "theirs")
    with in_transaction(app):
        new = NewRecord({}, names=Names(site="Waseca"), dataset="plots")
        records.add(people.owner.actor, get(entry_id), new)
    dataset(people.stranger, theirs, "plots")

    def counted() -> Sequence[Any]:
        with app.app_context():
            wanted = Wanted(kind=MODEL, entry_id=entry_id)
            return record_counts.counts(people.admin.actor, wanted).facets["dataset_names"]

    assert counted() == [("plots", 1)]
    give(people.owner, entry_id, people.stranger)
    assert counted() == [("plots (owner)", 1)]


def test_what_a_deleted_person_had_passes_to_who_deleted_them(app: Flask, people: People, kind: Kind) -> None:
    private = make.entry(people.owner, "wheat", kind=kind)
    shared = make.entry(people.owner, "barley", kind=kind, access="protected", team_id=people.team_id)
    taken = make.entry(people.owner, "Oat", kind=kind, access="public", default_permission="write")
    twice = make.entry(people.owner, "Rye", kind=kind)
    for name in ("oat", "rye", "Rye (OWNER)"):
        make.entry(people.admin, name, kind=kind)
    make.version(people.owner, private, b"kept")
    delete(people.admin, people.owner)
    with app.app_context():
        given = [get(entry_id) for entry_id in (private, shared, taken, twice)]
        assert [entry.name for entry in given] == ["wheat", "barley", "Oat (owner)", "Rye (owner 2)"]
        assert {entry.owner_id for entry in given} == {people.admin.id}
        assert [entry.access for entry in given] == ["private", "protected", "public", "private"]
        assert entries.get(people.teammate.actor, kind, shared)
        found = noted("owner", "entry.renamed", "user")
        assert found.pop() == ("user.deleted", "owner", "")
        assert sorted(found) == [
            ("entry.renamed", "", "Oat (owner)"),
            ("entry.renamed", "", "Rye (owner 2)"),
            ("owner.changed", "admin", "Oat (owner)"),
            ("owner.changed", "admin", "Rye (owner 2)"),
            ("owner.changed", "admin", "barley"),
            ("owner.changed", "admin", "wheat"),
        ]
    assert people.admin.api.get(f"/api/v2/{kind.word}/{private}/download").data == b"kept"


def test_a_name_that_is_already_long_stays_within_its_length(app: Flask, people: People) -> None:
    entry_id = make.entry(people.owner, "x" * 255)
    make.entry(people.admin, "X" * 255)
    delete(people.admin, people.owner)
    with app.app_context():
        assert get(entry_id).name == "x" * 247 + " (owner)"


def test_what_a_deleted_person_added_stays(app: Flask, people: People) -> None:
    entry_id = make.entry(people.owner, access="protected", team_id=people.team_id, default_permission="write")
    make.version(people.teammate, entry_id, b"by the teammate")
    with in_transaction(app):
        actor, entry = people.teammate.actor, get(entry_id)
        records.add(actor, entry, NewRecord({"yield": 1}, names=Names(site="Waseca"), dataset="plots"))
        runs.add(actor, entry)
        environments.deploy(actor, entry, 1, "dev")
    delete(people.admin, people.teammate)
    assert people.owner.api.get(f"/api/v2/model/{entry_id}/download").data == b"by the teammate"
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Record)) == 1
        assert make.stored_version(entry_id).created_by_id is None
        deployed = environments.list_of(people.owner.actor, get(entry_id))
        assert [(each.name, each.number, each.username) for each in deployed] == [
            ("dev", 1, None),
            ("prod", None, None),
        ]
    page = people.owner.client.get(f"/models/{entry_id}/versions")
    assert page.status_code == 200


def test_datasets_of_a_deleted_person_pass_on(app: Flask, people: People) -> None:
    theirs, mine = make.entry(people.owner, "theirs"), make.entry(people.admin, "mine")
    given = make.entry(people.owner, "given")
    own, same, shared = (dataset(people.owner, theirs, name) for name in ("own", "same", "shared"))
    assert dataset(people.owner, given, "shared") == shared
    give(people.owner, given, people.reader)
    dataset(people.admin, mine, "Same")
    delete(people.admin, people.owner)
    with app.app_context():
        assert named(own, same, shared) == [("own", "admin"), ("same (owner)", "admin"), ("shared", "admin")]
        assert [row.id for row in datasets.list_for(people.reader.actor, get(given))] == [shared]


def test_a_deleted_persons_uploads_end(app: Flask, people: People) -> None:
    """The entry that one made goes with it, as when it is aborted."""
    entry_id = make.entry(people.owner, access="protected", team_id=people.team_id, default_permission="write")
    new = Sending(people.teammate, b"x" * 9000, 4096).put_all()
    version = Sending(people.teammate, b"x" * 9000, 4096, model_name=None, model_id=entry_id).put_all()
    of_owner = Sending(people.owner, b"x" * 9000, 4096, model_name=None, model_id=entry_id).put_all()
    delete(people.admin, people.teammate)
    for sending in (new, version):
        for answer in (sending.put(0), sending.commit(), sending.abort(), sending.ask("GET")):
            assert answer.status_code == 401
    assert of_owner.commit().json["version"] == 1
    with app.app_context():
        assert [entry.id for entry in db.session.scalars(select(Entry))] == [entry_id]


def test_a_deleted_persons_credentials_are_nobodys_at_once(app: Flask, people: People) -> None:
    with in_transaction(app):
        secret = tokens.issue(people.owner.actor, people.owner.id, "laptop", "write")[1]
    ways = [people.owner.headers, {"X-API-Key": secret}]
    assert people.owner.client.get("/account").status_code == 200
    delete(people.admin, people.owner)
    assert people.owner.client.get("/account").status_code == 302
    for headers in ways:
        for path in ("/api/v2/user/info", "/api/models/all", "/models"):
            assert app.test_client(use_cookies=False).get(path, headers=headers).status_code == 401
    again = app.test_client().get("/api/v2/user/login", auth=("owner@example.org", "a horse, correctly stapled"))
    assert again.status_code == 401
    assert (
        app.test_client()
        .post(
            "/api/v2/user/signup", json={"username": "owner", "email": "owner@example.org", "password": "another horse"}
        )
        .json["user_id"]
        != people.owner.id
    )


def test_a_team_outlives_its_last_people(app: Flask, people: People) -> None:
    for whom in (people.team_admin, people.teammate, people.owner):
        delete(people.admin, whom)
    with app.app_context():
        assert list(teams.members(people.admin.actor, db.session.get_one(Team, people.team_id))) == []


def test_kinds_do_not_stand_in_each_others_way(app: Flask, people: People) -> None:
    model, script = (make.entry(people.owner, "wheat", kind=BY_WORD[word]) for word in ("model", "script"))
    make.entry(people.admin, "wheat")
    delete(people.admin, people.owner)
    with app.app_context():
        assert [get(entry_id).name for entry_id in (model, script)] == ["wheat (owner)", "wheat"]
