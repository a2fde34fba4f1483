"""A page stays small and quick whatever its owner has written there."""

import re
import time

from portal.domain.kinds import Kind
from portal.web.markdown import render
from tests import make
from tests.people import People

SITE = {f"plot {number:03}": {"yield": number, "rows": [1, 2, 3]} for number in range(100)}
INFO = {f"site {number:03}": SITE for number in range(200)}


def test_of_a_large_info_the_outer_members_are_shown_and_the_rest_is_a_click_away(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind, info=INFO)

    page = people.owner.client.get(f"/{kind.slug}/{entry_id}").text

    assert len(page) < 200_000
    assert "site 099" in page
    assert "… and 100 more" in page
    assert f'href="/api/{kind.slug}/id/{entry_id}">All of it as JSON' in page


def test_a_small_info_is_shown_whole(people: People, kind: Kind) -> None:
    entry_id = make.entry(
        people.owner, kind=kind, info={"layers": [{"units": 64}], "note": "<b>", "none": [], "x": None}
    )

    page = people.owner.client.get(f"/{kind.slug}/{entry_id}").text

    assert "All of it as JSON" not in page
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split('class="tree"')[1].split("</section>")[0]))
    for words in ("layers: [1]", "units: 64", "note: &lt;b&gt;", "none: []", "x: null"):
        assert words in shown


def test_long_texts_deep_nests_and_long_keys_are_cut(people: People, kind: Kind) -> None:
    deep: object = "bottom"
    for _ in range(40):
        deep = {"down": deep}
    entry_id = make.entry(people.owner, kind=kind, info={"text": "a" * 500_000, "k" * 200_000: 1, "deep": deep})

    page = people.owner.client.get(f"/{kind.slug}/{entry_id}").text

    assert len(page) < 50_000
    assert "and 499,000 more characters" in page
    assert "All of it as JSON" in page


def test_a_description_is_rendered_once() -> None:
    text = "- a list that goes on\n" * 2_900
    first = seconds(text)

    assert seconds(text) < first / 10


def test_a_table_beyond_reason_stays_text() -> None:
    wide = "|a" * 1000 + "|\n" + "|-" * 1000 + "|\n"

    assert "<table" not in render(wide + "|\n" * 30_000)
    assert "<table" in render("| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 1000)


def seconds(text: str) -> float:
    began = time.perf_counter()
    render(text)
    return time.perf_counter() - began
