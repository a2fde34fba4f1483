"""An upload in a real browser outlives the browser, the server, the network and the session."""

import random
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.browser.conftest import launch, log_in
from tests.browser.uploading import (
    MIB,
    begin,
    choose,
    choose_again,
    expect_done,
    expect_heading,
    expect_problem,
    wait_until_sent,
)
from tests.people import People
from tests.served import Line, Served

SIZE = 24 * MIB + 11


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(random.Random(3).randbytes(SIZE))
    return path


def chromiums() -> set[psutil.Process]:
    return {child for child in psutil.Process().children(recursive=True) if "chrom" in child.name()}


def kept(people: People, page: Page) -> int:
    """Bytes that the portal has of the upload whose page is open."""
    upload_id = page.url.rsplit("/", 1)[1]
    return people.owner.api.get(f"/api/v2/model/upload?upload_id={upload_id}").json["bytes_received"]


def test_the_browser_is_killed(playwright: Playwright, open_window, line: Line, people: People, file: Path) -> None:
    line.rate = 4 * MIB
    others = chromiums()
    page = log_in(open_window(launch(playwright)), line, people.owner)
    begin(page, line, file)
    expect_heading(page, "Sending model.safetensors")
    wait_until_sent(page, line, 10 * MIB)
    before = kept(people, page)
    assert 0 < before < SIZE
    for process in chromiums() - others:
        process.kill()

    line.rate = line.carried = 0
    page = log_in(open_window(), line, people.owner)
    page.get_by_label("Main", exact=True).get_by_role("link", name="Uploads").click()
    page.get_by_role("link", name="model.safetensors").click()
    choose_again(page, file)
    expect_done(page, people.owner, file)
    assert line.carried < SIZE - before + MIB


def test_the_server_is_killed(open_window, served: Served, line: Line, people: People, file: Path) -> None:
    line.rate = 8 * MIB
    page = log_in(open_window(), line, people.owner)
    begin(page, line, file)
    wait_until_sent(page, line, 8 * MIB)
    served.kill()
    expect(page.locator("[data-part=trouble]")).to_contain_text("have arrived and are kept")
    served.start()
    line.rate = 0
    expect_done(page, people.owner, file)


def test_the_page_is_loaded_again(open_window, line: Line, people: People, file: Path) -> None:
    line.rate = 8 * MIB
    page = log_in(open_window(), line, people.owner)
    begin(page, line, file)
    wait_until_sent(page, line, 8 * MIB)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    assert asked == ["beforeunload"]
    line.rate = 0
    choose_again(page, file)
    expect_done(page, people.owner, file)


def test_the_network_goes_and_comes_back(open_window, line: Line, people: People, file: Path) -> None:
    line.rate = 8 * MIB
    page = log_in(open_window(), line, people.owner)
    begin(page, line, file)
    wait_until_sent(page, line, 6 * MIB)
    page.context.set_offline(True)
    expect(page.locator("[data-part=trouble]")).to_contain_text("This computer is offline.")
    page.context.set_offline(False)
    expect(page.locator("[data-part=trouble]")).to_be_hidden()
    line.rate = 0
    expect_done(page, people.owner, file)


def test_the_line_is_cut_again_and_again(open_window, line: Line, people: People, file: Path) -> None:
    page = log_in(open_window(), line, people.owner)
    choose(page, line, file, "yield net")
    line.cut_every = 5 * MIB
    page.get_by_role("button", name="Upload", exact=True).click()
    expect_done(page, people.owner, file)


def test_the_session_ends_in_the_middle(open_window, line: Line, people: People, file: Path) -> None:
    line.rate = 8 * MIB
    page = log_in(open_window(), line, people.owner)
    begin(page, line, file)
    wait_until_sent(page, line, 6 * MIB)
    page.context.clear_cookies()
    line.rate = 0
    expect_done(page, people.owner, file)


def test_the_session_has_ended_before_the_first_byte(open_window, line: Line, people: People, file: Path) -> None:
    page = log_in(open_window(), line, people.owner)
    choose(page, line, file, "yield net")
    page.context.clear_cookies()
    page.get_by_role("button", name="Upload", exact=True).click()
    expect_problem(page, "You are no longer logged in.")
    other = page.context.new_page()
    log_in(other, line, people.owner)
    page.get_by_role("button", name="Try again").click()
    expect_done(page, people.owner, file)


def test_the_right_to_write_is_lost_in_the_middle(open_window, line: Line, people: People, file: Path) -> None:
    line.rate = 8 * MIB
    page = log_in(open_window(), line, people.owner)
    begin(page, line, file)
    wait_until_sent(page, line, 4 * MIB)
    (entry,) = people.owner.api.get("/api/v2/model/list").json
    assert people.owner.api.delete(f"/api/v2/model/{entry['model_id']}").status_code == 200
    expect_problem(page, "deleted")
    expect_heading(page, "Stopped")
