"""The page of the API in a browser: read it, sign in on it, try addresses out; strict policy, narrow, dark."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from portal.domain import tokens
from tests import make
from tests.browser.conftest import log_in
from tests.browser.test_journey import AXE
from tests.people import People, in_transaction
from tests.served import Line


def unfold(page: Page, chapter: str, operation: str) -> Locator:
    """Opens one operation, by keyboard, and begins to try it out."""
    page.locator(f'[data-tag="{chapter}"]').get_by_role("button").press("Enter")
    block = page.locator(f'[id$="-{operation}"]')
    block.locator(".opblock-summary-control").press("Enter")
    block.get_by_role("button", name="Try it out").press("Enter")
    return block


def execute(block: Locator) -> Locator:
    block.get_by_role("button", name="Execute").press("Enter")
    return block.locator(".live-responses-table .response")


def serious(page: Page) -> list[str]:
    found = page.evaluate("axe.run()")["violations"]
    return [each["id"] for each in found if each["impact"] in ("serious", "critical")]


def test_who_is_signed_in_tries_addresses_out_without_a_token(
    open_window: Callable[..., Page], line: Line, people: People
) -> None:
    page = log_in(open_window(), line, people.owner)
    page.get_by_role("contentinfo").get_by_role("link", name="API").click()

    block = unfold(page, "Registry: models", "registry_create_model")
    block.get_by_label("Request body").fill('{"model_name": "made on the page"}')
    answer = execute(block)
    expect(answer).to_contain_text("200")
    expect(answer).to_contain_text("made on the page")


def test_a_visitor_authorizes_with_a_token(open_window: Callable[..., Page], line: Line, people: People) -> None:
    entry_id = make.entry(people.owner, "private of the owner")
    with in_transaction(people.owner.app):
        _, token = tokens.issue(people.owner.actor, people.owner.actor.user_id, "docs", "read")
    page = open_window()
    page.goto(f"{line.address}/api/docs")

    block = unfold(page, "Bazaar: models", "bazaar_show_entry_model")
    block.get_by_role("textbox", name="model_id").fill(entry_id)
    expect(execute(block)).to_contain_text("401")

    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".modal-ux")
    dialog.locator("input").first.fill(token)
    dialog.get_by_role("button", name="Authorize").first.click()
    dialog.get_by_role("button", name="Close").first.click()
    expect(execute(block)).to_contain_text("private of the owner")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_and_axe_finds_nothing_serious(
    open_window: Callable[..., Page], line: Line, people: People, scheme: str, width: int
) -> None:
    page = open_window(color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    page.goto(f"{line.address}/api/docs")
    unfold(page, "Registry: models", "registry_add_record_model")
    unfold(page, "Bazaar: users", "bazaar_log_in")

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.add_script_tag(path=AXE)
    assert serious(page) == []
    page.get_by_role("button", name="Authorize").first.press("Enter")
    expect(page.get_by_role("heading", name="Available authorizations")).to_be_visible()
    assert serious(page) == []


def test_without_scripts_it_is_a_list(open_window: Callable[..., Page], line: Line, people: People) -> None:
    page = open_window(java_script_enabled=False)
    page.goto(f"{line.address}/api/docs")

    expect(page.get_by_role("row", name="POST /api/v2/model/upload/commit")).to_be_visible()
