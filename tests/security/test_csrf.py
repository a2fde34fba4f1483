"""A28, A31: whatever rides on a cookie needs the CSRF token. That a program needs none is seen in `test_matrix.py`."""

from itertools import product
from typing import Any

import pytest

from portal.domain.kinds import MODEL
from tests import make
from tests.people import PASSWORD, People
from tests.security.calls import Things, request_of
from tests.security.contents import contents
from tests.security.expectations import lines

UNSAFE = [line for line in lines() if line.is_unsafe]


@pytest.fixture
def things(people: People) -> Things:
    """All that the owner has, so that every request could have an effect."""
    things = Things(people.owner.app, people, MODEL, "private")
    things.make_entry()
    make.version(people.owner, things.entry_id)
    things.make_upload()
    things.make_token()
    assert people.owner.csrf_token
    return things


FORGERIES: list[dict[str, str]] = [
    {},
    {"HX-Request": "true"},
    {"X-Requested-With": "XMLHttpRequest"},
    {"X-CSRFToken": ""},
    {"X-CSRFToken": "guessed"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
]


def test_a_cookie_alone_changes_nothing(people: People, things: Things) -> None:
    before = contents(people.owner.app)
    for line in UNSAFE:
        for headers in FORGERIES:
            answer = people.owner.client.open(**request_of(line, things, people.owner), headers=headers)
            assert answer.status_code == 400, (str(line), headers)
    assert contents(people.owner.app) == before


def test_another_persons_csrf_token_is_no_good(people: People, things: Things) -> None:
    answer = people.owner.client.post("/logout", headers={"X-CSRFToken": people.stranger.csrf_token})

    assert answer.status_code == 400


def test_json_as_a_simple_form_of_another_site_changes_nothing(people: People, things: Things) -> None:
    """What a cross-site form can send without a preflight: text/plain that happens to be JSON."""
    before = contents(people.owner.app)
    body = '{"model_name": "planted", "x": "="}'
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        for path in ("/api/models/", "/api/v2/model/upload", "/api/v2/user/tokens"):
            answer = people.owner.client.post(path, data=body, content_type=content_type)
            assert answer.status_code == 400, (path, content_type)
    assert contents(people.owner.app) == before


def test_a_visitors_log_in_form_needs_its_token(people: People) -> None:
    """Otherwise another site could log a victim in as somebody else."""
    sent = {"email": "owner@example.org", "password": PASSWORD}
    visitor = people.anonymous

    assert visitor.client.post("/login", data=sent).status_code == 400
    assert visitor.client.post("/login", data={**sent, "csrf_token": visitor.csrf_token}).status_code == 302


def test_a_bad_header_beside_the_cookie_frees_from_nothing(people: People, things: Things) -> None:
    """Neither is the CSRF token waived for it, nor does the cookie speak in its stead."""
    before = contents(people.owner.app)
    requests: list[dict[str, Any]] = [
        {"path": "/api/models/", "json": {"model_name": "planted"}},
        {"path": "/models/new", "data": {"name": "planted"}},
        {"path": "/theme", "data": {"theme": "dark"}},
        {"path": "/logout"},
    ]
    for header, value in product(("Authorization", "X-API-TOKEN", "X-API-Key"), ("", "Bearer ", "Basic eDp5", "junk")):
        for request in requests:
            answer = people.owner.client.post(**request, headers={header: value})
            assert answer.status_code == 401, (header, value, request)
            assert "theme" not in answer.headers.get("Set-Cookie", "")
    assert contents(people.owner.app) == before
    assert people.owner.client.get("/account").status_code == 200, "the cookie alone is as good as before"
