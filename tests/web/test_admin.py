"""The pages of administrators: what they show, what their forms do, and that nobody else learns of them."""

import re

import pytest

from portal.domain import audit
from portal.domain.users import User
from portal.extensions import db
from tests import make
from tests.people import PASSWORD, People, Person, in_transaction, make_user


def send(person: Person, path: str, **data: str) -> str:
    """The page that a form of `person` leads to."""
    answer = person.client.post(path, data={**data, "csrf_token": person.csrf_token}, follow_redirects=True)
    assert answer.status_code < 500
    return str(answer.text)


def words(page: str) -> str:
    """What stands on a page, on one line."""
    return " ".join(re.sub("<[^>]+>", " ", page).split())


def said(page: str) -> str:
    """What an error page says, without the number of the request."""
    return words(page).partition(" Error 404")[0]


def user(people: People, name: str) -> User | None:
    return db.session.query(User).filter_by(username=name).one_or_none()


@pytest.mark.parametrize("path", ["/admin", "/admin/users", "/admin/activity", "/admin/users/new"])
def test_nobody_else_finds_anything_here(people: People, path: str) -> None:
    for person in (people.owner, people.team_admin, people.stranger):
        answer, nothing = person.client.get(path), person.client.get("/nothing")
        assert (answer.status_code, said(answer.text)) == (404, said(nothing.text))
    assert people.anonymous.client.get(path).headers["Location"] == f"/login?next={path}"
    assert people.admin.client.get(path).status_code == 200


def test_the_menu_leads_administrators_here(people: People) -> None:
    assert people.admin.client.get("/").text.count('href="/admin"') == 2  # the person's menu, and the phone's
    assert 'href="/admin"' not in people.owner.client.get("/").text


def test_the_overview(people: People) -> None:
    entry_id = make.entry(people.owner, "yield-net")
    make.version(people.owner, entry_id, b"x" * 1500)
    make.version(people.owner, entry_id, b"x" * 1500)
    make.begin(people.stranger, b"x" * 5000, chunk_size=1000, model_name="oats", file_name="oats.bin")
    page = people.admin.client.get("/admin").text

    assert "Users 6 Teams 1 Models 2 Scripts 0 Versions 2 Records 0 Stored 3.0 kB" in words(page)
    assert "No file is known to be damaged" in page
    assert "owner 1 2 3.0 kB 100 %" in words(page)
    assert "oats.bin oats stranger just now 0 bytes of 5.0 kB in 7 days" in words(page)
    assert "owner uploaded version 2 of the model yield-net" in words(page)
    assert "waits to be verified" not in page


def test_damage_is_named_on_top(people: People) -> None:
    entry_id = make.entry(people.owner, "hurt")
    make.version(people.owner, entry_id)
    with in_transaction(people.owner.app):
        make.stored_version(entry_id).is_damaged = True

    page = people.admin.client.get("/admin").text
    assert "model.bin: version 1 of hurt ( owner )" in words(page).replace("(owner)", "( owner )")
    assert f'href="/models/{entry_id}/versions"' in page


def test_who_waits_is_let_in(people: People) -> None:
    with in_transaction(people.owner.app):
        user_id = make_user("noor", is_verified=False)
    assert "1 user waits to be verified" in words(people.admin.client.get("/admin").text)

    page = send(people.admin, f"/admin/users/{user_id}/verification", next="/admin/users?q=noor")
    assert "noor may log in now." in page
    assert "Waits to be verified" not in page
    assert 'value="noor"' in page


def test_adding_a_user(people: People) -> None:
    page = send(people.admin, "/admin/users/new", username="noor", email="noor@example.org", password=PASSWORD)
    assert "noor can log in now." in page
    log_in = people.anonymous.client.post(
        "/login", data={"email": "noor@example.org", "password": PASSWORD, **csrf(people)}
    )
    assert log_in.status_code == 302

    taken = send(people.admin, "/admin/users/new", username="Noor", email="other@example.org", password="short")
    assert "Error: Add a user" in taken
    assert 'value="Noor"' in taken


