"""What an attacker types: columns that are not theirs to set, markup, line breaks, floods; never an answer of 500."""

import io
import logging
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect

from portal.database import new_id
from portal.domain.entries import Entry
from portal.domain.kinds import MODEL
from portal.domain.users import User
from portal.extensions import db
from portal.logs import _RequestId
from tests import make
from tests.people import PASSWORD, People
from tests.security.calls import Things, request_of
from tests.security.contents import contents
from tests.security.expectations import lines

MARKUP = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
BAD_IDS = (
    "not-a-uuid",
    "-" * 36,
    "{6b3d1a3f-6a56-4800-9d5a-12e9c0a5b5d1}",
    "%00",
    "1",
    "é",
    "6b3d1a3f6a5648009d5a12e9c0a5b5d1",
)


@pytest.fixture
def things(people: People) -> Things:
    things = Things(people.owner.app, people, MODEL, "private")
    things.make_entry()
    make.version(people.owner, things.entry_id)
    return things


def columns(table: type) -> set[str]:
    return {column.key for column in inspect(table).columns}


def test_no_column_can_be_set_that_is_not_in_the_form(people: People, things: Things) -> None:
    """A19: neither by JSON, which refuses them, nor by a form, which does not see them."""
    owner, token = people.owner, {"csrf_token": people.owner.csrf_token}
    forbidden = columns(Entry) - {"name", "url", "type", "description", "info", "attributes"}
    forbidden |= {"storage_key", "sha256", "visibility", "owner", "made_entry"}
    assert {"owner_id", "access", "team_id", "default_permission", "created_at", "version"} <= forbidden
    stranger = people.stranger.id
    for field in sorted(forbidden):
        for name in (field, f"model_{field}"):
            if name in ("model_extension",):
                continue
            assert owner.api.post("/api/models/", json={"model_name": new_id(), name: stranger}).status_code == 422
            change = owner.api.patch(f"/api/models/id/{things.entry_id}", json={name: stranger})
            assert change.status_code == 422, name
            begun = {"model_name": new_id(), name: stranger}
            if name not in ("model_id", "sha256", "size"):
                assert owner.api.post("/api/v2/model/upload", json=begun).status_code == 422, name
    filled = {**token, "name": things.name, **dict.fromkeys(sorted(forbidden), stranger)}
    with owner.app.app_context():
        before = vars(db.session.get_one(Entry, things.entry_id)).copy()
    assert owner.client.post(f"/models/{things.entry_id}/edit", data=filled).status_code == 302
    with owner.app.app_context():
        after = vars(db.session.get_one(Entry, things.entry_id))
        kept = forbidden & columns(Entry) - {"updated_at"}
        assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


def test_nobody_signs_up_as_somebody_else(people: People) -> None:
    """A16: with the id, the name or the e-mail of the administrator."""
    admin = people.admin
    before = contents(admin.app)["user"]
    base = {"username": "mallory", "email": "mallory@example.org", "password": PASSWORD}
    for field in columns(User) | {"uuid", "admin", "role"} - {"username", "email"}:
        if field in base:
            continue
        answer = people.anonymous.api.post("/api/v2/user/signup", json={**base, field: admin.id})
        assert answer.status_code == 422, field
    for taken in ({"username": "ADMIN"}, {"email": "Admin@Example.org"}):
        assert people.anonymous.api.post("/api/v2/user/signup", json={**base, **taken}).status_code == 409
    assert contents(admin.app)["user"] == before
    form = {**base, "id": admin.id, "is_admin": "1", "is_verified": "1", "csrf_token": people.anonymous.csrf_token}
    assert people.anonymous.client.post("/signup", data=form).status_code == 302
    with admin.app.app_context():
        made = db.session.query(User).filter_by(username="mallory").one()
        assert made.id != admin.id
        assert not made.is_admin


def test_a_fresh_portal_has_no_account(app: Flask) -> None:
    """A39."""
    assert contents(app)["user"] == []
    assert app.debug is False
    for email, password in (("admin@example.org", "admin"), ("admin", "admin"), ("admin", "password1234")):
        answer = app.test_client().get("/api/v2/user/login", auth=(email, password))
        assert answer.status_code == 401


