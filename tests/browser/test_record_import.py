"""Loading many records by the page: in slices, with wrong lines, again, after a lost connection, without JavaScript."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import func, select

from portal.domain.records import Record
from portal.extensions import db
from tests import make
from tests.bench import record_data
from tests.browser.conftest import log_in
from tests.people import People
from tests.served import Line

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"
HEAD = "site_name,timestamp,yield,note\n"


@pytest.fixture
def page(open_window: Callable[..., Page], line: Line, people: People) -> Page:
    page = log_in(open_window(), line, people.owner)
    page.goto(f"{line.address}/models/{make.entry(people.owner)}/records/import")
    return page


def number(people: People) -> int:
    with people.owner.app.app_context():
        return db.session.scalar(select(func.count()).select_from(Record)) or 0


def expect_well_made(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.evaluate(AXE.read_text())
    assert page.evaluate("axe.run().then(({violations}) => violations.map((each) => each.id))") == []


def expect_found(page: Page, words: str) -> None:
    expect(page.locator("[data-slot=found]")).to_have_text(words, timeout=60_000)


def test_a_file_is_checked_then_loaded_slice_by_slice(page: Page, people: People, tmp_path: Path) -> None:
    file = tmp_path / "flights.ndjson"
    lines = list(record_data.lines(record_data.made_up(9_000)))
    lines[6_999:7_000] = [b"{}\n", b"\n", b'{"site_name": 5}\n']
    file.write_bytes(b"".join(lines))
    assert file.stat().st_size > 2 << 20, "three slices"
    expect_well_made(page)
    page.set_input_files("#file", file)
    expect_found(page, "flights.ndjson: 8,999 new records")
    expect(page.locator("[data-slot=wrong]")).to_have_text("2 lines left out")
    expect(page.locator("[data-slot=errors] li")).to_have_text(
        ["Line 7,000 model_data: Give data, or a record_file.", "Line 7,002 site_name: Takes text."]
    )
    expect(page.locator("[data-slot=sample] tr")).to_have_count(5)
    expect_well_made(page)
    assert number(people) == 0
    page.get_by_role("button", name="Load 8,999 records").click()
    expect_found(page, "flights.ndjson: 8,999 records added")
    assert number(people) == 8_999
    page.get_by_role("button", name="Load another file").click()
    page.set_input_files("#file", file)
    expect_found(page, "flights.ndjson: 0 new records")
    expect(page.locator("[data-slot=present]")).to_have_text("8,999 lines there already")


def test_a_sheet_is_cut_between_its_rows(page: Page, people: People, tmp_path: Path) -> None:
    file = tmp_path / "plots.csv"
    note = '"two\nlines, ""quoted"" ' + "x" * 500 + '"'
    rows = (f"Waseca,2026-06-01T12:00:00.{row:06}Z,{row},{note}\n" for row in range(4_000))
    file.write_text(HEAD + "".join(rows) + "Waseca,yesterday,1,")
    page.set_input_files("#file", file)
    expect_found(page, "plots.csv: 4,000 new records")
    expect(page.locator("[data-slot=errors] li")).to_contain_text(["Line 8,002 timestamp: Takes a time"])
    page.get_by_role("button", name="Load 4,000 records").click()
    expect_found(page, "plots.csv: 4,000 records added")
    with people.owner.app.app_context():
        kept = db.session.scalars(select(Record)).all()
        assert {record.data["yield"] for record in kept if record.data} == set(range(4_000))


def test_after_a_lost_connection_it_goes_on(page: Page, people: People, tmp_path: Path) -> None:
    file = tmp_path / "flights.ndjson"
    file.write_bytes(b"".join(record_data.lines(record_data.made_up(9_000))))
    page.set_input_files("#file", file)
    expect_found(page, "flights.ndjson: 9,000 new records")
    sent = []

    def lose_the_second(route: Route) -> None:
        sent.append(route)
        if len(sent) == 2:
            route.abort()
        else:
            route.continue_()

    page.route("**/records/import", lose_the_second)
    page.get_by_role("button", name="Load 9,000 records").click()
    expect(page.get_by_role("alert")).to_contain_text("The portal cannot be reached.")
    expect(page.get_by_role("alert")).to_contain_text("added so far; they stay.")
    page.get_by_role("button", name="Go on").click()
    expect_found(page, "flights.ndjson: 9,000 records added")
    assert number(people) == 9_000


def test_without_a_script_the_whole_file_goes_at_once(
    open_window: Callable[..., Page], line: Line, people: People, tmp_path: Path
) -> None:
    page = log_in(open_window(java_script_enabled=False), line, people.owner)
    page.goto(f"{line.address}/models/{make.entry(people.owner)}/records/import")
    file = tmp_path / "plots.csv"
    file.write_text(HEAD + "Waseca,2026-06-01T12:00:00Z,48.9,\n")
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Check it").click()
    expect_found(page, "plots.csv: 1 new record")
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Load it").click()
    expect(page.get_by_text("1 record added.")).to_be_visible()
    assert number(people) == 1
