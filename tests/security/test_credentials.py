"""Who is calling: one credential at a time, of the right sort, in the right place."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from portal.database import now
from portal.domain import sessions, tokens
from portal.domain.kinds import MODEL
from portal.domain.tokens import Token
from portal.domain.users import User
from portal.extensions import db
from portal.security.actor import Via
from tests import make
from tests.people import People, Person, in_transaction
from tests.security.calls import Things, by_cookie, outcome, request_of
from tests.security.contents import contents
from tests.security.expectations import IN_THE_TEAM, lines

# A read token may begin a session or an account as anybody may: these change nothing of its person's.
OPEN_TO_ALL = {"POST /theme", "POST /login", "POST /signup", "POST /logout", "POST /api/v2/user/signup"}
TAKE_UPLOAD_TOKENS_ALONE = {
    "POST /api/v2/<word:kind>/upload/<idx>",
    "POST /api/v2/<word:kind>/upload/<idx>/url",
    "POST /api/v2/<word:kind>/upload/commit",
}
TAKE_UPLOAD_TOKENS = {*TAKE_UPLOAD_TOKENS_ALONE, "GET /api/v2/<word:kind>/upload", "DELETE /api/v2/<word:kind>/upload"}


def token_of(person: Person, scope: str = "write") -> str:
    with in_transaction(person.app):
        return tokens.issue(person.actor, person.id, "laptop", scope)[1]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def who(app: Flask, headers: dict[str, str]) -> str | int:
    """The name of the person that the portal takes the caller for, or the status of its refusal."""
    answer = app.test_client(use_cookies=False).get("/api/v2/user/info", headers=headers)
    return answer.json["username"] if answer.status_code == 200 else answer.status_code


@pytest.fixture
def things(people: People) -> Things:
    things = Things(people.owner.app, people, MODEL, "private")
    things.make_entry()
    make.version(people.owner, things.entry_id)
    things.make_upload()
    things.make_token()
    things.make_app()
    return things


def test_three_headers_carry_a_token(app: Flask, people: People) -> None:
    token = token_of(people.owner)

    for headers in (bearer(token), {"Authorization": f"bearer {token}"}, {"X-API-TOKEN": token}, {"X-API-Key": token}):
        assert who(app, headers) == "owner"
    assert who(app, {"X-API-TOKEN": token, **bearer(token)}) == "owner", "the same one twice is one"


def test_two_credentials_at_once_are_none(app: Flask, people: People) -> None:
    mine, theirs = token_of(people.owner), token_of(people.stranger)

    assert who(app, {**bearer(mine), "X-API-Key": theirs}) == 401
    assert who(app, {**bearer(mine), "X-API-TOKEN": ""}) == 401
    assert who(app, {"Authorization": f"Bearer {mine}, Bearer {theirs}"}) == 401


def test_a_token_speaks_where_a_cookie_is_there_too(people: People) -> None:
    """A30: never a mixed identity, and never the cookie's where the token is bad."""
    ask = people.owner.client.get
    theirs = token_of(people.stranger)

    assert ask("/api/v2/user/info", headers=bearer(theirs)).json["username"] == "stranger"
    assert ask("/api/v2/user/info", headers=bearer("mp_junk")).status_code == 401
    assert ask("/account", headers=bearer("mp_junk")).status_code == 401


def test_a_bad_credential_is_refused_where_nobody_would_have_been_let_in(app: Flask, people: People) -> None:
    make.entry(people.owner, "for all", access="public")
    visitor = app.test_client(use_cookies=False)
    for headers in (bearer("junk"), bearer("mp_junk"), bearer("ms_junk"), bearer(""), {"X-API-Key": ""}):
        for path in ("/api/models/all", "/", "/models", "/login"):
            assert visitor.get(path).status_code == 200
            answer = visitor.get(path, headers=headers)
            assert answer.status_code == 401, (path, headers)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert visitor.get("/nothing-there", headers=headers).status_code == 404
        assert visitor.get("/healthz", headers=headers).status_code == 200


def test_a_token_in_the_wrong_place_counts_for_nothing(app: Flask, people: People) -> None:
    """A26."""
    token = token_of(people.owner)
    visitor = app.test_client()
    for name in ("token", "access_token", "api_key", "X-API-TOKEN", "Authorization"):
        assert visitor.get("/api/v2/user/info", query_string={name: token}).status_code == 401
        visitor.set_cookie(name.lower(), token)
    assert visitor.get("/api/v2/user/info").status_code == 401
    assert visitor.post("/api/v2/user/tokens", json={"name": "x", "access_token": token}).status_code == 401
    assert visitor.post("/api/v2/user/tokens", data={"access_token": token}).status_code == 401


def test_a_cookies_key_is_no_access_token_nor_the_other_way_round(app: Flask, people: People) -> None:
    with in_transaction(app):
        assert people.owner.id
        cookie_key = sessions.start(people.owner.id, Via.SESSION)
        access_token = sessions.start(people.owner.id, Via.LOGIN)
    browser = app.test_client()
    with browser.session_transaction() as session:
        session["_user_id"] = access_token

    assert who(app, bearer(access_token)) == "owner"
    assert who(app, bearer(cookie_key)) == 401
    assert browser.get("/account").status_code == 302
    with app.app_context():
        assert cookie_key[:3] == access_token[:3] == sessions.PREFIX != tokens.PREFIX


def test_a_forged_cookie_is_nobodys(make_app: Callable[..., Flask], people: People) -> None:
    other_key = make_app(secret_key="another key, just as long as it has to be")
    with other_key.test_client() as forger:
        with forger.session_transaction() as session:
            session["_user_id"] = "whoever"
        cookie = forger.get_cookie("portal")
    assert cookie
    browser = people.owner.app.test_client()
    browser.set_cookie("portal", cookie.value)

    assert browser.get("/account").status_code == 302


