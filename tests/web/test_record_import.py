"""Loading many records by a page: the whole file in a form, and what the page's script asks for slice by slice."""

import io
from typing import Any

import pytest
from sqlalchemy import func, select

from portal.domain.kinds import Kind
from portal.domain.records import Record
from portal.extensions import db
from tests import make
from tests.bench import record_data
from tests.people import People

LINES = b"".join(record_data.lines(record_data.made_up(300)))
SHEET = b"site_name,timestamp,yield\nWaseca,2026-06-01T12:00:00Z,48.9\nWaseca,yesterday,1\n"


def send(people: People, entry_id: str, text: bytes, step: str, name: str = "plots.ndjson", **more: Any) -> Any:
    form = {"csrf_token": people.owner.csrf_token, "step": step, "file": (io.BytesIO(text), name)}
    return people.owner.client.post(f"/models/{entry_id}/records/import", data=form, **more)


def number(people: People) -> int:
    with people.owner.app.app_context():
        return db.session.scalar(select(func.count()).select_from(Record)) or 0


def test_checking_says_what_would_be_added_and_adds_nothing(people: People) -> None:
    entry_id = make.entry(people.owner)
    page = send(people, entry_id, SHEET, "check", "Plots.csv").text
    for words in ("Plots.csv: 1 new record", "1 line left out", "Line 3", "timestamp: Takes a time like"):
        assert words in page
    assert "{&#34;yield&#34;:48.9}" in page
    assert number(people) == 0


def test_loading_adds_them_and_says_so_on_the_records_page(people: People) -> None:
    entry_id = make.entry(people.owner)
    answer = send(people, entry_id, LINES, "load", follow_redirects=True)
    assert answer.request.path == f"/models/{entry_id}/records"
    assert "300 records added." in answer.text
    again = send(people, entry_id, SHEET + LINES, "load")
    assert "0 records added" in again.text
    assert "Line 1" in again.text
    assert number(people) == 300


def test_the_script_hears_figures_and_a_sample(people: People) -> None:
    entry_id = make.entry(people.owner)
    send(people, entry_id, SHEET, "load", "plots.csv")
    script = {"headers": {"Accept": "application/json"}}
    said = send(people, entry_id, SHEET, "load", "plots.csv", **script).json
    assert said == {
        "inserted": 0,
        "present": 1,
        "wrong": 1,
        "rejected": [{"line": 3, "error": "timestamp: Takes a time like 2026-11-21T09:30:00Z."}],
        "sample": [["2", "2026-06-01 12:00:00", "", "", "Waseca", "", '{"yield":48.9}']],
    }
    refused = send(people, entry_id, b",\n", "check", "plots.csv", **script)
    assert (refused.status_code, refused.json) == (422, {"detail": "Column 1 of the header has no name."})


@pytest.mark.parametrize("step", ["check", "load"])
def test_without_a_file_the_form_says_so(people: People, kind: Kind, step: str) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    form = {"csrf_token": people.owner.csrf_token, "step": step}
    answer = people.owner.client.post(f"/{kind.slug}/{entry_id}/records/import", data=form)
    assert answer.status_code == 422
    assert "Choose a file." in answer.text


def test_hostile_cells_are_text(people: People) -> None:
    entry_id = make.entry(people.owner)
    text = b"site_name,note\n<script>alert(1)</script>,<img src=x onerror=alert(1)>\n<b>,\n"
    page = send(people, entry_id, text, "check", "<u>.csv").text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<u>" not in page
