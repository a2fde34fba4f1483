"""The records page in a browser: narrow down, look, go back, take away; with and without JavaScript, by keyboard."""

import csv
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from portal.domain.circumstances import Names
from portal.domain.records import NewRecord
from tests import make
from tests.browser.conftest import log_in
from tests.browser.test_journey import AXE, violations
from tests.people import People
from tests.recorded import START, several
from tests.served import Line

WILD = {f"a key that is long, number {number}": "x" * 1000 for number in range(58)} | {
    "nested": {"a": [1, {"b": None}]}
}


@pytest.fixture
def trial(people: People) -> str:
    """120 days in turn at three sites; every tenth yields more than 60, one has no season."""
    entry_id = make.entry(people.owner, "Barley read-out", access="public")
    sites = ("Waseca", "Morris", "Crookston")
    new = []
    for day in range(120):
        names = Names("Barley 2026", None if day == 7 else "2026", sites[day % 3])
        data = {"yield": 61 + day if day % 10 == 0 else 20 + day % 10, "variety": "Manchuria" if day % 2 else "Trebi"}
        new.append(NewRecord(data, names=names, timestamp=START + timedelta(days=day, hours=9)))
    several(people.owner, entry_id, new)
    return f"/models/{entry_id}/records"


def shows(page: Page, words: str) -> None:
    expect(page.locator(".result-count")).to_have_text(words)


def test_narrowing_down_and_going_back(
    open_window: Callable[..., Page], line: Line, people: People, trial: str
) -> None:
    page = log_in(open_window(), line, people.reader)
    page.goto(f"{line.address}{trial}")
    shows(page, "120 records")

    page.get_by_label("Waseca").check()
    shows(page, "40 records")
    expect(page.get_by_label("Waseca")).to_be_focused()
    assert "site_names=Waseca" in page.url
    expect(page.locator("label", has_text="Morris").locator(".filter-count")).to_contain_text("40")
    page.get_by_role("searchbox", name="Search in data").fill("yield > 60")
    page.get_by_role("searchbox", name="Search in data").press("Enter")
    shows(page, "4 records")

    page.get_by_role("link", name="Remove filter Site: Waseca").click()
    shows(page, "12 records")
    expect(page.get_by_label("Waseca")).not_to_be_checked()
    expect(page.get_by_role("searchbox", name="Search in data")).to_have_value("yield > 60")
    page.go_back()
    shows(page, "4 records")
    expect(page.get_by_label("Waseca")).to_be_checked()
    page.wait_for_load_state()
    page.go_back()
    shows(page, "40 records")
    expect(page.get_by_role("searchbox", name="Search in data")).to_have_value("")


def test_a_bar_of_the_histogram_narrows_the_time(
    open_window: Callable[..., Page], line: Line, people: People, trial: str
) -> None:
    page = log_in(open_window(), line, people.reader)
    page.goto(f"{line.address}{trial}")

    page.locator("[data-bars] a").nth(2).click()
    shows(page, "7 records")
    expect(page.locator(".chip", has_text="From 2026-01-19")).to_be_visible()
    expect(page.get_by_label("From", exact=True)).to_have_value("2026-01-19")
    expect(page.locator("[data-bars] a")).to_have_count(7)
    page.get_by_role("link", name="Show all times").click()
    shows(page, "120 records")


def test_records_without_a_name_are_kept_by_later_filters(
    open_window: Callable[..., Page], line: Line, people: People, trial: str
) -> None:
    page = log_in(open_window(), line, people.reader)
    page.goto(f"{line.address}{trial}")

    page.get_by_label("Without a season").check()
    shows(page, "1 record")
    page.get_by_label("Morris").check()
    expect(page.locator(".chip", has_text="Morris")).to_be_visible()
    shows(page, "1 record")
    expect(page.get_by_label("Without a season")).to_be_checked()


def test_what_cannot_be_understood_is_said_in_place(
    open_window: Callable[..., Page], line: Line, people: People, trial: str
) -> None:
    page = log_in(open_window(), line, people.reader)
    page.goto(f"{line.address}{trial}")

    page.get_by_role("searchbox", name="Search in data").fill("yield >")
    page.get_by_role("searchbox", name="Search in data").press("Enter")
    expect(page.locator("#where-error")).to_contain_text("there should be a value")
    expect(page.get_by_role("searchbox", name="Search in data")).to_have_value("yield >")
    page.get_by_role("searchbox", name="Search in data").fill("yield > 60")
    page.get_by_role("searchbox", name="Search in data").press("Enter")
    shows(page, "12 records")


