"""What a person does on the upload page, and what they see there."""

import hashlib
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.people import Person
from tests.served import Line

MIB = 1 << 20


def choose(page: Page, line: Line, file: Path, name: str) -> None:
    page.goto(f"{line.address}/uploads/new")
    page.set_input_files("#file", file)
    page.get_by_label("Name", exact=True).fill(name)


def begin(page: Page, line: Line, file: Path, name: str = "yield net") -> None:
    choose(page, line, file, name)
    page.get_by_role("button", name="Upload", exact=True).click()


def choose_again(page: Page, file: Path) -> None:
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Go on").click()


def expect_heading(page: Page, words: str) -> None:
    expect(page.locator("#upload").get_by_role("heading", level=2)).to_contain_text(words, timeout=60_000)


def expect_problem(page: Page, words: str) -> None:
    expect(page.locator("#upload").get_by_role("alert")).to_contain_text(words, timeout=60_000)


def wait_until_sent(page: Page, line: Line, size: int) -> None:
    while line.carried < size:
        page.wait_for_timeout(50)


def expect_done(page: Page, person: Person, file: Path) -> None:
    """Both sums are shown and the same, and what a program downloads are the file's bytes."""
    data = file.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    expect(page.locator("[data-slot=sha-verdict]")).to_have_text("the same ✓", timeout=90_000)
    expect(page.locator("[data-slot=sha-there]")).to_have_text(sha256)
    expect(page.locator("[data-slot=sha-here]")).to_have_text(sha256)
    entry = page.get_by_role("link", name="Open the model").get_attribute("href") or ""
    assert person.api.get(f"/api/v2/model/{entry.rsplit('/', 1)[1]}/download").data == data
