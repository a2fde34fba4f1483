"""The start page: what is new, true counts, one search, and for each person only what they may see."""

import re

from flask import Flask
from sqlalchemy import event

from portal.database import now
from portal.domain import access, digest
from portal.domain.entries import Entry
from portal.domain.kinds import KINDS, MODEL, SCRIPT
from portal.extensions import db
from tests import make
from tests.people import People, Person, in_transaction, make_people


def words(page: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", page).split())


def start(person: Person, query: str = "") -> str:
    answer = person.client.get(f"/{query}")
    assert answer.status_code == 200
    return words(answer.text)


def add_records(person: Person, entry_id: str, number: int) -> None:
    for each in range(number):
        new = {"model_data": {"plot": each}, "site_name": f"site {each}", "dataset_name": f"set of {entry_id}"}
        assert person.api.post(f"/api/models/id/{entry_id}/records", json=new).status_code == 200


def test_counts_are_of_what_each_may_see(people: People) -> None:
    public = make.entry(people.owner, "public", access="public")
    team = make.entry(people.owner, "team", access="protected", team_id=people.team_id)
    private = make.entry(people.owner, "private")
    make.entry(people.stranger, "script", kind=SCRIPT)
    for entry_id, number in ((public, 1), (team, 2), (private, 3)):
        add_records(people.owner, entry_id, number)

    expected = {
        "anonymous": "Models 1 Scripts 0 Records 1 Datasets 1",
        "reader": "Models 1 Scripts 0 Records 1 Datasets 1",
        "stranger": "Models 1 Scripts 1 Records 1 Datasets 1",
        "teammate": "Models 2 Scripts 0 Records 3 Datasets 2",
        "owner": "Models 3 Scripts 0 Records 6 Datasets 3",
        "admin": "Models 3 Scripts 1 Records 6 Datasets 3",
    }
    assert {name: line for name, line in expected.items() if line not in start(getattr(people, name))} == {}


def test_counts_follow_what_is_deleted_and_shared(people: People) -> None:
    entry_id = make.entry(people.owner)
    add_records(people.owner, entry_id, 2)
    assert "Models 0 Scripts 0 Records 0 Datasets 0" in start(people.reader)
    with in_transaction(people.owner.app):
        access.set_access(people.owner.actor, db.session.get_one(Entry, entry_id), "public")
    assert "Models 1 Scripts 0 Records 2 Datasets 1" in start(people.reader)
    people.owner.api.delete(f"/api/v2/model/{entry_id}")
    assert "Models 0 Scripts 0 Records 0 Datasets 0" in start(people.reader)


def test_what_is_new_comes_first_and_once(people: People) -> None:
    first, second = make.entry(people.owner, "first"), make.entry(people.owner, "second", kind=SCRIPT)
    make.version(people.owner, first)
    make.entry(people.owner, "third")
    for _ in range(3):
        make.version(people.owner, second, b"x" * 1500)
    with people.owner.app.app_context():
        told = [(each.name, each.number, each.username) for each in digest.changes(people.owner.actor, 10)]
        assert told == [("second", 3, "owner"), ("third", None, "owner"), ("first", 1, "owner")]
        assert len(digest.changes(people.owner.actor, 2)) == 2

    page = start(people.owner)
    assert "second Private Script version 3 by owner just now 1.5 kB" in page
    assert "third Private Model registered by owner just now" in page


def test_who_uploaded_and_is_gone_leaves_no_name(people: People) -> None:
    entry_id = make.entry(people.owner, access="public", default_permission="write")
    make.version(people.stranger, entry_id)
    assert "version 1 by stranger" in start(people.reader)
    assert people.admin.api.delete(f"/api/v2/user/{people.stranger.id}").status_code == 200
    page = start(people.reader)
    assert "version 1" in page
    assert "stranger" not in page


def test_nothing_hidden_is_named(people: People) -> None:
    for kind in KINDS:
        make.version(people.owner, make.entry(people.owner, f"secret {kind.word}", kind=kind))
        make.entry(people.owner, f"secret plan {kind.word}", kind=kind)
    for person in (people.stranger, people.teammate, people.anonymous):
        for page in (start(person), start(person, "?q=secret")):
            assert not re.search("secret (plan|model|script)", page)
        assert "Nothing matches" in start(person, "?q=secret")


def test_one_field_finds_models_and_scripts(people: People) -> None:
    for number in range(10):
        make.entry(people.owner, f"barley {number}", kind=MODEL)
    make.entry(people.owner, "plot", kind=SCRIPT, description="draws barley")
    make.entry(people.owner, "oats", kind=SCRIPT)
    page = start(people.owner, "?q=BARLEY")

    assert "10 models barley" in page
    assert "All 10 models, with filters" in page
    assert "1 script plot" in page
    assert "oats" not in page
    assert 'href="/experiments?q=BARLEY"' in people.owner.client.get("/?q=BARLEY").text


def test_a_name_is_found_before_a_description(people: People) -> None:
    make.entry(people.owner, "barley")
    make.entry(people.owner, "newer", description="about barley")
    page = people.owner.client.get("/?q=barley").text

    assert page.index(">barley</a>") < page.index(">newer</a>")


def test_searching_for_signs(people: People) -> None:
    make.entry(people.owner, "plain")
    for text in ("%25", "_", "%5C", "'", '"><b>', "a%00b", "x" * 400):
        assert "Nothing matches" in start(people.owner, f"?q={text}"), text
    assert "New lately" in start(people.owner, "?q=%00")


def test_unfinished_uploads_are_on_top(people: People) -> None:
    for number in range(4):
        make.begin(people.owner, b"x" * 100, chunk_size=10, model_name=f"upload {number}")
    page = start(people.owner)

    assert "upload 3" in page
    assert "All 4 unfinished uploads" in page
    assert "Unfinished uploads" not in start(people.stranger)


def test_a_visitor_learns_how_to_get_in(make_app: object) -> None:
    said = {
        "open": "Make an account to upload",
        "verify": "Ask for an account : an administrator lets you in.",
        "closed": "For an account, ask an administrator of this portal.",
    }
    for signup, sentence in said.items():
        app: Flask = make_app(signup=signup)  # type: ignore[operator]
        page = start(Person(app, "anonymous"))
        assert sentence in page
        assert "Log in" in page
        assert ("Sign up" in page) is (signup != "closed")


def test_a_page_takes_few_statements(app: Flask) -> None:
    people = make_people(app)
    for number in range(5):
        make.version(people.owner, make.entry(people.owner, f"entry {number}"))
        make.begin(people.owner, b"x" * 10, chunk_size=10)
    statements: list[str] = []
    with app.app_context():
        engine = db.engine

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    for path in ("/", "/?q=entry"):
        people.owner.client.get(path)
        statements.clear()
        event.listen(engine, "before_cursor_execute", count)
        people.owner.client.get(path)
        event.remove(engine, "before_cursor_execute", count)
        assert 3 < len(statements) <= 10, statements


def test_counts_do_not_read_records(people: People) -> None:
    """However many there are: the sums of their circumstances are read."""
    statements: list[str] = []
    with people.owner.app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
        digest.numbers(people.owner.actor)
        digest.changes(people.owner.actor, 10)

    assert statements
    assert not [each for each in statements if re.search(r"(FROM|JOIN) record\b", each)]


def test_time_of_a_change_is_that_of_the_version(people: People) -> None:
    entry_id = make.entry(people.owner)
    before = now()
    make.version(people.owner, entry_id)
    with people.owner.app.app_context():
        [change] = digest.changes(people.owner.actor, 1)
        assert before <= change.at <= now()
