"""A team is made and joined, a model shared with it and downloaded by a teammate, in two browsers side by side."""

import hashlib
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from portal.domain.teams import Membership
from portal.extensions import db
from tests import make
from tests.browser.conftest import log_in
from tests.browser.test_journey import DATA, downloaded, violations
from tests.people import People, in_transaction, make_team, make_user
from tests.served import Line

NAMES = "a team whose name goes on and on, as names do when nobody stops them, " * 3


def open_access(page: Page, line: Line, entry_id: str) -> None:
    page.goto(f"{line.address}/models/{entry_id}")
    page.get_by_role("link", name="Access").click()
    expect(page.get_by_role("heading", name="Who may see it")).to_be_visible()


def choose_team(page: Page, name: str, *, scripts: bool = True) -> None:
    page.get_by_label("A team", exact=True).check()
    if scripts:
        expect(page.locator("#preview")).to_contain_text("Choose a team.")
    page.get_by_label("Team", exact=True).select_option(name)


def preview(page: Page) -> list[str]:
    expect(page.get_by_role("heading", name="What saving will do")).to_be_visible()
    return [" ".join(text.split()) for text in page.locator(".preview-line").all_inner_texts()]


def add_member(page: Page, name: str) -> None:
    page.get_by_label("Add somebody").fill(name)
    page.get_by_role("button", name="Add to the team").click()
    expect(page.get_by_text(f"{name} is in the team.")).to_be_visible()


def make_team_by_form(page: Page, line: Line, name: str) -> None:
    page.goto(line.address)
    page.get_by_role("link", name="Teams").first.click()
    page.get_by_role("link", name="New team").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Make the team").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_team_is_made_a_model_shared_and_a_teammate_downloads(
    open_window: Callable[..., Page], line: Line, people: People, scripts: bool
) -> None:
    entry_id = make.entry(people.owner, "Yield net")
    make.version(people.owner, entry_id, DATA)
    admin = log_in(open_window(java_script_enabled=scripts), line, people.admin)
    make_team_by_form(admin, line, "Soy")
    add_member(admin, "owner")
    add_member(admin, "stranger")

    colleague = log_in(open_window(java_script_enabled=scripts), line, people.stranger)
    colleague.goto(f"{line.address}/models/{entry_id}")
    expect(colleague.get_by_role("heading", level=1)).to_have_text("Not found")

    owner = log_in(open_window(java_script_enabled=scripts), line, people.owner)
    open_access(owner, line, entry_id)
    choose_team(owner, "Soy", scripts=scripts)
    if not scripts:
        owner.get_by_role("button", name="Show what this would do").click()
    assert preview(owner) == ["Adds stranger of team Soy: read."]
    owner.get_by_role("button", name="Save").click()
    expect(owner.get_by_text("Saved.")).to_be_visible()
    expect(owner.get_by_role("row", name=re.compile("stranger"))).to_contain_text("member of team Soy")

    colleague.goto(f"{line.address}/teams")
    colleague.get_by_role("link", name="Soy").click()
    colleague.get_by_role("link", name="Yield net").click()
    assert downloaded(colleague) == hashlib.sha256(DATA).hexdigest()


def test_making_it_public_is_confirmed(open_window: Callable[..., Page], line: Line, people: People) -> None:
    entry_id = make.entry(people.owner, "Yield net")
    page = log_in(open_window(), line, people.owner)
    open_access(page, line, entry_id)
    page.get_by_label("Public", exact=True).check()
    assert preview(page) == [
        "Adds everybody who is signed in: read.",
        "Adds visitors who are not signed in: read.",
    ]
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#errors")).to_be_focused()
    expect(page.get_by_text("Tick this to go on.").last).to_be_visible()
    assert page.get_by_label("Public", exact=True).is_checked()
    page.get_by_label("Yes, everybody may see it").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    visitor = open_window()
    visitor.goto(f"{line.address}/models/{entry_id}")
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Yield net")


