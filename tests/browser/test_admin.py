"""The pages of administrators, with the keyboard alone; and whether they are well made at every width."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import make
from tests.browser.conftest import log_in
from tests.browser.test_journey import violations
from tests.people import PASSWORD, People, in_transaction, make_user
from tests.served import Line

MOST_STEPS = 80


def tab_to(page: Page, wanted: Locator) -> None:
    """Goes on with the Tab key until `wanted` has the focus."""
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{wanted} is not reached by the Tab key")


def press(page: Page, wanted: Locator, key: str = "Enter") -> None:
    tab_to(page, wanted)
    page.keyboard.press(key)


def write(page: Page, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True)
    tab_to(page, field)
    page.keyboard.type(text)


def test_a_user_is_added_promoted_and_deleted_by_keyboard(
    open_window: Callable[..., Page], line: Line, people: People
) -> None:
    make.entry(people.admin, "yield-net")
    page = log_in(open_window(), line, people.admin)
    press(page, page.locator(".site-nav summary", has_text="admin"))
    press(page, page.locator(".site-nav").get_by_role("link", name="Admin"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Administration")

    press(page, page.get_by_role("link", name="Add a user"))
    write(page, "User name", "noor")
    write(page, "E-mail", "noor@example.org")
    write(page, "Password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("noor can log in now.")).to_be_visible()

    press(page, page.locator("summary", has_text="Change noor"))
    press(page, page.get_by_role("button", name="Make an administrator noor"))
    expect(page.get_by_text("noor is an administrator now.")).to_be_visible()
    expect(page.get_by_role("row", name="noor")).to_contain_text("Administrator")

    press(page, page.locator("summary", has_text="Change noor"))
    press(page, page.get_by_role("link", name="Delete noor"))
    write(page, "Name", "nora")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This is not the user name.")
    name = page.get_by_label("Name", exact=True)
    tab_to(page, name)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("noor")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The account of noor is deleted.")).to_be_visible()

    press(page, page.locator("main").get_by_role("link", name="Activity"))
    trail = page.locator(".trail > li")
    for number, sentence in enumerate(
        ["deleted the account of noor", "made noor an administrator", "made an account for noor"]
    ):
        expect(trail.nth(number)).to_contain_text(f"admin {sentence}")
        expect(trail.nth(number)).to_contain_text("from 127.0.0.1")


def test_one_search_for_everything_by_keyboard(open_window: Callable[..., Page], line: Line, people: People) -> None:
    make.entry(people.owner, "winter barley")
    page = log_in(open_window(), line, people.owner)
    page.goto(line.address)
    page.keyboard.press("/")
    page.keyboard.type("barley")
    page.keyboard.press("Enter")
    press(page, page.get_by_role("link", name="winter barley"))
    expect(page.get_by_role("heading", level=1)).to_have_text("winter barley")
    press(page, page.locator("main").get_by_role("link", name="Activity"))
    expect(page.locator(".trail > li")).to_contain_text("owner registered it")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_serious(
    open_window: Callable[..., Page], line: Line, people: People, width: int, scheme: str
) -> None:
    entry_id = make.entry(people.owner, "n" * 200, access="public")
    for number in (1, 2):
        make.version(people.owner, entry_id)
        make.begin(people.owner, b"x" * 100, chunk_size=10, model_name=f"{'u' * 200} {number}", file_name="f" * 200)
    with in_transaction(people.owner.app):
        make.stored_version(entry_id, 2).is_damaged = True
        make_user("w" * 50, is_verified=False)
    settings = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    page = log_in(open_window(**settings), line, people.admin)
    inside = ["/", "/?q=n", "/?q=zzz", "/admin", "/admin/users", "/admin/users?q=zzz", "/admin/activity",
              "/admin/users/new", f"/admin/users/{people.owner.id}/delete", f"/admin/users/{people.admin.id}/delete",
              f"/models/{entry_id}/activity"]  # fmt: skip
    found = {path: violations(page, line, path) for path in inside}
    page.goto(f"{line.address}/admin/users")
    page.locator("summary", has_text="Change").last.click()
    panel = page.locator("details[open] .menu-panel").bounding_box()
    assert panel
    assert 0 <= panel["x"] <= width - panel["width"]
    visitor = open_window(**settings)
    found |= {path: violations(visitor, line, path) for path in ("/", "/?q=n", "/?q=zzz")}
    assert not any(found.values()), found