def test_markup_is_never_sent_back_as_markup(people: People, things: Things) -> None:
    """A48."""
    owner, fresh = people.owner, people.owner.csrf_token
    headers = dict.fromkeys(("Content-Type", "Accept", "User-Agent", "Referer", "HX-Target", "HX-Trigger"), MARKUP)
    answers = [
        owner.client.get(f"/{MARKUP}", headers=headers),
        owner.client.get("/models", query_string={MARKUP: MARKUP, "q": MARKUP, "type": MARKUP, "sort": MARKUP}),
        owner.client.get("/models", query_string={"q": MARKUP}, headers={"HX-Request": "true", **headers}),
        owner.client.get(f"/models/{MARKUP}", headers=headers),
        owner.client.get("/uploads/new", query_string={"kind": MARKUP}),
        people.anonymous.client.get("/login", query_string={"next": MARKUP}, headers=headers),
        owner.client.post("/models/new", data={"csrf_token": fresh, "name": MARKUP * 9, "info": MARKUP}),
        owner.client.post("/account", data={"csrf_token": fresh, "username": MARKUP, "email": MARKUP, "current": "x"}),
        owner.client.put("/account", headers=headers),
        owner.api.get(f"/api/{MARKUP}", headers=headers),
        owner.api.get("/api/models/", query_string={MARKUP: MARKUP}, headers=headers),
        owner.api.post("/api/models/", json={MARKUP: MARKUP}),
    ]
    for answer in answers:
        assert answer.status_code < 500
        if answer.mimetype == "text/html":
            assert "<script>alert" not in answer.text
            assert "<img src=x" not in answer.text
        else:
            assert answer.mimetype in ("application/problem+json", "application/json")
        assert not [value for name, value in answer.headers if "<script>" in value and name != "Location"]


def test_texts_of_people_are_shown_as_text(people: People) -> None:
    """A43, for what is on pages already: names, types, attributes, info, descriptions, files, tokens."""
    entry_id = make.entry(
        people.owner,
        f"name {MARKUP}",
        type=MARKUP,
        description=f"{MARKUP}\n\n[a](javascript:alert(1)) ![b](https://evil.example/pixel)",
        attributes={MARKUP: MARKUP},
        info={MARKUP: [MARKUP, {MARKUP: MARKUP}]},
        experiment=MARKUP,
    )
    make.version(people.owner, entry_id, file_name=MARKUP)
    owner, fresh = people.owner, people.owner.csrf_token
    token_page = owner.client.post("/account/tokens", data={"csrf_token": fresh, "name": MARKUP, "scope": "read"})
    assert token_page.status_code == 200
    paths = ("/", "/models", f"/models/{entry_id}", f"/models/{entry_id}/versions", f"/models/{entry_id}/edit")
    pages = [token_page, *(owner.client.get(path) for path in (*paths, f"/models/{entry_id}/delete", "/uploads/new"))]
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=" not in page.text
        assert 'href="javascript:' not in page.text


def test_ids_that_are_none_are_not_found(people: People, things: Things) -> None:
    """Also where they stand in a query or a body, and on both databases."""
    owner = people.owner
    for line in lines():
        for parameter in re.findall("<id:[a-z_]+>", line.route):
            for bad in BAD_IDS:
                route = line.route.replace(parameter, bad)
                path = things.path(type(line)(line.method, route, line.about, line.cells))
                headers = {"X-CSRFToken": owner.csrf_token}
                answer = owner.client.open(path, method=line.method, headers=headers)
                assert answer.status_code in (404, 405), (line, bad)
    for bad in ("not-a-uuid", "-" * 36, "x\0", "é", "1"):
        assert owner.api.get("/api/v2/model/upload", query_string={"upload_id": bad}).status_code == 404
        assert owner.api.delete("/api/v2/model/upload", query_string={"upload_id": bad}).status_code == 404
        assert owner.client.get("/uploads/new", query_string={"entry": bad}).status_code == 404
        if "\0" not in bad:
            assert owner.api.post("/api/v2/model/upload/token", json={"upload_id": bad}).status_code == 404
            assert owner.api.post("/api/v2/model/upload", json={"model_id": bad}).status_code in (404, 422)


def test_an_id_of_another_kind_of_thing_is_not_found(people: People, things: Things) -> None:
    owner = people.owner
    assert owner.client.get(f"/scripts/{things.entry_id}").status_code == 404
    assert owner.api.get(f"/api/v2/script/{things.entry_id}").status_code == 404
    assert owner.client.get(f"/models/{owner.id}").status_code == 404
    assert owner.client.get(f"/uploads/{things.entry_id}").status_code == 404
    assert owner.client.get(f"/models/{things.entry_id.upper()}").status_code == 200, "the same in capitals"


