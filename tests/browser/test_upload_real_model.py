"""The first journey with a real model of 90 MB, and a browser that is killed in the middle."""

import hashlib
from pathlib import Path

from playwright.sync_api import Playwright

from tests.browser.conftest import launch, log_in
from tests.browser.test_upload_survives import chromiums, kept
from tests.browser.uploading import MIB, begin, choose_again, expect_done, expect_heading, wait_until_sent
from tests.people import People
from tests.real_file import real_file
from tests.served import Line

__all__ = ["real_file"]


def test_a_real_model_survives_a_killed_browser_and_comes_back_whole(
    playwright: Playwright, open_window, line: Line, people: People, real_file: Path
) -> None:
    line.rate = 20 * MIB
    others = chromiums()
    page = log_in(open_window(launch(playwright)), line, people.owner)
    begin(page, line, real_file)
    expect_heading(page, "Sending model.safetensors")
    wait_until_sent(page, line, 30 * MIB)
    before = kept(people, page)
    assert 0 < before < real_file.stat().st_size
    for process in chromiums() - others:
        process.kill()

    line.rate = line.carried = 0
    page = log_in(open_window(), line, people.owner)
    page.get_by_label("Main", exact=True).get_by_role("link", name="Uploads").click()
    page.get_by_role("link", name="model.safetensors").click()
    choose_again(page, real_file)
    expect_done(page, people.owner, real_file)
    assert line.carried < real_file.stat().st_size - before + 3 * MIB
    page.get_by_role("link", name="Open the model").click()
    with page.expect_download() as begun:
        page.locator("main").get_by_role("link", name="Download v1").first.click()
    with begun.value.path().open("rb") as file, real_file.open("rb") as original:
        assert hashlib.file_digest(file, "sha256").digest() == hashlib.file_digest(original, "sha256").digest()
