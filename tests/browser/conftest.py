"""A real Chromium, and people in front of it."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.people import PASSWORD, Person
from tests.served import Line, line, served

__all__ = ["line", "served"]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    if CHROMIUM is None:
        if os.environ.get("PORTAL_TEST_BROWSER") == "required":
            pytest.fail("There is no Chromium on this machine, and PORTAL_TEST_BROWSER=required.")
        pytest.skip("There is no Chromium on this machine.")
    with sync_playwright() as started:
        yield started


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = launch(playwright)
    yield browser
    browser.close()


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """What the browser complained of: scripts that failed, content that the policy forbids. Must stay empty."""
    complaints: list[str] = []
    yield complaints
    assert complaints == []


@pytest.fixture
def open_window(browser: Browser, faults: list[str]) -> Iterator[Callable[..., Page]]:
    """Opens a page in a fresh profile; keywords are those of Playwright's new_context()."""
    contexts: list[BrowserContext] = []

    def open_window(browser: Browser = browser, **settings: object) -> Page:
        context = browser.new_context(**settings)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console", lambda message: faults.append(message.text) if is_fault(message.type, message.text) else None
        )
        return page

    yield open_window
    for context in contexts:
        if context.browser and context.browser.is_connected():
            context.close()


def is_fault(kind: str, text: str) -> bool:
    """A refused request also makes a line in the console; that is the portal's good right."""
    return kind == "error" and not text.startswith("Failed to load resource")


def log_in(page: Page, line: Line, person: Person) -> Page:
    page.goto(f"{line.address}/login")
    page.get_by_label("E-mail").fill(f"{person.name}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login" not in url)
    return page
