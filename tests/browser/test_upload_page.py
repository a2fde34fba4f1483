"""The upload page under a person's hands: choosing, refusing, pausing, cancelling, finishing from elsewhere."""

import random
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests import make
from tests.browser.conftest import log_in
from tests.browser.uploading import (
    MIB,
    begin,
    choose,
    choose_again,
    expect_done,
    expect_heading,
    wait_until_sent,
)
from tests.people import People
from tests.served import Line

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SIZE = 12 * MIB + 5
AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(random.Random(5).randbytes(SIZE))
    return path


@pytest.fixture
def page(open_window, line: Line, people: People) -> Page:
    return log_in(open_window(), line, people.owner)


def expect_well_made(page: Page) -> None:
    """Nothing sticks out sideways, and axe finds nothing to complain of."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.evaluate(AXE.read_text())
    assert page.evaluate("axe.run().then(({violations}) => violations.map((each) => each.id))") == []


def test_name_and_type_come_from_the_file_until_a_person_changes_them(page: Page, line: Line, file: Path) -> None:
    page.goto(f"{line.address}/uploads/new")
    page.set_input_files("#file", file)
    expect(page.get_by_label("Name", exact=True)).to_have_value("model")
    expect(page.get_by_label("Type")).to_have_value("safetensors")
    page.get_by_label("Name", exact=True).fill("barley yield")
    page.set_input_files("#file", [{"name": "other.onnx", "mimeType": "", "buffer": b"x"}])
    expect(page.get_by_label("Name", exact=True)).to_have_value("barley yield")
    expect(page.get_by_label("Type")).to_have_value("onnx")


def test_a_dropped_file_is_a_chosen_file(page: Page, line: Line) -> None:
    page.goto(f"{line.address}/uploads/new")
    page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(["dropped"], "dropped.bin"));
          const zone = document.querySelector(".dropzone");
          zone.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page.get_by_label("Name", exact=True)).to_have_value("dropped")
    page.get_by_role("button", name="Upload", exact=True).click()
    expect_heading(page, "dropped.bin is on the portal as version 1")


def test_a_taken_name_is_said_beside_its_field(page: Page, line: Line, people: People, file: Path) -> None:
    make.entry(people.owner, "taken")
    begin(page, line, file, "taken")
    name = page.get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    expect(name).to_have_accessible_description(re.compile("already have a model with this name"))
    expect(page.get_by_role("link", name="Add a version to it")).to_have_attribute("href", re.compile("entry="))
    name.fill("free")
    page.get_by_role("button", name="Upload", exact=True).click()
    expect_done(page, people.owner, file)


def test_a_name_that_another_upload_has_leads_there(page: Page, line: Line, people: People, file: Path) -> None:
    begun = make.begin(people.owner, b"other", chunk_size=5, model_name="taken", file_name="other.bin")
    make.begin(people.owner, file.read_bytes(), chunk_size=MIB, model_name="not it", file_name=file.name)
    begin(page, line, file, "taken")
    way = page.get_by_role("link", name="Go on with it")
    expect(page.locator("#name-error")).to_contain_text("Your upload of other.bin for it is not finished")
    expect(way).to_have_attribute("href", f"/uploads/{begun['upload_id']}")


def test_the_answer_to_the_beginning_is_lost(page: Page, line: Line, people: People, file: Path) -> None:
    lost: list[str] = []

    def lose(route: Route) -> None:
        lost.append(route.fetch().json()["upload_id"])
        route.abort()

    page.route("**/api/v2/model/upload", lose, times=1)
    begin(page, line, file)
    expect_done(page, people.owner, file)
    assert [entry["version"] for entry in people.owner.api.get("/api/v2/model/list").json] == [1]
    assert len(lost) == 1


def test_nothing_is_sent_without_a_file_or_a_name(page: Page, line: Line, file: Path) -> None:
    page.goto(f"{line.address}/uploads/new")
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("#file")).to_be_focused()
    expect(page.locator("#file-error")).to_have_text("Choose a file.")
    choose(page, line, file, " ")
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("#name-error")).to_have_text("Give a name of 1 to 255 characters.")


def test_a_new_version_goes_through_the_same_form(page: Page, line: Line, people: People, file: Path) -> None:
    entry = make.entry(people.owner, "yield net")
    make.version(people.owner, entry)
    page.goto(f"{line.address}/uploads/new?entry={entry}")
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect_heading(page, "model.safetensors is on the portal as version 2")
    page.goto(f"{line.address}/uploads/new")
    page.set_input_files("#file", file)
    page.get_by_label("For", exact=True).select_option(entry)
    expect(page.get_by_label("Name", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Upload", exact=True).click()
    expect_heading(page, "model.safetensors is on the portal as version 3")


def test_pause_resume_and_cancel_by_keyboard(page: Page, line: Line, people: People, file: Path) -> None:
    line.rate = 3 * MIB
    begin(page, line, file)
    wait_until_sent(page, line, 4 * MIB)
    page.get_by_role("button", name="Pause").press("Enter")
    expect_heading(page, "Paused")
    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    page.wait_for_timeout(1500)  # what had left the browser is still under way
    carried = line.carried
    page.wait_for_timeout(1000)
    assert line.carried == carried
    page.keyboard.press("Enter")
    expect_heading(page, "Sending")
    expect(page.get_by_role("button", name="Pause")).to_be_focused()

    page.get_by_role("button", name="Cancel…").press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("that have arrived will be deleted")
    page.keyboard.press("Escape")
    expect_heading(page, "Sending")
    page.get_by_role("button", name="Cancel…").press("Enter")
    page.get_by_role("button", name="Cancel and delete").press("Enter")
    expect_heading(page, "Cancelled")
    assert people.owner.api.get("/api/v2/model/list").json == []


def test_a_begun_file_is_recognised_when_it_is_chosen_anew(page: Page, line: Line, people: People, file: Path) -> None:
    data = file.read_bytes()
    begun = make.begin(people.owner, data, chunk_size=4 * MIB, file_name=file.name, model_name="begun")
    bearer = {"Authorization": f"Bearer {begun['token']}"}
    people.owner.api.post("/api/v2/model/upload/1", data=data[4 * MIB : 8 * MIB], headers=bearer)
    choose(page, line, file, "another")
    line.carried = 0
    page.get_by_role("button", name="Go on with it").click()
    expect_done(page, people.owner, file)
    assert line.carried < SIZE - 3 * MIB
    assert [entry["model_name"] for entry in people.owner.api.get("/api/v2/model/list").json] == ["begun"]


def test_what_is_done_is_no_longer_to_be_gone_on_with(page: Page, line: Line, people: People, file: Path) -> None:
    begun = make.begin(people.owner, file.read_bytes(), chunk_size=MIB, file_name=file.name)
    make.begin(people.owner, b"other", chunk_size=5)
    page.goto(f"{line.address}/uploads/{begun['upload_id']}")
    tally = page.get_by_label("Main", exact=True).locator(".tally")
    expect(tally).to_have_text("2 unfinished")
    choose_again(page, file)
    expect_done(page, people.owner, file)
    expect(page.get_by_role("heading", level=1)).to_have_text("Upload of model.safetensors")
    expect(page).to_have_title("Upload of model.safetensors · Model Portal")
    expect(tally).to_have_text("1 unfinished")


def test_a_cancelled_upload_is_counted_no_more(page: Page, line: Line, people: People, file: Path) -> None:
    begun = make.begin(people.owner, file.read_bytes(), chunk_size=MIB, file_name=file.name)
    page.goto(f"{line.address}/uploads/{begun['upload_id']}")
    line.rate = 3 * MIB
    choose_again(page, file)
    page.route("**/api/v2/model/upload", lambda route: route.abort(), times=1)
    page.get_by_role("button", name="Cancel…").click()
    page.get_by_role("button", name="Cancel and delete").click()
    expect_heading(page, "Cancelled")
    expect(page.get_by_role("heading", level=1)).to_have_text("Upload of model.safetensors")
    expect(page.get_by_label("Main", exact=True).locator(".tally")).to_have_count(0)


def test_the_form_says_who_will_see_it(page: Page, line: Line, people: People) -> None:
    entry = make.entry(people.owner, "yield net")
    page.goto(f"{line.address}/uploads/new")
    expect(page.get_by_text("can see it until you share it.")).to_be_visible()
    expect(page.get_by_label("Description")).to_have_accessible_description(re.compile("^Markdown"))
    page.get_by_label("For", exact=True).select_option(entry)
    expect(page.get_by_text("can see it until you share it.")).to_be_hidden()
    expect(page.get_by_text("Everybody who may see")).to_be_visible()
    expect(page.get_by_label("Description")).to_have_accessible_description(re.compile("^What is new"))


def test_without_webcrypto_the_digests_are_still_right(page: Page, line: Line, people: People, file: Path) -> None:
    page.context.add_init_script("Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined })")
    begin(page, line, file)
    assert page.evaluate("crypto.subtle") is None
    expect_done(page, people.owner, file)


def test_a_terminal_finishes_what_the_browser_began(
    page: Page, line: Line, people: People, file: Path, tmp_path: Path
) -> None:
    line.rate = 3 * MIB
    begin(page, line, file)
    wait_until_sent(page, line, 5 * MIB)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name="From a terminal instead")).to_be_hidden()
    page.get_by_text("Continue in a terminal").click()
    command = page.locator("[data-slot=command]").inner_text()
    line.rate = 0
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert "(the same as here)" in done.stdout
    page.get_by_role("button", name="Resume").click()
    expect_done(page, people.owner, file)


def test_a_small_file_goes_without_javascript(open_window, line: Line, people: People, tmp_path: Path) -> None:
    page = log_in(open_window(java_script_enabled=False), line, people.owner)
    (tmp_path / "small.bin").write_bytes(b"small")
    begin(page, line, tmp_path / "small.bin", "small")
    expect(page.get_by_role("heading", level=1)).to_have_text("small")
    (entry,) = people.owner.api.get("/api/v2/model/list").json
    assert people.owner.api.get(f"/api/v2/model/{entry['model_id']}/download").data == b"small"


def test_cancelling_in_the_list_without_javascript(open_window, line: Line, people: People) -> None:
    page = log_in(open_window(java_script_enabled=False), line, people.owner)
    make.begin(people.owner, b"begun", chunk_size=5, file_name="begun.bin")
    page.goto(f"{line.address}/uploads")
    page.get_by_text("Cancel…").click()
    page.get_by_role("button", name="Cancel and delete").click()
    expect(page.get_by_role("heading", name="Nothing is unfinished")).to_be_visible()
    assert people.owner.api.get("/api/v2/model/list").json == []


def press_upload_before_the_script(page: Page, line: Line, file: Path) -> Route:
    """Chooses and presses the button while upload.js is still on its way; the script, for the test to let go."""
    held: list[Route] = []
    page.route("**/js/upload.js", lambda route: held.append(route))
    page.goto(f"{line.address}/uploads/new", wait_until="commit")
    page.set_input_files("#file", file)
    page.get_by_label("Name", exact=True).fill("early")
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("button", name="Loading the page…")).to_be_visible()
    return held[0]


def test_a_button_pressed_before_the_script_has_come_waits_for_it(
    page: Page, line: Line, people: People, file: Path
) -> None:
    whole_files = []
    page.on("request", lambda each: whole_files.append(each) if each.post_data and "/uploads/new" in each.url else None)
    press_upload_before_the_script(page, line, file).continue_()
    expect_done(page, people.owner, file)
    assert whole_files == []


def test_a_script_that_never_comes_is_not_waited_for(page: Page, line: Line, people: People, file: Path) -> None:
    press_upload_before_the_script(page, line, file).abort()
    expect(page.get_by_role("heading", level=1)).to_have_text("early")
    (entry,) = people.owner.api.get("/api/v2/model/list").json
    assert entry["sha256"] == make.sha256(file.read_bytes())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_state_is_well_made(open_window, line: Line, people: People, file: Path, width: int, scheme: str) -> None:
    page = open_window(viewport={"width": width, "height": 800}, color_scheme=scheme)
    log_in(page, line, people.owner)
    begin(page, line, file, " ")
    expect_well_made(page)
    line.rate = 2 * MIB
    page.get_by_label("Name", exact=True).fill("a name of two hundred characters " * 6)
    page.get_by_role("button", name="Upload", exact=True).click()
    wait_until_sent(page, line, MIB)
    page.get_by_text("Continue in a terminal").click()
    expect_well_made(page)
    page.context.set_offline(True)
    expect(page.locator("[data-part=trouble]")).to_be_visible()
    expect_well_made(page)
    page.context.set_offline(False)
    page.get_by_role("button", name="Pause").click()
    upload, page = page.url, page.context.new_page()
    page.goto(f"{line.address}/uploads")
    expect_well_made(page)
    page.goto(upload)
    expect_well_made(page)
    line.rate = 0
    choose_again(page, file)
    expect_done(page, people.owner, file)
    expect_well_made(page)


def test_what_has_all_its_bytes_is_published_without_the_file(page: Page, line: Line, people: People) -> None:
    begun = make.begin(people.owner, b"whole", chunk_size=5, file_name="whole.bin")
    bearer = {"Authorization": f"Bearer {begun['token']}"}
    people.owner.api.post("/api/v2/model/upload/0", data=b"whole", headers=bearer)
    page.goto(f"{line.address}/uploads/{begun['upload_id']}")
    page.get_by_role("button", name="Verify and publish").click()
    expect_heading(page, "whole.bin is on the portal as version 1")
    assert people.owner.api.get(f"/api/v2/model/{begun['model_id']}/download").data == b"whole"