def test_a_header_that_is_not_text_is_no_fault_of_ours(people: People) -> None:
    raw = {"wsgi.errors": io.StringIO()}
    for value in ("Basic \xe9", "Basic ====", "Basic " + "A" * 8000, "Bearer \xff\xfe", "Bearer \x7f", "\x00"):
        for path in ("/api/v2/user/login", "/api/v2/user/info", "/account"):
            environ = {**raw, "HTTP_AUTHORIZATION": value}
            answer = people.anonymous.api.client.get(path, environ_overrides=environ)
            assert answer.status_code == 401, (value, path)


def test_a_form_is_bounded_before_it_is_read(people: People) -> None:
    """A55, A74: by whomever it is sent, and however its length is told."""
    flood = b"a&" * (3 << 20)
    for path in ("/login", "/signup", "/theme", "/models/new", "/account"):
        began = time.perf_counter()
        answer = people.anonymous.client.post(path, data=flood, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 413, path
        assert time.perf_counter() - began < 1
    parts = b"".join(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n' for _ in range(1001)) + b"--x--"
    answer = people.anonymous.client.post("/login", data=parts, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 413


class Lines(logging.Handler):
    """Log lines as they are written."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(_RequestId())
        self.setFormatter(logging.Formatter("[%(request_id)s] %(name)s: %(message)s"))
        self.written: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append(self.format(record))


@pytest.fixture
def log() -> Iterator[list[str]]:
    handler = Lines()
    logging.getLogger().addHandler(handler)
    yield handler.written
    logging.getLogger().removeHandler(handler)


def test_a_request_id_from_outside_is_taken_where_it_can_do_no_harm(app: Flask) -> None:
    visitor = app.test_client()
    assert visitor.get("/healthz", headers={"X-Request-Id": "proxy-7.1_x"}).headers["X-Request-Id"] == "proxy-7.1_x"
    for sent in ("", "a b", "x" * 65, "é", "a;b", MARKUP, "a\tb"):
        given = visitor.get("/healthz", headers={"X-Request-Id": sent}).headers["X-Request-Id"]
        assert given != sent
        assert len(given) == 16


def test_no_secret_and_no_line_break_of_a_caller_gets_into_the_log(people: People, log: list[str]) -> None:
    owner, secrets = people.owner, [PASSWORD, "mp_secret", "a wrong password"]
    ask: Any = owner.app.test_client().get
    ask("/api/v2/user/login", auth=("owner@example.org\nFAKE LINE", "a wrong password"))
    ask("/api/v2/user/login", auth=("owner@example.org", PASSWORD))
    ask("/api/v2/user/info", headers={"Authorization": "Bearer mp_secret"})
    ask("/nothing%0AFAKE%20LINE", headers={"User-Agent": "x\u2028FAKE LINE", "X-Request-Id": "x\u2028FAKE LINE"})
    assert len([each for each in log if f"log-in of {owner.id}" in each]) == 1
    assert len([each for each in log if "log-in of nobody known from '127.0.0.1' refused" in each]) == 1
    for each in log:
        assert not each.startswith("FAKE LINE")
        assert "\nFAKE LINE" not in each
        assert not [secret for secret in secrets if secret in each]


def test_a_fault_says_nothing_about_itself(app: Flask, log: list[str]) -> None:
    def fail() -> str:
        raise ZeroDivisionError("a secret of the inside")

    app.add_url_rule("/fails", "fails", fail)
    app.add_url_rule("/api/fails", "api_fails", fail)
    for path in ("/fails", "/api/fails"):
        answer = app.test_client().get(path)
        assert answer.status_code == 500
        assert "secret of the inside" not in answer.text
        assert "Traceback" not in answer.text
        assert any(answer.headers["X-Request-Id"] in line and "secret of the inside" in line for line in log)


def test_what_a_wrong_method_meets(people: People, things: Things) -> None:
    owner = people.owner
    for path in ("/uploads", "/account/password", "/api/v2/user/info", "/api/models/all"):
        for method in ("PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND"):
            answer = owner.client.open(path, method=method, headers={"X-CSRFToken": owner.csrf_token})
            assert answer.status_code == 405, (method, path)
            assert answer.headers["Allow"]
    assert request_of(lines()[0], things, owner)["path"] == "/"
    for path in ("/nothing", "/api/nothing", "/models/new/nothing"):
        for method in ("GET", "POST", "DELETE"):
            assert owner.client.open(path, method=method).status_code == 404, (method, path)
