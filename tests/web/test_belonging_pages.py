"""Experiments, seasons, sites and datasets: what belongs to them, for each reader no more than they may see."""

import re
from html import unescape

import pytest
from flask import Flask

from portal.database import new_id
from portal.domain import datasets, entries, experiments
from portal.domain.circumstances import Names
from portal.domain.kinds import MODEL, SCRIPT
from portal.domain.records import NewRecord
from tests import make
from tests.people import People, in_transaction
from tests.recorded import daily, record, several
from tests.web.test_markup import require_sound

WORDS = ("experiment", "season", "site")


@pytest.fixture
def shared(people: People) -> dict[str, str]:
    """Three records of a public model and one of a private script, under the same names."""
    public = make.entry(people.owner, "Public model", access="public")
    private = make.entry(people.owner, "Private script", kind=SCRIPT)
    several(people.owner, public, daily(3))
    record(people.owner, private, names=Names("Barley 2026", "2026", "Waseca"))
    record(people.owner, private, names=Names("Secret trial", "Secret season", "Secret site"))
    return {"public": public, "private": private}


def address(text: str, name: str) -> str:
    found = re.search(rf'href="([^"]*)">{re.escape(name)}</a>', text)
    assert found, name
    return unescape(found[1])


@pytest.mark.parametrize(("word", "name"), [("experiment", "Barley 2026"), ("season", "2026"), ("site", "Waseca")])
def test_what_belongs_to_it_is_told_as_far_as_one_may_see(
    people: People, shared: dict[str, str], word: str, name: str
) -> None:
    for person, records, others in ((people.owner, 4, 2), (people.reader, 3, 1), (people.anonymous, 3, 1)):
        listed = person.client.get(f"/{word}s").text
        require_sound(listed)
        shown = person.client.get(address(listed, name)).text
        require_sound(shown)
        assert f"{records} records" in shown
        assert shown.count('data-label="Owner"') == others
        assert ("Secret" in listed) is (person is people.owner)
        assert "Private script" not in shown or person is people.owner
        (found,) = set(re.findall(rf'class="btn btn-primary" href="(/records\?{word}_names=[^"]*)"', shown))
        assert f"{records} records<" in person.client.get(unescape(found)).text


@pytest.mark.parametrize("word", [*WORDS, "dataset"])
def test_what_may_not_be_seen_is_not_there(people: People, shared: dict[str, str], word: str) -> None:
    listed = people.owner.client.get("/models" if word == "dataset" else f"/{word}s").text
    if word == "dataset":
        listed = people.owner.client.get(f"/scripts/{shared['private']}/datasets").text
        (path, *_) = re.findall(r'href="(/datasets/[^"]*)"', listed)
    else:
        path = address(listed, f"Secret {'trial' if word == 'experiment' else word}")
    absent = f"/{word}s/{new_id()}"

    assert people.owner.client.get(path).status_code == 200
    for person in (people.reader, people.stranger, people.anonymous):
        here, gone = person.client.get(path), person.client.get(absent)
        status = 302 if word == "dataset" and person is people.anonymous else 404
        assert (here.status_code, gone.status_code) == (status, status)
        assert "Secret" not in here.text


def test_a_season_without_records_looks_unused(people: People) -> None:
    entry_id = make.entry(people.owner, access="public")
    record_id = record(people.owner, entry_id, names=Names(None, "Short season", None))
    path = address(people.reader.client.get("/seasons").text, "Short season")
    people.owner.api.delete(f"/api/models/records/id/{record_id}")

    assert people.reader.client.get(path).status_code == 404
    assert "Short season" not in people.reader.client.get("/seasons").text


def test_an_experiment_belongs_to_entries_without_records_too(people: People) -> None:
    make.entry(people.owner, "Leaf counter", access="public", experiment="Immer 1931")

    text = people.reader.client.get(address(people.reader.client.get("/experiments").text, "Immer 1931")).text

    require_sound(text)
    assert "Leaf counter" in text


def test_a_dataset_that_entries_share_counts_those_that_may_be_read(app: Flask, people: People) -> None:
    ids = [make.entry(people.owner, name, access=access) for name, access in (("One", "public"), ("Two", "private"))]
    for entry_id in ids:
        record(people.owner, entry_id, dataset="Plot sheets")
    with in_transaction(app):
        actor = people.owner.actor
        datasets.add(
            actor, entries.get(actor, MODEL, ids[0]), "Plot sheets", info={"from": "<paper>"}, experiment="Barley 2026"
        )

    text = people.reader.client.get(f"/models/{ids[0]}/datasets").text
    shown = people.reader.client.get(address(text, "Plot sheets")).text

    require_sound(shown)
    assert "1 record<" in shown
    assert "&lt;paper&gt;" in shown
    assert "Two" not in shown
    assert "2 records<" in people.owner.client.get(address(text, "Plot sheets")).text


def test_lists_can_be_searched_and_have_pages(app: Flask, people: People) -> None:
    entry_id = make.entry(people.owner, access="public")
    new = [NewRecord({}, names=Names(None, None, f"Plot {number:03}")) for number in range(120)]
    several(people.owner, entry_id, new)

    text = people.reader.client.get("/sites").text
    assert "120 sites, page 1 of 2" in text
    assert "Plot 119" in people.reader.client.get("/sites?page=2").text
    assert "1 site<" in people.reader.client.get("/sites?q=PLOT+007").text
    assert "Nothing matches" in people.reader.client.get("/sites?q=%25").text
    assert people.reader.client.get("/sites?page=9999").status_code == 200


def test_the_datasets_of_an_entry_have_pages(people: People) -> None:
    entry_id = make.entry(people.owner, access="public")
    several(people.owner, entry_id, daily(120))

    text = people.reader.client.get(f"/models/{entry_id}/datasets").text
    require_sound(text)
    assert "120 datasets, page 1 of 2" in text
    last = people.reader.client.get(f"/models/{entry_id}/datasets?page=2").text
    assert "Dataset 2026-05-04" in last
    assert "There are no more" in people.reader.client.get(f"/models/{entry_id}/datasets?page=3").text

    experiment = people.reader.client.get(address(text, "Barley 2026")).text
    assert "Dataset 2026-05-04" in experiment


def test_names_that_look_like_markup_are_names(app: Flask, people: People) -> None:
    name = "<script>alert(1)</script>&\"'"
    entry_id = make.entry(people.owner, access="public", experiment=name)
    record(people.owner, entry_id, names=Names(name, name, name), dataset=name)
    with in_transaction(app):
        assert experiments.of_entry(entry_id)

    paths = ["/experiments", "/seasons", "/sites", "/records", f"/models/{entry_id}/datasets"]
    for path in [*paths, f"/models/{entry_id}/records"]:
        text = people.reader.client.get(path).text
        require_sound(text)
        assert "<script>alert" not in text
        for there in re.findall(r'href="(/(?:experiments|seasons|sites|datasets|records)/[0-9a-f-]{36}[^"]*)"', text):
            shown = people.reader.client.get(unescape(there)).text
            require_sound(shown)
            assert "<script>alert" not in shown
