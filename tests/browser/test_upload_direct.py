"""Large files go straight from the browser to a bucket; where that is not to be reached, through the portal."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, Request

from portal import client
from tests import stored
from tests.browser.conftest import log_in
from tests.browser.uploading import MIB, begin, expect_done
from tests.people import People
from tests.served import Line

SIZE = 33 * MIB + 11
CHUNKS = 17


@pytest.fixture
def app(make_app: Callable[..., Flask], tmp_path: Path) -> Flask:
    app = make_app(**stored.bucket_settings(tmp_path))
    app.test_client_class = stored.FollowingClient
    return app


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(random.Random(3).randbytes(SIZE))
    return path


def sent_away(page: Page, app: Flask) -> list[Request]:
    """The PUTs to the bucket, from now on."""
    found: list[Request] = []
    origin = app.extensions["storage"].origin
    page.on("request", lambda it: found.append(it) if it.method == "PUT" and it.url.startswith(origin) else None)
    return found


def test_a_large_file_never_passes_through_the_portal(
    open_window: Callable[..., Page], line: Line, people: People, file: Path, app: Flask
) -> None:
    page = log_in(open_window(), line, people.owner)
    away = sent_away(page, app)
    begin(page, line, file)
    expect_done(page, people.owner, file)
    assert len(away) == CHUNKS
    assert line.carried < MIB


def test_a_bucket_that_the_browser_cannot_reach_costs_nothing_but_time(
    open_window: Callable[..., Page], line: Line, people: People, file: Path, app: Flask
) -> None:
    page = log_in(open_window(), line, people.owner)
    page.route(f"{app.extensions['storage'].origin}/**", lambda route: route.abort())
    begin(page, line, file)
    expect_done(page, people.owner, file)
    assert line.carried > SIZE


def test_the_terminal_goes_straight_there_too(
    line: Line, people: People, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    token = people.owner.headers["Authorization"].removeprefix("Bearer ")
    result = client.upload(file, line.address, token, name="yield net")
    assert result["sha256"] == result["local_sha256"]
    assert line.carried < MIB
