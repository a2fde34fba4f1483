"""The list page: what one looks for stays in sight, and an empty list says why."""

import re

import pytest
from flask import Flask

from portal.domain.kinds import KINDS, Kind
from tests import make
from tests.people import People


def test_the_search_stays_in_its_field_and_becomes_a_chip(people: People, kind: Kind) -> None:
    make.entry(people.owner, "leaf-counter", kind=kind, access="public")
    make.entry(people.owner, "soil-map", kind=kind, access="public")

    page = people.reader.client.get(f"/{kind.slug}?q=leaf").text

    assert 'value="leaf"' in page
    assert "leaf-counter" in page
    assert "soil-map" not in page
    assert f"1 {kind.word}<" in page
    assert re.search(rf'class="chip" href="/{kind.slug}"[^>]*>.*“leaf”', page)


def test_htmx_gets_the_results_alone(people: People, kind: Kind) -> None:
    make.entry(people.owner, "leaf-counter", kind=kind, access="public")

    answer = people.reader.client.get(f"/{kind.slug}", headers={"HX-Request": "true"})

    assert answer.text.startswith('<div class="results')
    assert "leaf-counter" in answer.text
    assert "<html" not in answer.text
    assert "HX-Request" in answer.headers["Vary"]


def test_nothing_that_matches_offers_to_remove_the_last_filter(people: People, kind: Kind) -> None:
    make.entry(people.owner, "leaf-counter", kind=kind, access="public", type="unet")

    page = people.reader.client.get(f"/{kind.slug}?q=nowhere&type=unet").text

    assert "Nothing matches" in page
    assert f'<a class="btn" href="/{kind.slug}?q=nowhere">' in page


@pytest.mark.parametrize(("who", "offer"), [("reader", "/uploads/new?kind="), ("anonymous", "/login?next=/")])
def test_an_empty_list_says_what_to_do(people: People, kind: Kind, who: str, offer: str) -> None:
    assert offer + kind.slug in getattr(people, who).client.get(f"/{kind.slug}").text


def test_a_name_that_looks_like_markup_is_only_a_name(people: People, kind: Kind) -> None:
    make.entry(people.owner, "<img src=x onerror=alert(1)>", kind=kind, access="public", description="<b>&</b>")

    page = people.reader.client.get(f"/{kind.slug}?q=<img").text

    assert "<img" not in page
    assert "<b>" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_the_colours_are_chosen_without_javascript(app: Flask, choice: str) -> None:
    visitor = app.test_client()
    token = re.search(r'name="csrf-token" content="([^"]+)"', visitor.get("/").text)
    assert token is not None

    def choose(theme: str) -> str:
        form = {"csrf_token": token[1], "theme": theme, "next": "/models"}
        return visitor.post("/theme", data=form, follow_redirects=True).text

    assert f'<html lang="en" data-bs-theme="{choice}">' in choose(choice)
    assert '<html lang="en">' in choose("system")


def test_the_search_on_top_looks_among_what_the_page_is_about(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind, access="public")

    page = people.reader.client.get(f"/{kind.slug}/{entry_id}").text

    assert re.search(rf'class="site-search"[^>]*action="/{kind.slug}"', page)
    assert f'placeholder="Search {kind.plural_label.lower()}"' in page


def test_the_start_page_searches_either_kind(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, "Leaf area", kind=kind, access="public")

    assert 'name="q"' in people.reader.client.get("/").text
    assert f'href="/{kind.slug}/{entry_id}"' in people.reader.client.get("/?q=area+leaf").text


def test_a_search_leads_on_to_the_other_kind(people: People, kind: Kind) -> None:
    other = next(each for each in KINDS if each is not kind)

    assert f'href="/{other.slug}?q=leaf+area"' in people.reader.client.get(f"/{kind.slug}?q=leaf+area&type=x").text
    assert f"Search {other.plural_label.lower()} for this" not in people.reader.client.get(f"/{kind.slug}").text
