"""What administrators see of the whole portal: true figures, and for them alone."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from portal.domain import oversight
from portal.domain.entries import Entry
from portal.domain.kinds import SCRIPT
from portal.domain.records import Record
from portal.domain.users import User
from portal.domain.versions import Version
from portal.errors import Denied, NotFound, Unauthenticated
from portal.extensions import db
from portal.security.actor import Actor, Via
from portal.uploads import session
from tests import make
from tests.people import People, in_transaction, make_user

ASKED: dict[str, Callable[[Actor], Any]] = {
    "totals": oversight.totals,
    "storage": lambda actor: oversight.storage(actor, 10),
    "people": lambda actor: oversight.people(actor, "", 1),
    "person": lambda actor: oversight.person(actor, "x"),
    "teams_of": lambda actor: oversight.teams_of(actor, "x"),
    "clashes": lambda actor: oversight.clashes(actor, "x", 1),
    "damaged": lambda actor: oversight.damaged(actor, 1),
    "still_there": lambda actor: oversight.still_there(actor, []),
    "uploads": lambda actor: session.list_all_unfinished(actor, 1),
}


@pytest.mark.parametrize("asked", ASKED)
def test_it_is_for_administrators(people: People, asked: str) -> None:
    with people.owner.app.app_context():
        for person in (people.owner, people.team_admin, people.stranger):
            with pytest.raises(Denied):
                ASKED[asked](person.actor)
        with pytest.raises(Unauthenticated):
            ASKED[asked](people.anonymous.actor)


def test_a_token_that_only_reads_is_enough(people: People) -> None:
    with people.owner.app.app_context():
        assert oversight.totals(replace(people.admin.actor, may_write=False, via=Via.TOKEN)).users == 6


def test_totals(people: People) -> None:
    entry_id = make.entry(people.owner)
    make.entry(people.stranger, kind=SCRIPT)
    make.version(people.owner, entry_id, b"12345")
    make.version(people.owner, entry_id, b"123")
    add_record(people, entry_id, b"1234567")
    with in_transaction(people.owner.app):
        make_user("noor", is_verified=False)

        found = oversight.totals(people.admin.actor)
        assert found == (7, 1, 1, 2, 1, 15, {"model": 1, "script": 1})


def test_storage_counts_versions_and_files_of_records_once_each(people: People) -> None:
    """Two versions and three records of one entry are two and three, not six."""
    first, second = make.entry(people.owner, "first"), make.entry(people.owner, "second")
    for data in (b"12345", b"123"):
        make.version(people.owner, first, data)
    make.version(people.owner, second, b"1")
    for size in (1, 2, 3):
        add_record(people, first, b"x" * size)
    make.version(people.stranger, make.entry(people.stranger), b"x" * 40)
    make.entry(people.reader, "no file")
    with people.owner.app.app_context():
        rows = [
            (row.username, row.entries, row.versions, row.size) for row in oversight.storage(people.admin.actor, 10)
        ]

        assert rows == [("stranger", 1, 1, 40), ("owner", 2, 3, 15)]
        assert len(oversight.storage(people.admin.actor, 1)) == 1


def test_storage_is_right_at_ten_thousand_entries(people: People) -> None:
    owners = [people.owner.id, people.stranger.id, people.reader.id]
    expected = dict.fromkeys(owners, 0)
    with in_transaction(people.owner.app):
        made, versions = [], []
        for number in range(10_000):
            owner_id, entry_id = owners[number % 3], f"{number:032x}"
            name = {"name": f"entry {number}", "name_key": f"entry {number}"}
            made.append({"id": entry_id, "kind": "model", "owner_id": owner_id, "info": {}, "attributes": {}, **name})
            file = {"file_name": "x", "size": number + 2**31, "sha256": "0" * 64}
            versions.append({"id": f"{number + 10**6:032x}", "entry_id": entry_id, "number": 1, **file})
            expected[owner_id] += number + 2**31
        db.session.execute(Entry.__table__.insert(), made)
        db.session.execute(Version.__table__.insert(), versions)

        rows = oversight.storage(people.admin.actor, 10)
        assert {row.id: int(row.size) for row in rows} == expected
        assert sorted(row.entries for row in rows) == [3333, 3333, 3334]
        assert all(one.size >= other.size for one, other in pairwise(rows))


def test_people_are_found_by_name_and_by_mail(people: People) -> None:
    make.version(people.owner, make.entry(people.owner), b"12345")
    with in_transaction(people.owner.app):
        make_user("noor", is_verified=False)
        make_user("under_score")
        admin = people.admin.actor

        def names(text: str, number: int = 1) -> list[str]:
            return [row.username for row in oversight.people(admin, text, number)[0]]

        everybody = ["noor", "admin", "owner", "reader", "stranger", "team_admin", "teammate", "under_score"]
        assert names("") == everybody
        assert names("TEAM") == ["team_admin", "teammate"]
        assert names("noor@example") == ["noor"]
        assert names("%") == []
        assert names("r_s") == ["under_score"]
        assert names("", 2) == []
        [owner] = oversight.people(admin, "owner", 1)[0]
        assert (owner.entries, owner.versions, owner.size) == (1, 1, 5)
        assert oversight.people(admin, "team", 1)[1] == 2


def test_people_come_in_pages(people: People) -> None:
    with in_transaction(people.owner.app):
        for number in range(oversight.PAGE_PEOPLE):
            make_user(f"person-{number:03}")
        pages = [oversight.people(people.admin.actor, "", number) for number in (1, 2, 3)]

        assert [len(rows) for rows, _total in pages] == [oversight.PAGE_PEOPLE, 6, 0]
        assert {total for _rows, total in pages} == {oversight.PAGE_PEOPLE + 6}
        assert len({row.id for rows, _total in pages for row in rows}) == oversight.PAGE_PEOPLE + 6


def test_one_person(people: People) -> None:
    with people.owner.app.app_context():
        assert oversight.person(people.admin.actor, people.owner.id or "").username == "owner"
        assert list(oversight.teams_of(people.admin.actor, people.owner.id or "")) == ["Barley lab"]
        for nobody in ("x", "0b5c1e7e-6c1f-4d0c-9d58-2f0f4d4f9f3a"):
            with pytest.raises(NotFound):
                oversight.person(people.admin.actor, nobody)


def test_names_that_clash(people: People) -> None:
    for name in ("Yield", "mine", "b"):
        make.entry(people.admin, name)
    for name in ("yield ", "theirs", "B"):
        make.entry(people.owner, name)
    make.entry(people.owner, "mine", kind=SCRIPT)
    with people.owner.app.app_context():
        found, number = oversight.clashes(people.admin.actor, people.owner.id or "", 1)

        assert (found, number) == ([("model", "B")], 2)


def test_damaged_files(people: People) -> None:
    entry_id = make.entry(people.owner, "hurt")
    make.version(people.owner, entry_id)
    make.version(people.owner, entry_id)
    record_id = add_record(people, entry_id, b"1")
    add_record(people, entry_id, b"2")
    with in_transaction(people.owner.app):
        assert oversight.damaged(people.admin.actor, 10) == []
        make.stored_version(entry_id, 2).is_damaged = True
        db.session.get_one(Record, record_id).is_file_damaged = True
        db.session.flush()

        rows = oversight.damaged(people.admin.actor, 10)
        assert [(row.name, row.username, row.number, row.record_id) for row in rows] == [
            ("hurt", "owner", 2, None),
            ("hurt", "owner", None, record_id),
        ]


def test_unfinished_uploads_of_everybody(people: People) -> None:
    for person in (people.owner, people.stranger, people.owner):
        make.begin(person, b"x" * 10, chunk_size=10)
    with people.owner.app.app_context():
        db.session.query(User).first()
        rows, number = session.list_all_unfinished(people.admin.actor, 2)
        own, own_number = session.list_all_unfinished(people.admin.actor, 10, people.owner.id)

        assert ([row.username for row in rows], number) == (["owner", "stranger"], 3)
        assert ([row.username for row in own], own_number) == (["owner", "owner"], 2)


def add_record(people: People, entry_id: str, file: bytes) -> str:
    """The id of a new record with a file."""
    name = f"{len(file)}-{file[:1].decode()}.bin"
    form = {"model_data": "{}", "site_name": name}
    answer = people.owner.api.post(
        f"/api/models/id/{entry_id}/records", data={**form, "record_file": (make.io.BytesIO(file), name)}
    )
    assert answer.status_code == 200, answer.text
    record_id: str = answer.json["id"]
    return record_id
