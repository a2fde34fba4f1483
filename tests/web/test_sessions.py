"""Signing up, logging in and logging out in a browser."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.domain import sessions
from portal.extensions import db
from portal.security.actor import Via
from tests.people import PASSWORD, People, in_transaction, make_user

NEXT_THAT_LEAD_AWAY = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "https:evil.example",
    "https://evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "//[",
    "//[::1",
    "//evil.example:port/",
    "",
    f"/{'a' * 3000}",
]
NEXT_THAT_STAY = [
    "/models",
    "/models?q=a&sort=name",
    "/account#tokens",
    "/models/../account",
    "/a:b",
    "/@evil.example",
    "/[",
]


def csrf(client: FlaskClient) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/models").text)
    assert found
    return found[1]


def log_in(
    client: FlaskClient, email: str = "owner@example.org", password: str = PASSWORD, next: str | None = None
) -> TestResponse:
    sent = {"email": email, "password": password, "csrf_token": csrf(client)}
    return client.post("/login", data=sent, query_string={} if next is None else {"next": next})


def sign_up(client: FlaskClient, **given: str) -> TestResponse:
    sent = {"username": "ada", "email": "ada@example.org", "password": PASSWORD, **given, "csrf_token": csrf(client)}
    return client.post("/signup", data=sent)


def name_on_page(client: FlaskClient) -> str | None:
    found = re.search(r'<span class="person">([^<]+)<', client.get("/").text)
    return found and found[1]


def test_log_in_and_out(people: People) -> None:
    client = people.owner.app.test_client()
    assert name_on_page(client) is None
    answer = log_in(client, " Owner@example.org ")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert name_on_page(client) == "owner"
    assert client.get("/login").headers["Location"] == "/"
    answer = client.post("/logout", headers={"X-CSRFToken": csrf(client)})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert name_on_page(client) is None


def test_a_cookie_from_before_the_log_out_is_dead(people: People) -> None:
    """M14, A37: the replayed cookie is well signed, and nobody's."""
    client, thief = people.owner.app.test_client(), people.owner.app.test_client()
    log_in(client)
    stolen = client.get_cookie("portal")
    assert stolen
    thief.set_cookie("portal", stolen.value)
    assert name_on_page(thief) == "owner"
    client.post("/logout", headers={"X-CSRFToken": csrf(client)})
    thief.set_cookie("portal", stolen.value)
    assert name_on_page(thief) is None
    assert thief.get("/account").headers["Location"] == "/login?next=/account"
    assert thief.get("/api/v2/user/info").status_code == 401


def test_a_log_in_takes_nothing_over_from_the_visitor(people: People) -> None:
    """No fixation: neither the session nor the CSRF token that somebody planted lives on."""
    client = people.owner.app.test_client()
    planted = csrf(client)
    with client.session_transaction() as session:
        session["planted"] = "yes"
    log_in(client)
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session.permanent
    assert client.post("/theme", data={"theme": "dark"}, headers={"X-CSRFToken": planted}).status_code == 400


def test_who_logs_in_over_a_session_ends_it(people: People) -> None:
    client, thief = people.owner.app.test_client(), people.owner.app.test_client()
    log_in(client)
    old = client.get_cookie("portal")
    assert old
    log_in(client, "stranger@example.org")
    thief.set_cookie("portal", old.value)
    assert (name_on_page(client), name_on_page(thief)) == ("stranger", None)


def test_who_does_not_get_in_sees_one_page(people: People) -> None:
    app = people.owner.app
    with in_transaction(app):
        make_user("waiting", is_verified=False)
    pages = set()
    for email, password in [
        ("nobody@example.org", PASSWORD),
        ("owner@example.org", "a wrong one"),
        ("waiting@example.org", PASSWORD),
    ]:
        client = app.test_client()
        answer = log_in(client, email, password)
        assert answer.status_code == 422
        assert name_on_page(client) is None
        assert password not in answer.text, "a password is never sent back"
        text = re.sub(r'(csrf[^>]*(?:content|value)="[^"]+")', "", answer.text.replace(email, ""))
        pages.add(text)
    assert len(pages) == 1
    assert "do not match an account" in pages.pop()


def test_an_empty_form_is_shown_again(people: People) -> None:
    answer = log_in(people.owner.app.test_client(), "", "")

    assert answer.status_code == 422
    assert "Give your e-mail address." in answer.text