def test_a_read_token_changes_nothing(people: People, things: Things) -> None:
    headers = bearer(token_of(people.owner, "read"))
    before = contents(people.owner.app)
    for line in lines():
        if line.is_unsafe and str(line) not in OPEN_TO_ALL:
            request = request_of(line, things, people.owner)
            answer = people.owner.app.test_client(use_cookies=False).open(**request, headers=headers)
            is_hidden = line.route.startswith("/admin")
            expected = 401 if str(line) in TAKE_UPLOAD_TOKENS_ALONE else 404 if is_hidden else 403
            assert answer.status_code == expected, line
    after = contents(people.owner.app)
    assert {name: rows for name, rows in after.items() if name != "token"} == {
        name: rows for name, rows in before.items() if name != "token"
    }, "that a token was used is noted, nothing else"


def test_an_administrators_read_token_looks_and_changes_nothing(people: People, things: Things) -> None:
    headers = bearer(token_of(people.admin, "read"))
    for line in lines():
        if line.route.startswith("/admin"):
            request = request_of(line, things, people.admin)
            answer = people.admin.app.test_client(use_cookies=False).open(**request, headers=headers)
            assert answer.status_code == (403 if line.is_unsafe else 200), line


def test_a_read_token_reads_what_its_person_reads(people: People, things: Things) -> None:
    headers = bearer(token_of(people.owner, "read"))
    writes = (
        "/edit",
        "/delete",
        "/uploads/new",
        "/records/new",
        "/records/import",
        "/leave",
        "/apps/new",
        "app_id>/new",
    )
    for line in lines():
        if not line.is_unsafe and not line.route.endswith(writes):
            request = request_of(line, things, people.owner)
            answer = people.owner.app.test_client(use_cookies=False).open(**request, headers=headers)
            column = IN_THE_TEAM["owner"] if line.about == "team" else "owner"
            assert outcome(answer) == line.expected(column) or line.route == "/readyz", line


def test_an_upload_token_opens_no_other_door(people: People, things: Things) -> None:
    """Everywhere but in the five routes of its upload it is a bad credential like any other."""
    headers = bearer(make.begin(people.owner, b"")["token"])
    for line in lines():
        if str(line) in TAKE_UPLOAD_TOKENS or line.route in ("/healthz", "/readyz", "/uploads/client.py"):
            continue
        if line.route.startswith(("/static", "/files/records/", "/api/v2/presigned/")):  # whoever has the address
            continue
        request = request_of(line, things, people.owner)
        answer = people.owner.app.test_client(use_cookies=False).open(**request, headers=headers)
        assert answer.status_code == 401, line


def test_rights_are_those_of_the_moment(people: People) -> None:
    """A21: who loses a right loses it in the next request, whatever credential they hold."""
    entry_id = make.entry(people.owner, access="protected", team_id=people.team_id, default_permission="write")
    teammate, path = people.teammate, f"/api/v2/model/{entry_id}"
    ways = [teammate.headers, bearer(token_of(teammate))]
    assert [teammate.client.get(path).status_code, *(who_sees(path, teammate, way) for way in ways)] == [200] * 3
    with in_transaction(people.owner.app):
        db.session.execute(update(User).where(User.id == teammate.id).values(is_admin=False))
        from portal.domain.teams import Membership

        db.session.delete(db.session.get_one(Membership, (people.team_id, teammate.id)))
    assert [teammate.client.get(path).status_code, *(who_sees(path, teammate, way) for way in ways)] == [404] * 3


def test_an_administrator_who_is_none_any_more_has_no_more_rights(people: People) -> None:
    path = f"/api/v2/model/{make.entry(people.owner)}"
    ways = [people.admin.headers, bearer(token_of(people.admin))]
    assert [who_sees(path, people.admin, way) for way in ways] == [200, 200]
    with in_transaction(people.owner.app):
        db.session.execute(update(User).where(User.id == people.admin.id).values(is_admin=False))
    assert [who_sees(path, people.admin, way) for way in ways] == [404, 404]


def test_whoever_is_deleted_is_nobody_at_once(people: People) -> None:
    """A37: the cookie, the access token and the personal token of a person who is gone."""
    stranger = people.stranger
    ways = [stranger.headers, bearer(token_of(stranger))]
    assert stranger.client.get("/account").status_code == 200
    with in_transaction(people.owner.app):
        db.session.delete(db.session.get_one(User, stranger.id))
    assert stranger.client.get("/account").status_code == 302
    assert [who(stranger.app, way) for way in ways] == [401, 401]


def test_a_session_ends_with_its_time(people: People) -> None:
    assert by_cookie(people.owner, {"method": "GET", "path": "/account"}).status_code == 200
    assert who(people.owner.app, people.owner.headers) == "owner"
    with in_transaction(people.owner.app):
        past = now() - timedelta(seconds=1)
        db.session.execute(update(sessions.LoginSession).values(expires_at=past))
    assert people.owner.client.get("/account").status_code == 302
    assert who(people.owner.app, people.owner.headers) == 401


def test_a_token_ends_with_its_time(app: Flask, people: People) -> None:
    token = token_of(people.owner)
    with in_transaction(app):
        db.session.execute(update(Token).values(expires_at=now() - timedelta(seconds=1)))
    assert who(app, bearer(token)) == 401


def who_sees(path: str, person: Person, headers: dict[str, str]) -> int:
    return person.app.test_client(use_cookies=False).get(path, headers=headers).status_code