def test_by_keyboard_alone(open_window: Callable[..., Page], line: Line, people: People, trial: str) -> None:
    page = log_in(open_window(), line, people.reader)
    page.goto(f"{line.address}{trial}")

    page.locator("[data-bars] a").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    expect(page.locator("[data-bars] a").last).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")
    assert page.evaluate("!document.activeElement.closest('[data-bars]')")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    shows(page, "7 records")
    page.get_by_label("Crookston").focus()
    page.keyboard.press("Space")
    expect(page.locator(".chip", has_text="Crookston")).to_be_visible()
    page.locator(".record-table tbody a").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Record of 2026-")
    page.get_by_role("link", name="Next").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Previous")).to_be_visible()


def test_columns_and_taking_away(open_window: Callable[..., Page], line: Line, people: People, trial: str) -> None:
    page = log_in(open_window(), line, people.reader)
    page.goto(f"{line.address}{trial}?site_names=Waseca")

    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("variety").uncheck()
    page.get_by_role("button", name="Show these").click()
    expect(page.locator(".record-table th.key")).to_have_text(["yield"])
    assert "columns=yield" in page.url
    page.get_by_label("Morris").check()
    shows(page, "80 records")
    expect(page.locator(".record-table th.key")).to_have_text(["yield"])
    page.get_by_text("Take this away").click()
    with page.expect_download() as begun:
        page.get_by_role("link", name="CSV").click()
    assert begun.value.suggested_filename == "Barley read-out records.csv"
    with open(Path(begun.value.path()), newline="", encoding="utf-8") as file:
        taken = list(csv.DictReader(file))
    assert len(taken) == 80
    assert {row["site_name"] for row in taken} == {"Waseca", "Morris"}


def test_without_javascript(open_window: Callable[..., Page], line: Line, people: People, trial: str) -> None:
    page = log_in(open_window(java_script_enabled=False), line, people.reader)
    page.goto(f"{line.address}{trial}")

    page.get_by_label("Morris").check()
    page.get_by_role("searchbox", name="Search in data").fill("variety = Trebi")
    page.get_by_label("Order").select_option("Oldest first")
    page.get_by_role("button", name="Apply").first.click()
    shows(page, "20 records")
    page.locator("[data-bars] a").first.click()
    shows(page, "1 record")
    page.get_by_role("link", name="Remove filter From").click()
    page.get_by_role("link", name="Remove filter Before").click()
    page.get_by_role("link", name="Remove filter Site: Morris").click()
    page.get_by_role("link", name="Remove filter variety").click()
    shows(page, "120 records")
    page.get_by_role("link", name="Next").click()
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".record-table tbody tr")).to_have_count(20)
    page.get_by_role("link", name="Previous").click()
    page.locator(".record-table tbody a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Record of 2026-02-24")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_serious(
    open_window: Callable[..., Page], line: Line, people: People, trial: str, width: int, scheme: str
) -> None:
    long = "n" * 255
    wild = make.entry(people.owner, long, access="public")
    new = [NewRecord(WILD, names=Names(long, long, long), dataset=long, timestamp=START)]
    (wild_id,) = several(people.owner, wild, new)
    empty = make.entry(people.owner, "Empty")
    page = log_in(open_window(viewport={"width": width, "height": 900}, color_scheme=scheme), line, people.owner)
    entry = trial.removesuffix("/records")
    inside = [trial, f"{trial}?where=yield+%3E", f"{trial}?site_names=Morris&start_timestamp=2026-01-06T09:30:00Z",
              f"{trial}?site_names=Nowhere", "/records", f"/models/{wild}/records", f"/models/{empty}/records",
              f"/records/{wild_id}", f"/records/{wild_id}/edit", f"/records/{wild_id}/delete", f"{trial}/new",
              f"{entry}/runs", f"{entry}/datasets", f"/models/{wild}/datasets", "/experiments", "/sites"]  # fmt: skip
    page.goto(f"{line.address}/records/{wild_id}")
    of_it = page.locator(".facts a:not([href^='/api'])").evaluate_all(
        "links => links.map(link => link.getAttribute('href'))"
    )
    found = {path: violations(page, line, path) for path in [*inside, *of_it]}
    page.goto(f"{line.address}{trial}?site_names=Morris")
    page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
    found["all unfolded"] = violations_here(page)
    assert not any(found.values()), found


def violations_here(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    return [
        each["id"] for each in page.evaluate("axe.run()")["violations"] if each["impact"] in ("serious", "critical")
    ]
