"""Every page that the table of routes knows is well made, with content, without, and with complaints in its forms."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from portal.database import new_id
from portal.domain.kinds import KINDS, Kind
from tests import make
from tests.people import People, Person
from tests.rules.html import Page, faults
from tests.security.calls import Things, request_of
from tests.security.expectations import lines

GET_LINES = [line for line in lines() if line.is_page and not line.is_unsafe]
NOT_PAGES = {"/healthz", "/readyz", "/static/<path:filename>", "/uploads/client.py"}
PAGE_LINES = [line for line in GET_LINES if line.route not in NOT_PAGES and not line.route.endswith("/download")]
LONG = "a model whose name goes on and on, " * 7

GOOD = (
    '<!doctype html><html lang="en"><head><title>A</title></head><body><main><h1>A</h1>'
    '<form><label for="a">A</label><input id="a"></form><ul><li><a href="/x">x</a></li></ul></main></body></html>'
)


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (GOOD.replace("<h1>A</h1>", ""), "0 h1"),
        (GOOD.replace("<h1>A</h1>", "<h1>A</h1><h1>B</h1>"), "2 h1"),
        (GOOD.replace("<h1>A</h1>", "<h1> </h1>"), "empty one"),
        (GOOD.replace("<h1>A</h1>", "<h1>A</h1><h3>B</h3>"), "h3 follows h1"),
        (GOOD.replace("<title>A</title>", ""), "no title"),
        (GOOD.replace(' lang="en"', ""), "no language"),
        (GOOD.replace("</main>", ""), "closes <main>"),
        (GOOD.replace('<input id="a">', '<input id="a"><p id="a"></p>'), "'a' twice"),
        (GOOD.replace('for="a"', 'for="b"'), "leads nowhere"),
        (GOOD.replace('<label for="a">A</label>', ""), "has no label"),
        (GOOD.replace(">x</a>", "></a>"), "has no words"),
        (GOOD.replace("<form>", '<form onsubmit="x()">'), "inline code"),
        (GOOD.replace("<form>", '<form style="x">'), "inline code"),
        (GOOD.replace("<form>", "<form><script>x()</script>"), "inline code"),
        (GOOD.replace('"/x"', '"javascript:x"'), "runs code"),
        (GOOD.replace('"/x"', '"#x"'), "leads nowhere"),
        (GOOD.replace("<form>", "<form><img src='/x'>"), "without alt"),
        (GOOD.replace("<form>", "<form><form></form>"), "form inside a form"),
        (GOOD.replace("<li>", "<p>").replace("</li>", "</p>"), "no <li>"),
        (GOOD.replace('id="a"', 'id="a" id="b"'), "twice"),
    ],
)
def test_the_rule_sees_what_is_wrong(bad: str, complaint: str) -> None:
    assert faults(GOOD) == []
    assert any(complaint in each for each in faults(bad)), faults(bad)


def test_every_template_compiles(bare_app: Flask) -> None:
    names = bare_app.jinja_env.list_templates(extensions=["html"])
    assert len(names) > 20
    for name in names:
        bare_app.jinja_env.get_template(name)


@pytest.fixture
def things(people: People, kind: Kind) -> Things:
    """The owner has all that there can be, with names as long as they may be."""
    things = Things(people.owner.app, people, kind, "private")
    base = make.entry(people.owner, LONG[:255], kind=kind, access="public", description="# Big\n\n- a\n- b\n\n[x](/y)")
    things.make_entry()
    make.version(people.owner, things.entry_id)
    make.version(people.owner, things.entry_id, file_name=f"{LONG[:100]}.bin")
    things.make_upload()
    make.begin(people.owner, b"x" * 100, chunk_size=10, word=kind.word)
    things.make_token()
    things.make_token()
    things.make_app()
    edit = {"name": things.name, "info": '{"a": [1, {"b": null}], "c": "<d>"}', "attributes": "crop = barley"}
    sent = {**edit, "depends_on": base, "description": "# Two\n\n| a | b |\n|---|---|\n| 1 | 2 |"}
    headers = {"X-CSRFToken": people.owner.csrf_token}
    path = f"/{kind.slug}/{things.entry_id}/edit"
    assert people.owner.client.post(path, data=sent, headers=headers).status_code == 302
    return things


def pages(things: Things, person: Person) -> Iterator[tuple[str, TestResponse]]:
    for line in PAGE_LINES:
        yield str(line), person.client.get(**without_method(request_of(line, things, person)))
    slug = things.kind.slug
    yield "nothing found", person.client.get(f"/{slug}?q=nowhere&type=x&access=private")
    yield "page 2", person.client.get(f"/{slug}?page=2&sort=size")
    yield "not found", person.client.get("/nothing")


def complaints(things: Things, person: Person) -> Iterator[tuple[str, TestResponse]]:
    """Every form, sent with nothing in it."""
    for line in lines():
        if line.is_page and line.is_unsafe and line.route != "/theme":
            data = {"csrf_token": person.csrf_token}
            answer = person.client.post(things.path(line), data=data, query_string={"kind": things.kind.slug})
            if answer.mimetype == "text/html" and answer.status_code >= 400:
                yield str(line), answer
            if line.route == "/logout":
                person = Person(person.app, person.name, person.id)


def without_method(request: dict) -> dict:
    return {key: value for key, value in request.items() if key != "method"}


def test_every_page_of_an_owner_with_content(app: Flask, things: Things) -> None:
    assert_well_made(app, pages(things, things.people.owner), at_least=len(PAGE_LINES) - 3)


def test_every_page_of_a_stranger_and_of_a_visitor(app: Flask, things: Things) -> None:
    assert_well_made(app, pages(things, things.people.stranger), at_least=12)
    assert_well_made(app, pages(things, things.people.anonymous), at_least=6)


def test_every_page_of_a_portal_with_nothing_in_it(app: Flask, people: People) -> None:
    for kind in KINDS:
        empty = Things(app, people, kind, "private", entry_id=new_id())
        assert_well_made(app, pages(empty, people.reader), at_least=8)


def test_every_form_that_complains(app: Flask, things: Things) -> None:
    assert_well_made(app, complaints(things, Person(things.app, "owner", things.people.owner.id)), at_least=7)


def assert_well_made(app: Flask, answers: Iterator[tuple[str, TestResponse]], at_least: int) -> None:
    number = 0
    for name, answer in answers:
        if answer.mimetype != "text/html" or answer.status_code == 302:
            continue
        number += 1
        assert answer.status_code < 500, name
        assert faults(answer.text) == [], name
        assert leading_nowhere(app, answer) == [], name
    assert number >= at_least


def leading_nowhere(app: Flask, answer: TestResponse) -> list[str]:
    """Forms and links of the page that no route answers, and forms that lack their CSRF token."""
    page, here = Page(answer.text), urlsplit(answer.request.url).path
    found = []
    for form in page.all("form"):
        if form["method"] == "dialog":
            continue
        method = form["method"].upper() or "GET"
        if not routed(app, form["action"] or here, method):
            found.append(f"form {method} {form['action']}")
        names = {each["name"] for each in page.all("input") if form in each.ancestors}
        if (method == "POST") != ("csrf_token" in names):
            found.append(f"form {method} {form['action']} and its CSRF token")
    links = [(each, "href") for each in page.all("a", "link")] + [(each, "src") for each in page.all("script", "img")]
    for element, attribute in links:
        target = element[attribute]
        if target.startswith("/") and not routed(app, target, "GET"):
            found.append(f"{element.tag} {target}")
    return found


def routed(app: Flask, target: str, method: str) -> bool:
    try:
        app.url_map.bind("localhost").match(urlsplit(target).path, method=method)
    except HTTPException:
        return False
    return True
