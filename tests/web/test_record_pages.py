"""The page of one record, its form, and the tabs of an entry."""

import io
import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from portal.domain.circumstances import Names
from portal.domain.kinds import Kind
from tests import make
from tests.people import People, Person
from tests.recorded import START, daily, record, several
from tests.web.test_markup import require_sound


@pytest.fixture
def entry_id(people: People) -> str:
    return make.entry(people.owner, "Read-out", access="public")


def sent(person: Person, path: str, **data: Any) -> tuple[int, str]:
    answer = person.client.post(path, data={"csrf_token": person.csrf_token, **data})
    return answer.status_code, answer.headers["Location"] if answer.status_code == 302 else answer.text


def href(text: str, rel: str) -> str | None:
    found = re.search(rf'href="([^"]*)" rel="{rel}"', text)
    return found and unescape(found[1])


def test_a_record_shows_its_data_and_leads_to_all_it_belongs_to(people: People, entry_id: str) -> None:
    data = {"soil": {"ph": 6.5, "<b>": ["<i>"]}, "variety": "Manchuria"}
    record_id = record(people.owner, entry_id, data, info={"logger": 4}, dataset="Plot sheets", timestamp=START)

    text = people.reader.client.get(f"/records/{record_id}").text

    require_sound(text)
    assert "<b>" not in text.replace("<body>", "")
    for words in ("Manchuria", "ph:", "logger:", "2026-01-05 00:00:00 UTC", "Plot sheets"):
        assert words in text
    for path in re.findall(r'href="(/(?:experiments|seasons|sites|datasets|models)/[^"]*)"', text):
        assert people.reader.client.get(path).status_code == 200, path
    assert "/edit" not in text
    assert f"/records/{record_id}/edit" in people.owner.client.get(f"/records/{record_id}").text


def test_previous_and_next_stay_within_the_filter(people: People, entry_id: str) -> None:
    other = make.entry(people.owner, "Other", access="public")
    several(people.owner, entry_id, daily(3))
    several(people.owner, other, daily(3, site="Morris"))
    listed = people.reader.client.get("/records?site_names=Waseca&order=oldest").text
    first = unescape(re.findall(r'<th scope="row"><a href="([^"]*)"', listed)[0])

    seen, text = [], people.reader.client.get(first).text
    assert href(text, "prev") is None
    while True:
        seen += re.findall(r"Record of (\d{4}-\d\d-\d\d) .*</h1>", text)
        further = href(text, "next")
        if further is None:
            break
        text = people.reader.client.get(further).text
        assert href(text, "prev") is not None

    assert seen == ["2026-01-05", "2026-01-06", "2026-01-07"]
    assert "Site: Waseca" in text
    assert 'href="/records?site_names=Waseca&amp;order=oldest"' in text


def test_within_an_entry_the_neighbours_are_of_that_entry(people: People, entry_id: str) -> None:
    other = make.entry(people.owner, "Other", access="public")
    ids = several(people.owner, entry_id, daily(1))
    several(people.owner, other, daily(3, site="Morris"))

    text = people.reader.client.get(f"/records/{ids[0]}?within=entry").text

    assert href(text, "prev") is None
    assert href(text, "next") is None
    assert f'href="/models/{entry_id}/records"' in text