def csrf(people: People) -> dict[str, str]:
    return {"csrf_token": people.anonymous.csrf_token}


def test_making_and_unmaking_administrators(people: People) -> None:
    path = f"/admin/users/{people.reader.id}"
    assert "reader is an administrator now." in send(people.admin, f"{path}/promotion", next="/admin/users")
    assert people.reader.client.get("/admin").status_code == 200
    assert "reader is an ordinary user now." in send(people.admin, f"{path}/demotion", next="/admin/users")
    assert people.reader.client.get("/admin").status_code == 404


def test_the_last_administrator_stays(people: People) -> None:
    page = send(people.admin, f"/admin/users/{people.admin.id}/demotion", next="/admin/users")

    assert "last administrator" in page
    assert people.admin.client.get("/admin").status_code == 200


def test_who_gives_it_up_is_led_home(people: People) -> None:
    send(people.admin, f"/admin/users/{people.reader.id}/promotion")
    page = send(people.admin, f"/admin/users/{people.admin.id}/demotion", next="/admin/users")

    assert "You are no administrator any more." in page
    assert people.admin.client.get("/admin").status_code == 404


def test_deleting_says_what_passes_to_whom(people: People) -> None:
    make.entry(people.admin, "yield-net")
    entry_id = make.entry(people.owner, "yield-net")
    make.version(people.owner, entry_id, b"x" * 1500)
    make.begin(people.owner, b"", model_id=entry_id, model_name=None)
    path = f"/admin/users/{people.owner.id}/delete"
    page = words(people.admin.client.get(path).text)

    assert "1 model or script, 1 version with 1.5 kB" in page
    assert "“yield-net” becomes “yield-net (owner)”, as you have one of that name" in page
    assert "their place in 1 team: Barley lab" in page
    assert "1 unfinished upload with what has arrived of it" in page

    wrong = send(people.admin, path, name="somebody")
    assert "This is not the user name." in wrong
    assert "The account of owner is deleted." in send(people.admin, path, name="owner")
    with people.admin.app.app_context():
        assert user(people, "owner") is None
        assert audit.recent(people.admin.actor).rows[0].what == "user.deleted"
    assert "yield-net (owner)" in people.admin.client.get(f"/models/{entry_id}").text
    assert "owner uploaded version 1 of the model yield-net" in words(people.admin.client.get("/admin/activity").text)


def test_nobody_deletes_themselves(people: People) -> None:
    path = f"/admin/users/{people.admin.id}/delete"
    page = people.admin.client.get(path).text

    assert "Ask another administrator" in page
    assert "Delete for good" not in page
    send(people.admin, path, name="admin")
    with people.admin.app.app_context():
        assert user(people, "admin") is not None


def test_users_are_searched(people: People) -> None:
    page = words(people.admin.client.get("/admin/users?q=TEAM").text)
    assert "2 users" in page
    assert "teammate@example.org" in page
    assert "owner@example.org" not in page
    assert "Nobody has “zzz”" in people.admin.client.get("/admin/users?q=zzz").text
    assert "There are no more" in people.admin.client.get("/admin/users?page=9").text


def test_what_is_deleted_is_told_without_a_link(people: People) -> None:
    kept, gone = make.entry(people.owner, "kept"), make.entry(people.owner, "gone")
    people.owner.api.delete(f"/api/v2/model/{gone}")
    page = people.admin.client.get("/admin/activity").text

    assert "owner deleted the model gone" in words(page)
    assert f"/models/{kept}" in page
    assert f"/models/{gone}" not in page


def test_the_overview_takes_few_statements(people: People) -> None:
    for number in range(5):
        entry_id = make.entry(people.owner, f"entry {number}")
        make.version(people.owner, entry_id)
        make.begin(people.owner, b"x" * 10, chunk_size=10)
    people.admin.client.get("/admin")
    statements: list[str] = []
    with people.owner.app.app_context():
        engine = db.engine

    from sqlalchemy import event

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    people.admin.client.get("/admin")
    event.remove(engine, "before_cursor_execute", count)
    assert 5 < len(statements) <= 12, statements
