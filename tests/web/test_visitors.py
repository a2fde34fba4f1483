"""Visitors who are not signed in: what sends them to log in, above all under PORTAL_ANONYMOUS_READ=off."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.domain.kinds import Kind
from tests import make
from tests.people import People, make_people

NO_ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def closed(make_app: Callable[..., Flask]) -> People:
    return make_people(make_app(anonymous_read=False))


@pytest.fixture
def visitor(closed: People) -> FlaskClient:
    return closed.anonymous.client


@pytest.mark.parametrize("path", ["/", "/{slug}", "/{slug}?q=x", "/{slug}/{id}", "/{slug}/{id}/versions"])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_page_asks_to_log_in(closed: People, visitor: FlaskClient, kind: Kind, path: str, is_there: bool) -> None:
    entry_id = make.entry(closed.owner, kind=kind, access="public") if is_there else NO_ID

    answer = visitor.get(path.format(slug=kind.slug, id=entry_id))

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login?next=/")


@pytest.mark.parametrize("path", ["all", "", "?{word}_name=yield-net", "id/{id}", "id/{id}/experiments"])
@pytest.mark.parametrize("is_there", [True, False])
def test_the_registry_dialect_answers_401(
    closed: People, visitor: FlaskClient, kind: Kind, path: str, is_there: bool
) -> None:
    entry_id = make.entry(closed.owner, kind=kind, access="public", experiment="E") if is_there else NO_ID

    answer = visitor.get(f"/api/{kind.slug}/{path.format(word=kind.word, id=entry_id)}")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_logging_in_and_signing_up_stay_open(visitor: FlaskClient) -> None:
    for path in ("/login", "/signup", "/healthz"):
        assert visitor.get(path).status_code == 200


def test_who_is_signed_in_reads_what_is_public(closed: People, kind: Kind) -> None:
    entry_id = make.entry(closed.owner, "leaf-counter", kind=kind, access="public")

    assert "leaf-counter" in closed.reader.client.get("/").text
    assert "leaf-counter" in closed.reader.client.get(f"/{kind.slug}").text
    assert closed.reader.api.get(f"/api/{kind.slug}/id/{entry_id}").status_code == 200
    assert closed.anonymous.client.get(f"/api/{kind.slug}/all", headers=closed.reader.headers).status_code == 200


def by_htmx(page: str) -> dict[str, str]:
    return {"HX-Request": "true", "HX-Current-URL": f"http://localhost{page}"}


def test_a_swap_after_the_session_ended_leaves_the_page_for_the_log_in(closed: People) -> None:
    owner = closed.owner
    assert owner.client.get("/models?q=x", headers=by_htmx("/models")).status_code == 200
    owner.client.post("/logout", headers={"X-CSRFToken": owner.csrf_token})

    answer = owner.client.get("/models?q=x", headers=by_htmx("/models"))

    assert (answer.status_code, answer.text) == (401, "")
    assert answer.headers["HX-Redirect"] == "/login?next=/models?q%3Dx"


@pytest.mark.parametrize(
    ("page", "back"),
    [("/uploads?x=1&y=2", "/uploads?x%3D1%26y%3D2"), ("", "/"), ("/[é\u202e", "/%5B%C3%A9%E2%80%AE")],
)
def test_a_change_after_the_session_ended_comes_back_to_its_page(visitor: FlaskClient, page: str, back: str) -> None:
    token = re.search(r'name="csrf-token" content="([^"]+)"', visitor.get("/login").text)
    assert token

    answer = visitor.post("/account/sessions/end", headers={"X-CSRFToken": token[1], **by_htmx(page)})

    assert answer.headers["HX-Redirect"] == f"/login?next={back}"


@pytest.mark.parametrize("below", ["versions/2/download", "versions/99999999999/download", "nothing", "versions/1"])
def test_what_is_missing_below_a_visible_entry_is_not_found(people: People, kind: Kind, below: str) -> None:
    visible = make.entry(people.owner, "seen", kind=kind, access="public")
    hidden = make.entry(people.owner, "hidden", kind=kind)

    assert people.anonymous.client.get(f"/{kind.slug}/{visible}/{below}").status_code == 404
    for entry_id in (hidden, NO_ID, "garbage"):
        answer = people.anonymous.client.get(f"/{kind.slug}/{entry_id}/{below}")
        assert answer.headers["Location"] == f"/login?next=/{kind.slug}/{entry_id}/{below}"
        assert people.stranger.client.get(f"/{kind.slug}/{entry_id}/{below}").status_code == 404


@pytest.mark.parametrize("room", ["records", "datasets"])
@pytest.mark.parametrize("named", [NO_ID, "garbage"])
def test_a_visitor_logs_in_before_a_link_to_what_may_be_hidden_is_not_found(
    people: People, room: str, named: str
) -> None:
    answer = people.anonymous.client.get(f"/{room}/{named}?sites=A")

    assert answer.headers["Location"] == f"/login?next=/{room}/{named}?sites%3DA"
    assert people.stranger.client.get(f"/{room}/{named}").status_code == 404