def test_a_record_is_added_by_a_form_and_found_again(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    path = f"/{kind.slug}/{entry_id}/records/new"
    require_sound(people.owner.client.get(path).text)

    status, there = sent(
        people.owner, path, data='{"yield": 48.9}', site_name=" Waseca ", timestamp="2026-01-05T09:30:00+02:00"
    )

    assert status == 302
    text = people.owner.client.get(there).text
    assert "Record of 2026-01-05 07:30:00 UTC" in text
    assert "48.9" in text
    assert "1 record<" in people.owner.client.get(f"/{kind.slug}/{entry_id}/records").text


def test_the_form_says_everything_that_is_wrong_at_once_and_keeps_what_was_typed(people: People, kind: Kind) -> None:
    path = f"/{kind.slug}/{make.entry(people.owner, kind=kind)}/records/new"

    status, text = sent(people.owner, path, data='{\n  "yield": oops\n}', timestamp="soon", collection_date="x")

    assert status == 422
    require_sound(text)
    assert "at line 2" in text
    for field in ("data", "timestamp", "collection_date"):
        assert f'id="{field}-error"' in text
    assert 'value="soon"' in text
    assert "oops" in text

    for wrong, field in (({"data": "{}"}, "experiment_name"), ({"site_name": "Waseca"}, "data")):
        status, text = sent(people.owner, path, **wrong)
        assert (status, f'id="{field}-error"' in text) == (422, True)


def test_the_same_record_again_is_refused_in_words(people: People, entry_id: str) -> None:
    path, record = (
        f"/models/{entry_id}/records/new",
        {"data": "{}", "site_name": "W", "timestamp": "2026-01-05T00:00:00Z"},
    )

    assert sent(people.owner, path, **record)[0] == 302
    status, text = sent(people.owner, path, **record)
    assert status == 409
    assert "already a record" in text


def test_names_are_offered_only_where_they_may_be_known(people: People) -> None:
    hidden = make.entry(people.admin, "Hidden")
    record(people.admin, hidden, names=Names("Secret trial", None, None))
    own = make.entry(people.owner, "Own")
    record(people.owner, own)

    text = people.owner.client.get(f"/models/{own}/records/new").text

    assert '<option value="Waseca">' in text
    assert "Secret trial" not in text


def test_a_record_is_changed_and_deleted_by_who_may_write(people: People, entry_id: str) -> None:
    record_id = record(people.owner, entry_id)
    require_sound(people.owner.client.get(f"/records/{record_id}/edit").text)

    assert sent(people.owner, f"/records/{record_id}/edit", data="{", info="[]")[0] == 422
    assert sent(people.owner, f"/records/{record_id}/edit", data='{"yield": 50}', info="{}")[0] == 302
    assert ">50<" in people.reader.client.get(f"/records/{record_id}").text

    require_sound(people.owner.client.get(f"/records/{record_id}/delete").text)
    assert sent(people.owner, f"/records/{record_id}/delete") == (302, f"/models/{entry_id}/records")
    assert people.owner.client.get(f"/records/{record_id}").status_code == 404


def test_a_run_is_added_by_a_form(people: People, kind: Kind) -> None:
    path = f"/{kind.slug}/{make.entry(people.owner, kind=kind, access='public')}/runs"
    require_sound(people.owner.client.get(path).text)

    status, text = sent(people.owner, path, info="[1]")
    assert (status, 'id="info-error"' in text) == (422, True)
    assert sent(people.owner, path, info='{"commit": "9f2c1e0"}') == (302, path)

    text = people.reader.client.get(path).text
    require_sound(text)
    assert "9f2c1e0" in text
    assert "Add a run" not in text


def test_the_tabs_count_what_there_is(people: People, entry_id: str) -> None:
    several(people.owner, entry_id, [*daily(2), *daily(1, site="Morris")])

    for part in ("", "/versions", "/runs", "/datasets", "/records"):
        text = people.reader.client.get(f"/models/{entry_id}{part}").text
        require_sound(text)
        tabs = re.findall(r'nav-link[^>]*>(\w+) <span class="quiet small">(\d+)<', text)
        assert tabs == [("Versions", "0"), ("Runs", "0"), ("Datasets", "2"), ("Records", "3")]


def test_a_dataset_of_an_entry_leads_to_its_records(people: People, entry_id: str) -> None:
    several(people.owner, entry_id, daily(2))

    text = people.reader.client.get(f"/models/{entry_id}/datasets").text

    (there, *_) = re.findall(r'href="(/models/[^"]*/records\?dataset_names=[^"]*)"', text)
    assert ">1 record<" in people.reader.client.get(unescape(there)).text


def test_a_file_comes_with_the_form_and_is_shown_and_downloaded(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    text = "plot,yield\n1,<b>48.9</b>\n" * 4000
    _, there = sent(
        people.owner,
        f"/{kind.slug}/{entry_id}/records/new",
        site_name="Waseca",
        file=(io.BytesIO(text.encode()), "a/plots.csv"),
    )

    shown = people.owner.client.get(there).text
    require_sound(shown)
    for words in ("plots.csv", "1,&lt;b&gt;48.9&lt;/b&gt;", "The first 64 kB", make.sha256(text.encode())):
        assert words in shown
    (download,) = re.findall(r'class="btn btn-primary" href="([^"]*)" download', shown)
    answer = people.owner.client.get(unescape(download), follow_redirects=True, buffered=True)
    assert answer.text == text
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "plots.csv" in people.owner.client.get(f"/{kind.slug}/{entry_id}/records").text


def test_a_picture_is_shown_by_a_preview_of_ours(people: People, entry_id: str) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (900, 600), "green").save(picture, "PNG")
    picture.seek(0)
    _, there = sent(people.owner, f"/models/{entry_id}/records/new", site_name="W", file=(picture, "leaf.png"))

    (source,) = re.findall(
        r'<img class="picture" src="([^"]*)" alt="Preview of leaf.png"', people.reader.client.get(there).text
    )
    assert people.reader.client.get(source, buffered=True).mimetype == "image/webp"


def test_a_file_that_is_lost_is_no_dead_end(app: Flask, people: People, entry_id: str) -> None:
    _, there = sent(people.owner, f"/models/{entry_id}/records/new", site_name="W", file=(io.BytesIO(b"text"), "a.txt"))
    for path in app.extensions["portal"].data_dir.joinpath("files").rglob("*"):
        if path.is_file() and path.read_bytes() == b"text":
            path.unlink()

    answer = people.reader.client.get(there)

    assert answer.status_code == 200
    assert "missing or damaged" in answer.text
    assert "Download its file" not in answer.text


def test_a_refused_form_leaves_no_file(app: Flask, people: People, entry_id: str) -> None:
    file = (io.BytesIO(b"text"), "a.txt")
    status, text = sent(people.owner, f"/models/{entry_id}/records/new", data="{", file=file)

    assert status == 422
    assert "Choose it again" in text
    assert "No records yet" in people.owner.client.get(f"/models/{entry_id}/records").text
