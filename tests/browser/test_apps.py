"""Apps and environments in a browser: made, filled and deployed with the keyboard alone; well formed at every width."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.apps import Model, app_of, model_in
from tests.browser.conftest import log_in
from tests.browser.test_journey import violations
from tests.people import People
from tests.served import Line


def press_on(page: Page, name: str, role: str = "link") -> None:
    """Goes there as who uses no mouse."""
    page.get_by_role(role, name=name, exact=False).first.focus()  # type: ignore[arg-type]
    page.keyboard.press("Enter")


def test_an_app_is_made_filled_and_deployed_by_keyboard(
    open_window: Callable[..., Page], line: Line, people: People
) -> None:
    page = log_in(open_window(), line, people.teammate)
    page.goto(f"{line.address}/teams/{people.team_id}")
    press_on(page, "New app")
    page.get_by_label("Name").focus()
    page.keyboard.type("Field")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Field")
    press_on(page, "New model")
    page.get_by_label("Name").focus()
    page.keyboard.type("yield-net")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("yield-net")
    model = Model(people.teammate)
    for data in (b"one", b"two"):
        model.upload(data)
    page.goto(page.url + "/versions")
    press_on(page, "Deploy to prod", "button")
    expect(page.get_by_text("prod of yield-net is version 2 now.")).to_be_visible()
    page.get_by_label("Version for dev").focus()
    page.keyboard.press("ArrowDown")
    press_on(page, "Deploy to dev", "button")
    expect(page.get_by_text("dev of yield-net is version 1 now.")).to_be_visible()
    press_on(page, "Overview")
    press_on(page, "Field")
    expect(page.get_by_role("row", name="yield-net")).to_contain_text("v2")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_serious(
    open_window: Callable[..., Page], line: Line, people: People, width: int, scheme: str
) -> None:
    app_id, empty_id = app_of(people), app_of(people, "n" * 200)
    entry_id = model_in(people.owner, name="m" * 200)
    for _ in range(2):
        make.version(people.owner, entry_id)
    Model(people.owner, entry_id).post("/deploy", json={"version": 1})
    page = log_in(open_window(viewport={"width": width, "height": 900}, color_scheme=scheme), line, people.team_admin)
    team = f"/teams/{people.team_id}"
    inside = [team, f"{team}/apps/new", f"{team}/apps/{app_id}", f"{team}/apps/{empty_id}", f"{team}/apps/{app_id}/new",
              f"{team}/apps/{app_id}/edit", f"{team}/apps/{app_id}/delete",
              f"/models/{entry_id}", f"/models/{entry_id}/versions"]  # fmt: skip
    found = {path: violations(page, line, path) for path in inside}
    assert not any(found.values()), found
