"""People in the bazaar dialect: sign up, log in, who am I, change the password."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.people import PASSWORD, People, in_transaction, make_user

ADA = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}


def log_in(app: Flask, email: str = "owner@example.org", password: str = PASSWORD) -> Any:
    return app.test_client(use_cookies=False).get("/api/v2/user/login", auth=(email, password))


def sign_up(app: Flask, **given: Any) -> Any:
    return app.test_client().post("/api/v2/user/signup", json={**ADA, **given})


def test_sign_up_log_in_who_am_i(app: Flask) -> None:
    signed_up = sign_up(app)
    assert signed_up.status_code == 200
    logged_in = log_in(app, "ADA@example.org")
    assert logged_in.status_code == 200
    assert logged_in.json.keys() == {"user_id", "access_token"}
    assert logged_in.json["user_id"] == signed_up.json["user_id"]
    assert "Set-Cookie" not in logged_in.headers
    token = {"Authorization": f"Bearer {logged_in.json['access_token']}"}
    assert app.test_client().get("/api/v2/user/info", headers=token).json == {
        "id": signed_up.json["user_id"],
        "username": "ada",
        "email": "ada@example.org",
        "admin": False,
        "teams": [],
    }


def test_info_names_the_callers_teams(people: People) -> None:
    for person, is_team_admin in ((people.teammate, False), (people.team_admin, True)):
        teams = [{"team_id": people.team_id, "team_name": "Barley lab", "team_admin": is_team_admin}]
        assert person.api.get("/api/v2/user/info").json["teams"] == teams
    assert people.admin.api.get("/api/v2/user/info").json["admin"] is True


@pytest.mark.parametrize(
    ("given", "status", "field"),
    [
        ({"username": "OWNER"}, 409, "username"),
        ({"email": "Owner@Example.ORG"}, 409, "email"),
        ({"username": "a b"}, 422, "username"),
        ({"username": 7}, 422, "username"),
        ({"username": None}, 422, "username"),
        ({"email": "nowhere"}, 422, "email"),
        ({"password": "short"}, 422, "password"),
        ({"password": "x" * 129}, 422, "password"),
        ({"password": "Password1"}, 422, "password"),
        ({"admin": True}, 422, "admin"),
    ],
)
def test_a_sign_up_that_will_not_do_names_the_field(people: People, given: Any, status: int, field: str) -> None:
    answer = sign_up(people.owner.app, **given)

    assert answer.status_code == status
    assert [each["field"] for each in answer.json["errors"]] == [field]
    assert PASSWORD not in answer.text


def test_who_does_not_get_in_learns_nothing(people: People) -> None:
    with in_transaction(people.owner.app):
        make_user("waiting", is_verified=False)
    bodies = set()
    for email, password in [
        ("nobody@example.org", PASSWORD),
        ("owner@example.org", "a wrong one"),
        ("waiting@example.org", PASSWORD),
        ("owner@example.org\0", PASSWORD),
    ]:
        answer = log_in(people.owner.app, email, password)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="portal", charset="UTF-8"'
        bodies.add(answer.data)
    assert len(bodies) == 1


def test_a_log_in_without_basic_is_refused(people: People) -> None:
    nothing, no_colon = "Basic", f"Basic {b64encode(b'owner@example.org').decode()}"
    not_text = f"Basic {b64encode(bytes([255, 58, 254])).decode()}"
    for header in (nothing, no_colon, not_text, "Basic !!!!", "Bearer x", "Digest x", ""):
        answer = people.anonymous.api.get("/api/v2/user/login", headers={"Authorization": header})
        assert answer.status_code == 401, header
    assert people.anonymous.api.get("/api/v2/user/login").status_code == 401


def test_a_password_may_hold_a_colon_and_any_letter(app: Flask) -> None:
    sign_up(app, password="pass:wörd:日本")

    assert log_in(app, "ada@example.org", "pass:wörd:日本").status_code == 200


def test_guessing_is_slowed_down_over_two_workers(make_app: Callable[..., Flask], people: People) -> None:
    apps = [make_app(login_throttle="3 per hour") for _ in range(2)]
    tried = [log_in(apps[number % 2], password="a wrong one").status_code for number in range(3)]
    refused = [log_in(app) for app in apps]

    assert tried == [401] * 3
    assert [answer.status_code for answer in refused] == [429, 429]
    assert all(0 < int(answer.headers["Retry-After"]) <= 3600 for answer in refused)
    assert log_in(apps[0], "stranger@example.org").status_code == 429, "the address has used up its tries, too"


def test_who_gets_in_is_not_slowed_down(make_app: Callable[..., Flask], people: People) -> None:
    app = make_app(login_throttle="2 per hour")

    assert [log_in(app).status_code for _ in range(4)] == [200] * 4


@pytest.mark.parametrize(("policy", "status"), [("open", 200), ("verify", 200), ("closed", 403)])
def test_whom_the_portal_takes_in(make_app: Callable[..., Flask], policy: str, status: int) -> None:
    app = make_app(signup=policy)

    assert sign_up(app).status_code == status
    assert log_in(app, "ada@example.org").status_code == (200 if policy == "open" else 401)


def test_a_new_password_ends_other_log_ins(people: People) -> None:
    app = people.owner.app
    first, second = ({"Authorization": f"Bearer {log_in(app).json['access_token']}"} for _ in range(2))
    ask = app.test_client().get
    wrong = people.anonymous.api.post(
        "/api/v2/user/password", json={"current": "wrong one", "new": "another good one"}, headers=first
    )
    assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "current")
    done = people.anonymous.api.post(
        "/api/v2/user/password", json={"current": PASSWORD, "new": "another good one"}, headers=first
    )
    assert (done.status_code, done.json) == (200, {})
    assert ask("/api/v2/user/info", headers=first).status_code == 200
    assert ask("/api/v2/user/info", headers=second).status_code == 401
    assert people.owner.client.get("/account").status_code in (200, 302)
    assert log_in(app).status_code == 401
    assert log_in(app, password="another good one").status_code == 200


def test_a_log_in_by_get_sets_no_cookie_and_a_page_logs_it_out(people: People) -> None:
    token = {"Authorization": f"Bearer {log_in(people.owner.app).json['access_token']}"}
    client = people.owner.app.test_client()

    assert client.post("/logout", headers=token).status_code == 302
    assert client.get("/api/v2/user/info", headers=token).status_code == 401


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer junk"}, {"X-API-Key": "mp_junk"}])
def test_a_bad_credential_is_refused_where_none_is_needed(app: Flask, headers: dict[str, str]) -> None:
    answer = app.test_client().post("/api/v2/user/signup", json=ADA, headers=headers)

    assert answer.status_code == 401
    assert log_in(app, "ada@example.org").status_code == 401


def test_a_log_in_without_a_credential_is_asked_for_basic(app: Flask) -> None:
    answer = app.test_client().get("/api/v2/user/login")

    assert answer.headers["WWW-Authenticate"] == 'Basic realm="portal", charset="UTF-8"'
