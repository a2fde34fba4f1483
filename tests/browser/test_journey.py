"""The first journey: somebody signs up and uploads, a colleague finds it and takes it away."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.browser.conftest import log_in
from tests.people import People
from tests.served import Line

DATA = bytes(range(256)) * 8192  # 2 MiB


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "yield-net.safetensors"
    path.write_bytes(DATA)
    return path


def sign_up(page: Page, line: Line, name: str) -> None:
    page.goto(line.address)
    page.get_by_role("link", name="Sign up").first.click()
    page.get_by_label("User name").fill(name)
    page.get_by_label("E-mail").fill(f"{name}@example.org")
    page.get_by_label("Password").fill("plots, sown in two rows")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Models and scripts")


def downloaded(page: Page) -> str:
    """The sha256 of what the first download button gives."""
    with page.expect_download() as begun:
        page.locator("main").get_by_role("link", name="Download v1").first.click()
    return hashlib.sha256(begun.value.path().read_bytes()).hexdigest()


def test_sign_up_upload_and_a_colleague_downloads(
    open_window: Callable[..., Page], line: Line, people: People, file: Path
) -> None:
    maker = open_window()
    sign_up(maker, line, "vera")
    maker.get_by_role("link", name="Upload a file").click()
    maker.locator("input[type=file]").set_input_files(file)
    maker.get_by_label("Name", exact=True).fill("Yield net")
    maker.get_by_role("button", name="Upload").click()
    opened = maker.get_by_role("link", name="Open the model")
    expect(opened).to_be_visible(timeout=60_000)
    expect(maker.locator("[data-slot=sha-there]")).to_have_text(hashlib.sha256(DATA).hexdigest())
    opened.click()
    address = maker.url
    assert downloaded(maker) == hashlib.sha256(DATA).hexdigest()

    colleague = open_window()
    log_in(colleague, line, people.stranger)
    colleague.goto(address)
    expect(colleague.get_by_role("heading", level=1)).to_have_text("Not found")
    entry_id = address.rpartition("/")[2]
    people.admin.api.post(f"/api/v2/model/{entry_id}/access", json={"access": "public"})
    colleague.goto(f"{line.address}/models")
    colleague.get_by_role("searchbox").fill("yield")
    colleague.get_by_role("link", name="Yield net").click()
    assert downloaded(colleague) == hashlib.sha256(DATA).hexdigest()


def test_everything_but_the_upload_without_javascript(
    open_window: Callable[..., Page], line: Line, people: People, tmp_path: Path
) -> None:
    for number in range(60):
        make.entry(people.owner, f"field {number:02}", type="bert" if number % 2 else "cnn")
    entry_id = make.entry(people.owner, "Plot counter")
    make.version(people.owner, entry_id, DATA)
    page = log_in(open_window(java_script_enabled=False), line, people.owner)

    page.get_by_role("link", name="Models").first.click()
    expect(page.locator(".result-count")).to_contain_text("61 models")
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".result-count")).to_contain_text("page 2 of 2")
    page.get_by_role("searchbox").fill("field 1")
    page.get_by_label("bert").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".result-count")).to_contain_text("10 models")
    page.get_by_role("link", name="Remove filter Type: bert").click()
    expect(page.locator(".result-count")).to_contain_text("15 models")

    page.goto(f"{line.address}/models/{entry_id}")
    assert downloaded(page) == hashlib.sha256(DATA).hexdigest()
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Name", exact=True).fill("Plot counter two")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Plot counter two")
    page.get_by_role("button", name="Dark").click()
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_label("Name").fill("Plot counter two")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("is deleted")).to_be_visible()
    page.locator("summary", has_text="owner").click()
    page.get_by_role("button", name="Log out").first.click()
    expect(page.get_by_role("link", name="Log in").first).to_be_visible()


def test_search_as_you_type_keeps_the_place_and_the_address(
    open_window: Callable[..., Page], line: Line, people: People
) -> None:
    for name in ("barley", "wheat", "winter barley"):
        make.entry(people.owner, name)
    page = log_in(open_window(), line, people.owner)
    page.goto(f"{line.address}/models")
    page.get_by_role("searchbox").press_sequentially("barl", delay=40)
    expect(page.locator(".result-count")).to_contain_text("2 models")
    expect(page.get_by_role("searchbox")).to_be_focused()
    assert page.url.endswith("q=barl") or "q=barl&" in page.url
    page.get_by_role("link", name="winter barley").click()
    page.go_back()
    expect(page.locator(".result-count")).to_contain_text("2 models")
    expect(page.get_by_role("searchbox")).to_have_value("barl")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_serious(
    open_window: Callable[..., Page], line: Line, people: People, width: int, scheme: str
) -> None:
    entry_id = make.entry(
        people.owner, "n" * 200, description="# Heading\n\n| a | b |\n|---|---|\n| 1 | 2 |", info={"a": [1]}
    )
    make.version(people.owner, entry_id, DATA)
    page = log_in(open_window(viewport={"width": width, "height": 900}, color_scheme=scheme), line, people.owner)
    entry = f"/models/{entry_id}"
    inside = ["/", "/models", "/models?q=zzz", entry, f"{entry}/versions", f"{entry}/edit", f"{entry}/delete",
              "/models/new", "/scripts", "/uploads", "/uploads/new", "/account", "/no-such-page"]  # fmt: skip
    found = {path: violations(page, line, path) for path in inside}
    visitor = open_window(viewport={"width": width, "height": 900}, color_scheme=scheme)
    found |= {path: violations(visitor, line, path) for path in ("/login", "/signup", "/models")}
    assert not any(found.values()), found


def violations(page: Page, line: Line, path: str) -> list[str]:
    page.goto(f"{line.address}{path}")
    page.evaluate(AXE.read_text())
    result = page.evaluate("axe.run()")
    overflow = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    serious = [each["id"] for each in result["violations"] if each["impact"] in ("serious", "critical")]
    return serious + (["scrolls sideways"] if overflow else [])


AXE = Path(__file__).parent.parent / "vendor" / "axe.min.js"
