"""The account page: name, e-mail, password, tokens, sessions."""

import re
from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from portal.domain.tokens import Token
from portal.extensions import db
from tests.people import PASSWORD, People, Person


def send(person: Person, path: str, **fields: Any) -> TestResponse:
    return person.client.post(path, data={**fields, "csrf_token": person.csrf_token})


def another_browser(person: Person) -> Person:
    return Person(person.app, person.name, person.id)


def is_in(person: Person) -> bool:
    return person.client.get("/account").status_code == 200


def info(person: Person, token: str) -> TestResponse:
    client = person.app.test_client(use_cookies=False)
    return client.get("/api/v2/user/info", headers={"Authorization": f"Bearer {token}"})


def test_name_and_address_are_changed_with_the_password(people: People) -> None:
    owner = people.owner
    answer = send(owner, "/account", username="Owner.2", email="new@example.org", current=PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account")
    page = owner.client.get("/account").text
    assert 'value="Owner.2"' in page
    assert 'value="new@example.org"' in page
    assert "are saved" in page


def test_what_will_not_do_is_shown_beside_its_field_and_changes_nothing(people: People) -> None:
    owner = people.owner
    good = {"username": "owner", "email": "owner@example.org", "current": PASSWORD}
    for given, status, sentence in [
        ({"current": "a wrong one"}, 422, "This is not your current password."),
        ({"current": ""}, 422, "Give your current password."),
        ({"username": "Stranger"}, 409, "This user name is taken."),
        ({"email": "stranger@example.org"}, 409, "There is an account with this e-mail."),
        ({"email": "nowhere"}, 422, "Give an e-mail address like"),
        ({"username": "two words"}, 422, "Takes 1 to 50 letters"),
    ]:
        answer = send(owner, "/account", **{**good, **given})
        assert answer.status_code == status, given
        assert sentence in answer.text
        assert PASSWORD not in answer.text
        assert owner.api.get("/api/v2/user/info").json["username"] == "owner"
        assert owner.api.get("/api/v2/user/info").json["email"] == "owner@example.org"


def test_a_new_password_ends_every_other_session(people: People) -> None:
    owner, elsewhere, stranger = people.owner, another_browser(people.owner), people.stranger
    token = new_token(owner)
    assert is_in(elsewhere)
    assert is_in(stranger)
    assert elsewhere.api.get("/api/v2/user/info").status_code == 200
    answer = send(owner, "/account/password", current=PASSWORD, new="another good one")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account")
    assert is_in(owner)
    assert is_in(stranger)
    assert not is_in(elsewhere)
    assert elsewhere.api.get("/api/v2/user/info").status_code == 401
    assert info(owner, token).status_code == 200, "personal tokens stay until they are revoked"


def test_a_password_that_will_not_do_changes_nothing(people: People) -> None:
    owner, elsewhere = people.owner, another_browser(people.owner)
    for current, new, sentence in [
        ("a wrong one", "another good one", "This is not your current password."),
        (PASSWORD, "short", "A password takes 8 to 128 characters."),
        (PASSWORD, "password", "among the commonest"),
        (PASSWORD, "", "Choose a new password."),
    ]:
        answer = send(owner, "/account/password", current=current, new=new)
        assert answer.status_code == 422
        assert sentence in answer.text
        assert is_in(elsewhere)


def test_a_stolen_session_cannot_guess_the_password(make_app: Callable[..., Flask], people: People) -> None:
    owner = Person(make_app(login_throttle="2 per hour"), "owner", people.owner.id)
    for _ in range(2):
        assert send(owner, "/account/password", current="a guess", new="another good one").status_code == 422
    answer = send(owner, "/account/password", current=PASSWORD, new="another good one")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    answer = send(owner, "/account", username="owner", email="eve@example.org", current=PASSWORD)
    assert answer.status_code == 429


def new_token(person: Person, name: str = "laptop", scope: str = "write", expires_in: str = "30") -> str:
    answer = send(person, "/account/tokens", name=name, scope=scope, expires_in=expires_in)
    assert answer.status_code == 200
    found = re.search(r"<code>(mp_[\w-]+)</code>", answer.text)
    assert found
    return found[1]


def test_a_token_is_shown_once(people: People) -> None:
    owner = people.owner
    token = new_token(owner, "the field laptop")
    page = owner.client.get("/account").text
    assert token not in page
    assert "the field laptop" in page
    assert "never" in page, "not used yet"
    assert info(owner, token).json["username"] == "owner"
    with owner.app.app_context():
        kept = db.session.query(Token).one()
        assert kept.scope == "write"
        assert kept.expires_at
        assert 29 < (kept.expires_at - kept.created_at).total_seconds() / 86400 < 31


def test_a_token_may_last_for_ever(people: People) -> None:
    new_token(people.owner, scope="read", expires_in="")
    with people.owner.app.app_context():
        kept = db.session.query(Token).one()
        assert (kept.scope, kept.expires_at) == ("read", None)


def test_a_token_that_will_not_do(people: People) -> None:
    good = {"name": "laptop", "scope": "read", "expires_in": "30"}
    for given in ({"name": ""}, {"name": "x" * 256}, {"scope": "admin"}, {"expires_in": "36500"}, {"expires_in": "x"}):
        answer = send(people.owner, "/account/tokens", **{**good, **given})
        assert answer.status_code == 422, given
        assert "mp_" not in answer.text
    with people.owner.app.app_context():
        assert db.session.query(Token).count() == 0


def test_a_revoked_token_stops_at_once(people: People) -> None:
    owner = people.owner
    token = new_token(owner)
    assert info(owner, token).status_code == 200
    with owner.app.app_context():
        path = f"/account/tokens/{db.session.query(Token).one().id}/revocation"
    assert send(people.stranger, path).status_code == 404
    assert info(owner, token).status_code == 200
    assert send(owner, path).status_code == 302
    assert info(owner, token).status_code == 401
    assert send(owner, path).status_code == 404


def test_log_out_everywhere_else(people: People) -> None:
    owner, elsewhere, stranger = people.owner, another_browser(people.owner), people.stranger
    assert all(map(is_in, (owner, elsewhere, stranger)))
    assert "Log out everywhere else" in owner.client.get("/account").text
    assert send(owner, "/account/sessions/end").status_code == 302
    assert [is_in(each) for each in (owner, elsewhere, stranger)] == [True, False, True]
    assert "Log out everywhere else" not in owner.client.get("/account").text
