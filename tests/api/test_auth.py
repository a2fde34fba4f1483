"""Errors as programs read them: one shape, both vocabularies, and the right status before any other."""

import json
from collections.abc import Callable
from typing import Any

from flask import Flask

from portal.domain.kinds import MODEL
from tests import make
from tests.people import People, Person
from tests.security.calls import Things, request_of
from tests.security.expectations import lines

MEMBERS = {"type", "title", "status", "detail", "error", "error_description"}


def assert_problem(answer: Any, status: int, *, fields: bool = False) -> None:
    body = json.loads(answer.data)
    assert answer.status_code == status, body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert body.keys() == MEMBERS | ({"errors"} if fields else set())
    assert body["status"] == status
    assert (body["error"], body["error_description"]) == (body["title"], body["detail"])
    assert body["title"]
    assert body["detail"]


def test_every_refusal_of_every_route_is_a_problem(people: People) -> None:
    """With nobody, with somebody to whom it is hidden, and with rubbish in the body."""
    things = Things(people.owner.app, people, MODEL, "private")
    things.make_entry()
    things.make_upload()
    things.make_token()
    for line in lines():
        if line.is_page:
            continue
        request = request_of(line, things, people.stranger)
        answers = [
            people.anonymous.api.client.open(**request),
            people.stranger.api.client.open(**request, headers=people.stranger.headers),
        ]
        if line.is_unsafe:
            rubbish = {key: value for key, value in request.items() if key not in ("json", "data")}
            answers.append(people.stranger.api.client.open(**rubbish, data=b"\xff{", headers=people.stranger.headers))
        for answer in answers:
            if answer.status_code >= 400:
                assert_problem(answer, answer.status_code, fields="errors" in answer.json)
                assert answer.status_code < 500, line
            if answer.status_code == 401:
                scheme = "Basic" if line.route.endswith("/user/login") else "Bearer"
                assert answer.headers["WWW-Authenticate"].startswith(f'{scheme} realm="portal"')


def test_each_status_has_the_shape(people: People) -> None:
    owner = people.owner.api
    make.entry(people.owner, "taken")
    send = {"content_type": "application/json"}
    assert_problem(owner.post("/api/models/", data="{", **send), 400)
    assert_problem(owner.get("/api/models/?limit=x"), 400, fields=True)
    assert_problem(people.anonymous.api.get("/api/v2/user/info"), 401)
    assert_problem(people.anonymous.api.post("/api/models/", json={"model_name": "x"}), 401)
    assert_problem(owner.get("/api/nothing"), 404)
    assert_problem(owner.put("/api/models/all"), 405)
    assert_problem(
        owner.post("/api/models/", json={"model_name": "taken", "model_url": "https://x.org"}), 409, fields=True
    )
    assert_problem(owner.post("/api/models/", data="x" * (2 << 20), **send), 413)
    assert_problem(owner.post("/api/models/", data="x", content_type="text/plain"), 415)
    assert_problem(owner.post("/api/models/", json={"model_name": ""}), 422, fields=True)
    assert_problem(owner.post("/api/models/", json=[]), 422)


def test_a_wrong_method_names_the_right_ones(people: People) -> None:
    answer = people.owner.api.put("/api/v2/user/tokens")

    assert_problem(answer, 405)
    assert set(answer.headers["Allow"].replace(" ", "").split(",")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_who_is_nobody_is_told_so_before_their_body_is_read(people: People) -> None:
    program = people.anonymous.api
    for path in ("/api/v2/user/tokens", "/api/v2/user/password", "/api/v2/model/upload", "/api/v2/model/upload/token"):
        assert_problem(program.post(path, data=b"rubbish", content_type="text/plain"), 401)


def test_an_upload_by_its_id_is_for_who_began_it(people: People) -> None:
    upload_id = make.begin(people.owner, b"")["upload_id"]
    path = f"/api/v2/model/upload?upload_id={upload_id}"
    statuses = [person.api.get(path).status_code for person in (people.anonymous, people.stranger, people.owner)]

    assert statuses == [401, 404, 200]


def test_where_visitors_may_not_read(make_app: Callable[..., Flask], people: People) -> None:
    """PORTAL_ANONYMOUS_READ=off: what is public is for who is signed in; pages send visitors to log in."""
    entry_id = make.entry(people.owner, access="public")
    closed = make_app(anonymous_read=False)
    visitor, reader = Person(closed, "anonymous"), Person(closed, "reader", people.reader.id)
    path = f"/api/models/id/{entry_id}"

    assert (visitor.api.get(path).status_code, reader.api.get(path).status_code) == (401, 200)
    assert visitor.api.get("/api/models/all").status_code == 401
    assert visitor.client.get(f"/models/{entry_id}").headers["Location"] == f"/login?next=/models/{entry_id}"
    assert "yield-net" not in visitor.client.get("/models").text
    assert "yield-net" in reader.client.get("/models").text
