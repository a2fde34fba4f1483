"""What every page owes to whoever cannot see it: one heading, ids that are unique, labels that lead to their fields."""

from collections import Counter
from html.parser import HTMLParser

import pytest

from tests import make
from tests.people import People

PAGES = ["/", "/models", "/models/new", "/scripts/new", "/account", "/uploads", "/uploads/new", "/nowhere"]
ENTRY_PAGES = ["", "/versions", "/edit", "/delete"]
DESCRIPTION = "# A heading\n\nWords, `code` and\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"


class Markup(HTMLParser):
    """Counts what the tests below ask for."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.references: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.tags[tag] += 1
        if given.get("id"):
            self.ids[str(given["id"])] += 1
        for name in ("for", "form", "aria-describedby", "aria-labelledby"):
            self.references.update((given.get(name) or "").split())


def require_sound(page: str) -> None:
    markup = Markup(page)

    assert markup.tags["h1"] == 1
    assert markup.tags["main"] == 1
    assert [name for name, number in markup.ids.items() if number > 1] == []
    assert markup.references <= set(markup.ids)
    assert 'href="#main"' in page


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_sound(people: People, path: str) -> None:
    make.entry(people.owner, "leaf-counter", access="public", type="unet", experiment="Immer 1931")

    require_sound(people.owner.client.get(path).text)


@pytest.mark.parametrize("path", ["/", "/models", "/login", "/signup"])
def test_a_page_for_visitors_is_sound(people: People, path: str) -> None:
    require_sound(people.anonymous.client.get(path).text)


@pytest.mark.parametrize("path", ENTRY_PAGES)
def test_a_page_of_an_entry_is_sound(people: People, path: str) -> None:
    entry_id = make.entry(people.owner, "leaf-counter", description=DESCRIPTION, info={"layers": [1, {"units": 2}]})
    make.version(people.owner, entry_id)

    require_sound(people.owner.client.get(f"/models/{entry_id}{path}").text)


def test_a_form_with_errors_is_sound_and_says_so_first(people: People) -> None:
    client = people.anonymous.client
    page = client.get("/login").text
    token = page.split('name="csrf-token" content="')[1].split('"')[0]

    answer = client.post("/login", data={"csrf_token": token, "email": "", "password": ""})

    require_sound(answer.text)
    assert "<title>Error: Log in" in answer.text
    assert 'href="#email"' in answer.text
    assert 'aria-describedby="email-error"' in answer.text