def test_somebody_joins_between_preview_and_save(open_window: Callable[..., Page], line: Line, people: People) -> None:
    entry_id = make.entry(people.owner, "Yield net")
    page = log_in(open_window(), line, people.owner)
    open_access(page, line, entry_id)
    choose_team(page, "Barley lab")
    assert "Adds teammate of team Barley lab: read." in preview(page)
    with in_transaction(people.owner.app):
        db.session.add(Membership(team_id=people.team_id, user_id=make_user("maya")))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Meanwhile somebody changed")).to_be_visible()
    assert "Adds maya and teammate of team Barley lab: read." in preview(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()


def test_by_keyboard_alone(open_window: Callable[..., Page], line: Line, people: People) -> None:
    """Focus stays where it is while the preview changes, and all of it can be reached."""
    entry_id = make.entry(people.owner, "Yield net")
    page = log_in(open_window(), line, people.owner)
    page.goto(f"{line.address}/models/{entry_id}/access")
    page.get_by_label("Private").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("A team", exact=True)).to_be_focused()
    expect(page.get_by_text("Choose a team.").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Team", exact=True)).to_be_focused()
    page.keyboard.type("Barley")
    page.keyboard.press("Enter")
    assert "Adds teammate of team Barley lab: read." in preview(page)
    expect(page.locator("#live")).to_contain_text("Adds teammate")
    page.get_by_label("Read", exact=True).focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".preview-line").last).to_have_text("Adds teammate of team Barley lab: write.")
    expect(page.get_by_label("Write", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("New owner")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Save")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()


def test_completion_offers_whom_one_knows_and_nobody_else(
    open_window: Callable[..., Page], line: Line, people: People
) -> None:
    with in_transaction(people.owner.app):
        team_id = make_team("Soy", {people.owner.id: True, **{make_user(f"grower-{n:03}"): False for n in range(120)}})
    page = log_in(open_window(), line, people.owner)
    page.goto(f"{line.address}/teams/{team_id}")
    offered = page.locator("#known-people option")
    page.get_by_label("Add somebody").press_sequentially("grower-11", delay=20)
    expect(offered).to_have_count(10)
    page.get_by_label("Add somebody").fill("TEAMMATE@")
    expect(offered).to_have_count(1)
    assert offered.first.get_attribute("value") == "teammate"
    page.get_by_label("Add somebody").fill("stranger")
    expect(offered).to_have_count(0)
    add_member(page, "stranger")


def test_members_come_and_go(open_window: Callable[..., Page], line: Line, people: People) -> None:
    page = log_in(open_window(), line, people.team_admin)
    page.goto(f"{line.address}/teams/{people.team_id}")
    page.get_by_label("Add somebody").fill("nobody at all")
    page.get_by_role("button", name="Add to the team").click()
    expect(page.locator("#errors")).to_be_focused()
    expect(page.get_by_label("Add somebody")).to_have_value("nobody at all")
    add_member(page, "reader")
    page.get_by_role("button", name="Make team admin reader").click()
    expect(page.get_by_text("reader is team admin now.")).to_be_visible()
    page.get_by_role("button", name="End team admin reader").click()
    page.get_by_role("button", name="Remove reader").click()
    expect(page.get_by_text("reader is out of the team.")).to_be_visible()
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Leave").click()
    page.get_by_role("button", name="Leave the team").click()
    expect(page.get_by_text("You have left the team")).to_be_visible()
    expect(page.get_by_role("heading", name="You are in no team")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_serious(
    open_window: Callable[..., Page], line: Line, people: People, width: int, scheme: str
) -> None:
    with in_transaction(people.owner.app):
        long = make_team(NAMES[:200], {people.owner.id: True, people.teammate.id: False})
        make_team("Soy", {make_user(f"grower-{n:02}"): False for n in range(30)} | {people.owner.id: False})
    entry_id = make.entry(people.owner, "n" * 200, access="protected", team_id=long)
    page = log_in(open_window(viewport={"width": width, "height": 900}, color_scheme=scheme), line, people.owner)
    team = f"/teams/{long}"
    inside = [f"/models/{entry_id}", f"/models/{entry_id}/access", "/teams", team, f"{team}/edit", f"{team}/leave"]
    found = {path: violations(page, line, path) for path in inside}
    page.goto(f"{line.address}/models/{entry_id}/access")
    page.get_by_label("Team", exact=True).select_option("Soy")
    assert "Adds 30 people of team Soy: read. Who?" in preview(page)
    page.get_by_text("Who?", exact=True).click()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    admin = log_in(open_window(viewport={"width": width, "height": 900}, color_scheme=scheme), line, people.admin)
    found |= {path: violations(admin, line, path) for path in ("/teams/new", "/teams?q=zzz", f"{team}/delete")}
    assert not any(found.values()), found
