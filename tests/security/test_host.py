"""PORTAL_PUBLIC_URL: other Hosts are refused, and every absolute address is the public one (A34)."""

from collections.abc import Callable

import pytest
from flask import Flask

from portal.public_url import host_of
from tests import make
from tests.people import People, Person

PUBLIC = "https://portal.example"
OTHERS = [
    "evil.example",
    "portal.example.evil.example",
    "portal.example:8443",
    "portal.example:80",
    "localhost",
    "",
    "a b",
]


@pytest.fixture
def owner(make_app: Callable[..., Flask], people: People) -> Person:
    """The owner, at a portal that knows its public address; its last proxy speaks plain HTTP."""
    return Person(make_app(public_url=PUBLIC), "owner", people.owner.id)


def test_other_hosts_are_refused(owner: Person) -> None:
    visitor = owner.app.test_client()
    for host in OTHERS:
        for path in ("/", "/login", "/api/models/all", "/static/mark.svg", "/nothing"):
            answer = visitor.get(path, headers={"Host": host})
            assert answer.status_code == 400, (host, path)
            assert "Set-Cookie" not in answer.headers or "evil" not in answer.headers["Set-Cookie"]
            assert "evil.example" not in answer.text
            assert f"answers at {PUBLIC} only" in answer.text
            assert "set PORTAL_PUBLIC_URL" in answer.text
            assert answer.mimetype == ("application/problem+json" if path.startswith("/api/") else "text/plain")
        assert visitor.post("/login", headers={"Host": host}).status_code == 400
        assert visitor.get("/healthz", headers={"Host": host}).status_code == 200
        assert visitor.get("/readyz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["portal.example", "PORTAL.Example", "portal.example:443"])
def test_the_public_host_is_let_in(owner: Person, host: str) -> None:
    assert owner.app.test_client().get("/login", headers={"Host": host}).status_code == 200


def test_what_a_client_forwards_is_not_believed(owner: Person) -> None:
    forwarded = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "X-Forwarded-Proto": "http"}
    answer = owner.app.test_client().get("/account", headers={"Host": "portal.example", **forwarded})

    assert answer.headers["Location"] == "/login?next=/account"


def test_every_absolute_address_is_public(owner: Person, people: People) -> None:
    entry_id = make.entry(people.owner, "one", access="public")
    make.entry(people.owner, "two", access="public")
    make.version(people.owner, entry_id)
    ask = owner.app.test_client(use_cookies=False).get
    host = {"Host": "portal.example", **owner.headers}

    link = ask("/api/models/all?limit=1", headers=host).headers["Link"]
    assert f'<{PUBLIC}/api/models/all?limit=1&offset=1>; rel="next"' in link
    for path in (f"/models/{entry_id}", "/uploads/new"):
        text = ask(path, headers=host).text
        assert f"{PUBLIC}/" in text
        assert "http://portal.example" not in text


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://Portal.Example", "portal.example"),
        ("https://portal.example:443", "portal.example"),
        ("http://portal.example:443", "portal.example:443"),
        ("http://portal.example:8000", "portal.example:8000"),
        ("https://bücher.example", "xn--bcher-kva.example"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_the_host_is_written_as_browsers_send_it(address: str, host: str) -> None:
    assert host_of(address) == host


def test_without_a_public_url_any_host_will_do(people: People) -> None:
    for host in ("localhost:8000", "192.0.2.7", "whatever.example", "", "a b", "[::1", "é"):
        answer = people.anonymous.client.get("/", headers={"Host": host})
        assert answer.status_code == 200
