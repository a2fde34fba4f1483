"""Bytes on the portal that are not those of the file that is chosen: said, refused, replaced; never published."""

import random
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.browser.conftest import log_in
from tests.browser.uploading import MIB, begin, choose_again, expect_done, expect_problem, wait_until_sent
from tests.people import People
from tests.served import Line

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SIZE = 12 * MIB + 5


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(random.Random(5).randbytes(SIZE))
    return path


@pytest.fixture
def page(open_window, line: Line, people: People) -> Page:
    return log_in(open_window(), line, people.owner)


def test_a_different_file_of_the_same_size_is_refused(page: Page, line: Line, people: People, file: Path) -> None:
    data = file.read_bytes()
    begun = make.begin(people.owner, data, chunk_size=MIB, file_name=file.name, sha256=make.sha256(data))
    bearer = {"Authorization": f"Bearer {begun['token']}"}
    people.owner.api.post("/api/v2/model/upload/0", data=data[:MIB], headers=bearer)
    page.goto(f"{line.address}/uploads/{begun['upload_id']}")
    other, longer, tail = file.with_name("other"), file.with_name("longer"), file.with_name("tail")
    other.write_bytes(b"x" + data[1:])
    tail.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    longer.write_bytes(data + b"x")
    line.carried = 0
    choose_again(page, other)
    expect_problem(page, "This is a different file: it is as large, but its bytes are not those on the portal.")
    page.set_input_files("#file", longer)
    sizes = f"This is a different file: it has {SIZE + 1:,} bytes, the upload was begun with {SIZE:,} bytes."
    expect(page.locator("#file-error")).to_have_text(sizes)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#file-error")).to_have_text(sizes)
    choose_again(page, tail)
    expect(page.locator("#file-error")).to_be_hidden()
    expect_problem(page, "This is a different file: its sha256 is not the one that the upload was begun with.")
    assert line.carried < MIB
    choose_again(page, file)
    expect_done(page, people.owner, file)


def test_only_what_is_there_is_counted_while_it_is_compared(page: Page, line: Line, people: People, file: Path) -> None:
    begun = make.begin(people.owner, file.read_bytes(), chunk_size=MIB, file_name=file.name)
    make.send_chunks(people.owner, begun, file.read_bytes()[: 3 * MIB])
    page.goto(f"{line.address}/uploads/{begun['upload_id']}")
    page.evaluate(
        """() => {
          window.counted = [];
          const bytes = document.querySelector("[data-slot=bytes]");
          const title = document.querySelector("[data-slot=title]");
          const note = () => title.textContent.startsWith("Comparing") && counted.push(bytes.textContent);
          new MutationObserver(note).observe(bytes, { childList: true });
        }"""
    )
    choose_again(page, file)
    expect_done(page, people.owner, file)
    counted = page.evaluate("counted.filter(Boolean)")
    assert counted
    assert all("of 3.1 MB" in words for words in counted), counted


def test_what_was_refused_for_its_sha256_is_mended_with_the_file(
    page: Page, line: Line, people: People, file: Path
) -> None:
    data = file.read_bytes()
    begun = make.begin(people.owner, data, chunk_size=MIB, file_name=file.name, sha256=make.sha256(data))
    make.send_chunks(people.owner, begun, data[: 3 * MIB] + b"x" + data[3 * MIB + 1 :])
    page.goto(f"{line.address}/uploads/{begun['upload_id']}")
    page.get_by_role("button", name="Verify and publish").click()
    expect_problem(page, "The upload stays open.")
    expect(page.get_by_role("alert").get_by_role("link", name="Uploads")).to_have_attribute("href", "/uploads")
    page.get_by_role("button", name="Compare and go on").click()
    expect(page.locator("#file-error")).to_have_text("Choose a file.")
    line.carried = 0
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Compare and go on").click()
    expect_done(page, people.owner, file)
    assert line.carried < 2 * MIB


def test_chunks_that_differ_are_replaced_when_a_person_says_so(
    page: Page, line: Line, people: People, file: Path
) -> None:
    data = file.read_bytes()
    begun = make.begin(people.owner, data, chunk_size=MIB, file_name=file.name)
    make.send_chunks(people.owner, begun, data[: 3 * MIB] + b"x" + data[3 * MIB + 1 : 5 * MIB])
    page.goto(f"{line.address}/uploads/{begun['upload_id']}")
    choose_again(page, file)
    expect_problem(page, "1 of the 5 chunks on the portal is not this file’s.")
    line.carried = 0
    page.get_by_role("button", name="Replace them").click()
    expect_done(page, people.owner, file)
    assert line.carried < SIZE - 3 * MIB


def test_a_file_that_changes_on_the_way_is_not_published(page: Page, line: Line, people: People, file: Path) -> None:
    line.rate = 3 * MIB
    begin(page, line, file)
    wait_until_sent(page, line, 3 * MIB)
    with file.open("r+b") as out:
        out.write(b"changed")
    line.rate = 0
    expect_problem(page, "The file cannot be read any more.")
    (entry,) = people.owner.api.get("/api/v2/model/list").json
    assert entry["version"] is None