def test_guessing_is_slowed_down_for_everybody_at_that_account(make_app: Callable[..., Flask], people: People) -> None:
    """Over two workers; the right password does not help then, and the answer says when it will."""
    apps = [make_app(login_throttle="3 per hour") for _ in range(2)]
    answers = [log_in(apps[number % 2].test_client(), password="a wrong one") for number in range(3)]
    assert [answer.status_code for answer in answers] == [422] * 3
    answer = log_in(apps[1].test_client())
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    assert "Too many attempts" in answer.text


@pytest.mark.parametrize("how", ["log in", "already in"])
def test_next_never_leads_off_the_site(people: People, how: str) -> None:
    """A35."""
    client = people.owner.app.test_client()
    if how == "already in":
        log_in(client)
    for target in NEXT_THAT_LEAD_AWAY + NEXT_THAT_STAY if how == "already in" else NEXT_THAT_LEAD_AWAY[:3]:
        if how == "log in":
            answer = log_in(people.owner.app.test_client(), next=target)
        else:
            answer = client.get("/login", query_string={"next": target})
        assert answer.status_code == 302
        expected = target.replace("[", "%5B") if target in NEXT_THAT_STAY else "/"
        assert answer.headers["Location"] == expected, target


def test_whoever_must_log_in_comes_back_to_where_they_were(people: People) -> None:
    client = people.owner.app.test_client()
    answer = client.get("/models/new?from=here&x=%2F%2Fevil")
    assert answer.headers["Location"] == "/login?next=/models/new?from%3Dhere%26x%3D%252F%252Fevil"
    page = client.get(answer.headers["Location"])
    assert page.status_code == 200
    sent = {"email": "owner@example.org", "password": PASSWORD, "csrf_token": csrf(client)}
    done = client.post(answer.headers["Location"], data=sent)
    assert done.headers["Location"] == "/models/new?from=here&x=%2F%2Fevil"


def test_the_theme_switch_does_not_lead_off_the_site_either(people: People) -> None:
    client = people.owner.app.test_client()
    for target in NEXT_THAT_LEAD_AWAY:
        answer = client.post("/theme", data={"theme": "dark", "next": target, "csrf_token": csrf(client)})
        assert answer.headers["Location"] == "/", target


def test_who_signs_up_is_in(app: Flask) -> None:
    client = app.test_client()
    answer = sign_up(client)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert name_on_page(client) == "ada"


def test_a_sign_up_that_will_not_do_says_where(people: People) -> None:
    client = people.owner.app.test_client()
    for given, status, sentence in [
        ({"username": ""}, 422, "Choose a user name."),
        ({"username": "a b"}, 422, "Takes 1 to 50 letters"),
        ({"username": "OWNER"}, 409, "This user name is taken."),
        ({"email": "Owner@Example.org"}, 409, "There is an account with this e-mail."),
        ({"email": "ada"}, 422, "Give an e-mail address like"),
        ({"password": "short"}, 422, "A password takes 8 to 128 characters."),
        ({"password": "password"}, 422, "among the commonest"),
    ]:
        answer = sign_up(client, **given)
        assert answer.status_code == status, given
        assert sentence in answer.text
        assert PASSWORD not in answer.text
        assert name_on_page(client) is None


def test_a_portal_where_accounts_wait_for_an_administrator(make_app: Callable[..., Flask]) -> None:
    client = make_app(signup="verify").test_client()
    assert "An administrator looks at every new account" in client.get("/signup").text
    answer = sign_up(client)
    assert answer.headers["Location"] == "/login"
    assert "waits for an administrator" in client.get("/login").text
    assert log_in(client, "ada@example.org").status_code == 422
    assert name_on_page(client) is None


def test_a_portal_that_takes_nobody_in(make_app: Callable[..., Flask]) -> None:
    app = make_app(signup="closed")
    client = app.test_client()
    assert "/signup" not in client.get("/").text
    page = client.get("/signup")
    assert page.status_code == 403
    assert "Signing up is closed here" in page.text
    assert 'name="password"' not in page.text
    assert [sign_up(client, **given).status_code for given in ({}, {"username": ""})] == [403, 403]
    with app.app_context():
        from portal.domain.users import User

        assert db.session.query(User).count() == 0


def test_signing_up_while_logged_in_ends_the_old_session(people: People) -> None:
    """As log-in does: no session stays alive that no browser holds."""
    client = people.owner.client
    with client.session_transaction() as before:
        old_key = before["_user_id"]
    assert name_on_page(client) == "owner"

    assert sign_up(client).status_code == 302

    assert name_on_page(client) == "ada"
    with people.owner.app.app_context():
        assert sessions.resume(old_key, Via.SESSION) is None
