"""What every answer carries, whatever it is: a page, JSON, an error, a redirect, a file."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal.domain.kinds import MODEL
from tests import make
from tests.people import PASSWORD, People
from tests.security.calls import Things, by_cookie, by_token, request_of
from tests.security.expectations import lines

DIRECTIVES = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


@pytest.fixture
def things(people: People) -> Things:
    things = Things(people.owner.app, people, MODEL, "private")
    things.make_entry()
    make.version(people.owner, things.entry_id)
    things.make_upload()
    return things


@pytest.fixture
def faulty(app: Flask) -> Flask:
    """With two addresses that fail, one for people and one for programs."""

    def fail() -> str:
        raise ZeroDivisionError("a mistake of ours")

    app.add_url_rule("/fails", "fails", fail)
    app.add_url_rule("/api/fails", "api_fails", fail)
    return app


def policy(answer: TestResponse) -> dict[str, str]:
    parts = answer.headers["Content-Security-Policy"].split("; ")
    return {name: sources for name, _, sources in (part.partition(" ") for part in parts)}


def every_sort_of_answer(people: People, things: Things) -> Iterator[tuple[str, TestResponse]]:
    owner = people.owner
    for line in lines():
        if not line.is_unsafe and line.route not in ("/static/<path:filename>", "/uploads/client.py"):
            request = request_of(line, things, owner)
            yield str(line), by_cookie(owner, request) if line.is_page else by_token(owner, request)
    token = {"csrf_token": owner.csrf_token}
    big = "x" * (3 << 20)
    yield "400 page", owner.client.post("/account")
    yield "401 page", owner.client.get("/", headers={"Authorization": "Bearer junk"})
    yield "404 page", owner.client.get("/nothing")
    yield "405 page", owner.client.post("/uploads", data=token)
    yield "413 page", owner.client.post("/models/new", data={**token, "description": big})
    yield "422 page", owner.client.post("/models/new", data=token)
    yield "500 page", owner.client.get("/fails")
    yield "302 page", people.anonymous.client.get("/account")
    yield "404 JSON", owner.api.get("/api/nothing")
    yield "413 JSON", owner.api.post("/api/models/", data=big, content_type="application/json")
    yield "500 JSON", owner.api.get("/api/fails")
    download = f"/models/{things.entry_id}/versions/1/download"
    yield "206 file", owner.client.get(download, headers={"Range": "bytes=1-2"}, buffered=True)
    yield "416 file", owner.client.get(download, headers={"Range": "bytes=99-"})


@pytest.mark.disk
def test_every_answer_is_fenced_in(faulty: Flask, people: People, things: Things) -> None:
    seen = set()
    for name, answer in every_sort_of_answer(people, things):
        headers = answer.headers
        seen.add(answer.status_code)
        if name.startswith(tuple("2345")):
            assert name.startswith(str(answer.status_code)), name
        assert headers["X-Content-Type-Options"] == "nosniff", name
        assert headers["Referrer-Policy"] == "same-origin", name
        assert headers["X-Frame-Options"] == "DENY", name
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", name
        assert "Cookie" in headers["Vary"], name
        is_file = "Content-Disposition" in headers or answer.mimetype == "image/webp"
        assert headers["Cache-Control"] == ("private, no-cache" if is_file else "no-store"), name
        assert headers["X-Request-Id"], name
        if answer.mimetype == "text/html":
            assert headers["Content-Type"] == "text/html; charset=utf-8", name
            assert policy(answer).items() >= DIRECTIVES.items(), name
        assert "unsafe" not in headers["Content-Security-Policy"], name
        assert "'none'" in policy(answer).get("frame-ancestors", policy(answer)["default-src"]), name
    assert seen >= {200, 302, 400, 401, 404, 405, 413, 416, 422, 500}


@pytest.mark.disk
def test_files_of_people_are_kept_out_of_our_origin(people: People, things: Things) -> None:
    """A44: whatever is in it, a browser saves it and does not show it."""
    make.version(people.owner, things.entry_id, b"<script>alert(1)</script>", "page.html")
    for path in (f"/models/{things.entry_id}/versions/2/download", f"/api/v2/model/{things.entry_id}/download"):
        answer = people.owner.client.get(path, buffered=True)
        assert answer.data == b"<script>alert(1)</script>"
        assert answer.mimetype == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.headers["Content-Security-Policy"].startswith("sandbox")
        assert answer.headers["Cache-Control"] == "private, no-cache"


def test_our_own_files_may_be_kept(people: People) -> None:
    answer = people.anonymous.client.get("/static/mark.svg", buffered=True)

    assert "no-store" not in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_no_other_origin_is_let_in(people: People, things: Things, origin: str) -> None:
    """A33: neither simply nor by a preflight."""
    asks = {"Origin": origin, "Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "x-api-key"}
    for line in lines():
        path = things.path(line)
        for answer in (
            people.owner.client.options(path, headers=asks),
            people.owner.client.get(path, headers={"Origin": origin}, buffered=True),
            people.owner.client.post(path, headers={"Origin": origin}),
        ):
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")], line


def logged_in(app: Flask, address: str) -> TestResponse:
    browser = app.test_client()
    page = browser.get("/login", base_url=address)
    token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
    data = {"email": "owner@example.org", "password": PASSWORD, "csrf_token": token}
    return browser.post("/login", data=data, base_url=address, headers={"Referer": f"{address}/login"})


def test_cookies_are_kept_from_scripts_and_other_sites(people: People) -> None:
    answer = logged_in(people.owner.app, "http://localhost")
    cookie = answer.headers["Set-Cookie"]
    theme = people.owner.client.post("/theme", data={"theme": "dark", "csrf_token": people.owner.csrf_token})

    assert answer.status_code == 302
    for each in (cookie, theme.headers.getlist("Set-Cookie")[0]):
        assert "HttpOnly" in each
        assert "SameSite=Lax" in each
        assert "Path=/" in each
        assert "Domain" not in each
        assert "Secure" not in each, "on plain HTTP it would never come back"


def test_where_the_portal_is_reached_by_https_so_are_its_cookies(
    make_app: Callable[..., Flask], people: People
) -> None:
    app = make_app(public_url="https://portal.example")
    answer = logged_in(app, "https://portal.example")
    cookie = answer.headers["Set-Cookie"]

    assert answer.status_code == 302
    assert cookie.startswith("__Host-portal=")
    assert "Secure" in cookie
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_plain_http_promises_no_https(people: People) -> None:
    assert "Strict-Transport-Security" not in people.anonymous.client.get("/").headers


def test_log_out_clears_what_the_browser_kept(people: People) -> None:
    answer = people.owner.client.post("/logout", headers={"X-CSRFToken": people.owner.csrf_token})

    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
