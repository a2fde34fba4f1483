"""The records page: what it shows of a filter, and that every part of it asks for just what it says."""

import csv
import io
import json
import re
import shlex
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest

from portal.domain.circumstances import Names
from portal.domain.kinds import SCRIPT, Kind
from portal.domain.records import NewRecord
from tests import make
from tests.people import People, Person
from tests.recorded import START, daily, record, several
from tests.web.test_markup import require_sound


@pytest.fixture
def trial(people: People) -> str:
    """A public script with 70 days at Waseca and 30 at Morris."""
    entry_id = make.entry(people.owner, "Read-out", access="public")
    several(people.owner, entry_id, daily(70, variety="Manchuria"))
    several(people.owner, entry_id, daily(30, site="Morris", variety="Trebi", soil={"ph": 6.5}))
    return entry_id


def page(person: Person, path: str, status: int = 200, **query: Any) -> str:
    answer = person.client.get(path, query_string=query or None)
    assert answer.status_code == status
    require_sound(answer.text)
    return answer.text


def rows(text: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="[^"]*"><time[^>]*>([^<]*)</time>', text)


def links(text: str, label: str) -> list[str]:
    return [unescape(href) for href in re.findall(rf'<a [^>]*href="([^"]*)"[^>]*>[^<]*{label}', text)]


def said(text: str) -> str:
    found = re.search(r'class="result-count"[^>]*>([^<]*)<', text)
    assert found
    return found[1]


@pytest.mark.parametrize("within", [True, False])
def test_records_are_counted_and_the_newest_come_first(people: People, trial: str, within: bool) -> None:
    text = page(people.reader, f"/models/{trial}/records" if within else "/records")

    assert said(text) == "100 records"
    assert len(rows(text)) == 50
    assert rows(text)[0] == "2026-03-15"


def test_a_filter_narrows_rows_counts_and_histogram_and_is_a_chip(people: People, trial: str) -> None:
    text = page(people.reader, "/records", site_names="Morris")

    assert said(text) == "30 records"
    assert len(rows(text)) == 30
    assert links(text, "Site: Morris") or "Site: Morris" in text
    assert "30 records from 5 January 2026 to 3 February 2026" in text
    assert re.search(r'name="site_names" value="Morris"[^>]* checked>.*?<span class="filter-count">30<', text)
    assert re.search(r'name="site_names" value="Waseca"[^>]*id="[^"]*">.*?<span class="filter-count">70<', text)


def test_a_chip_takes_away_its_condition_alone(people: People, trial: str) -> None:
    text = page(people.reader, "/records", site_names=["Morris", "Waseca"], where="number < 10", order="oldest")

    (without,) = re.findall(
        r'class="chip" href="([^"]*)"><span><span class="visually-hidden">Remove filter </span>Site: Morris', text
    )
    assert said(page(people.reader, unescape(without))) == "10 records"
    assert rows(page(people.reader, unescape(without)))[0] == "2026-01-05"


def test_pages_lead_there_and_back_without_losing_or_repeating_a_record(people: People, trial: str) -> None:
    first = page(people.reader, "/records")
    (on,) = links(first, "Next")
    second = page(people.reader, on)
    (back,) = links(second, "") and [unescape(re.search(r'href="([^"]*)" rel="prev"', second)[1])]  # type: ignore[index]

    assert len(rows(second)) == 50
    assert 'rel="next"' not in second
    assert rows(page(people.reader, back)) == rows(first)


def test_the_previous_of_three_pages_is_the_second(people: People) -> None:
    entry_id = make.entry(people.owner, access="public")
    several(people.owner, entry_id, daily(120))
    pages = [page(people.reader, "/records", order="oldest")]
    for _ in range(2):
        pages.append(page(people.reader, links(pages[-1], "Next")[0]))

    back = re.search(r'href="([^"]*)" rel="prev"', pages[2])
    assert back
    assert rows(page(people.reader, unescape(back[1]))) == rows(pages[1])


def test_a_bar_of_the_histogram_shows_what_it_counts(people: People, trial: str) -> None:
    text = page(people.reader, "/records", site_names="Waseca")

    bars = re.findall(r'<a href="([^"]*)" aria-label="([^"]*): (\d+) records?"', text)
    assert len(bars) == 70
    href, words, _number = bars[3]
    assert words == "8 January 2026"
    assert rows(page(people.reader, unescape(href))) == ["2026-01-08"]


def test_a_search_in_data_is_held_to_its_grammar(people: People, trial: str) -> None:
    assert said(page(people.reader, "/records", where="variety = Trebi and number >= 28")) == "2 records"

    text = page(people.reader, "/records", 400, where="variety >", site_names="Morris")
    assert rows(text) == []
    assert 'value="variety &gt;"' in text
    assert 'id="where-error"' in text
    assert 'value="Morris"' in text


def test_htmx_gets_one_piece_also_with_a_complaint(people: People, trial: str) -> None:
    headers = {"HX-Request": "true"}
    for query in ("site_names=Morris", "where=yield"):
        answer = people.reader.client.get(f"/records?{query}", headers=headers)
        assert answer.status_code == 200
        assert answer.text.startswith('<div class="records')
        assert "<html" not in answer.text
        assert "HX-Request" in answer.headers["Vary"]


def test_columns_are_the_keys_of_the_data_and_may_be_chosen(people: People, trial: str) -> None:
    usual = page(people.reader, "/records", site_names="Morris")
    assert re.findall(r'<th scope="col" class="key[^"]*"><span class="cell">([^<]*)<', usual) == [
        "number",
        "variety",
        "soil",
    ]

    chosen = page(people.reader, "/records", site_names="Morris", columns=["soil", "absent"])
    assert re.findall(r'<th scope="col" class="key[^"]*"><span class="cell">([^<]*)<', chosen) == ["soil", "absent"]
    assert "Trebi" not in chosen
    assert 'name="columns" value="soil"' in chosen


def test_records_without_a_name_can_be_asked_for(people: People, trial: str) -> None:
    record(people.owner, trial, {"number": 1}, names=Names(None, None, "Waseca"), timestamp=START + timedelta(hours=1))

    text = page(people.reader, "/records")
    assert "Without a season" in text
    assert said(page(people.reader, "/records?season_names=")) == "1 record"


def test_nothing_that_matches_offers_to_remove_the_last_filter(people: People, trial: str) -> None:
    text = page(people.reader, "/records", site_names="Nowhere", collection_date="2026-01-05")

    assert "Nothing matches" in text
    assert '<a class="btn" href="/records?site_names=Nowhere">' in text


def test_an_entry_without_records_says_what_to_do(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind)

    assert f'href="/{kind.slug}/{entry_id}/records/new"' in page(people.owner, f"/{kind.slug}/{entry_id}/records")


def test_data_of_any_shape_are_text_in_the_table(people: People) -> None:
    entry_id = make.entry(people.owner, "Wild", access="public")
    wild = {f"key {number}": "<b>x</b>" * 200 for number in range(60)} | {"<i>": {"a": [1, {"b": None}]}, "t": True}
    record(people.owner, entry_id, wild, info={"<script>": 1})

    text = page(people.reader, "/records", columns=["key 1", "<i>", "t"])

    assert "<b>" not in text
    assert "<i>" not in text
    assert "&lt;b&gt;x&lt;/b&gt;" in text
    assert max(map(len, re.findall(r'<span class="cell[^"]*">([^<]*)<', unescape(text)))) <= 120


def test_only_what_may_be_read_is_shown_and_counted(people: People, trial: str) -> None:
    hidden = make.entry(people.owner, "Hidden")
    several(people.owner, hidden, [NewRecord({"secret": 1}, names=Names("Secret trial", None, "Secret site"))])

    assert said(page(people.owner, "/records")) == "101 records"
    for person in (people.reader, people.anonymous):
        text = page(person, "/records")
        assert said(text) == "100 records"
        assert "secret" not in text.lower()


@pytest.mark.parametrize(
    "query", ["start_timestamp=soon", "end_timestamp=2026-13-01", "collection_date=x", "where=a+~+1"]
)
def test_what_cannot_be_understood_is_said_beside_its_field(people: People, trial: str, query: str) -> None:
    name, _, value = query.partition("=")
    text = page(people.reader, f"/records?{query}", 400)

    assert f'id="{name}-error"' in text
    assert "aria-invalid" in text
    assert f'value="{value.replace("+", " ")}"' in text


def taken(person: Person, text: str, words: str) -> Any:
    """The answer of the first link of these words."""
    found = re.search(rf'href="([^"]*)" download>(?:(?!</a>).)* {words} ', text)
    assert found, words
    answer = person.client.get(unescape(found[1]), buffered=True)
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    return answer


@pytest.mark.parametrize("within", [True, False])
def test_exactly_the_filter_can_be_taken_away(people: People, trial: str, within: bool) -> None:
    path = f"/models/{trial}/records" if within else "/records"
    text = page(people.reader, path, where="number < 10", site_names="Morris", order="oldest")

    lines = taken(people.reader, text, "NDJSON").text.splitlines()
    assert [json.loads(line)["model_data"]["number"] for line in lines] == list(range(10))
    assert len(list(csv.DictReader(io.StringIO(taken(people.reader, text, "CSV").text)))) == 10


def test_the_kinds_are_taken_away_apart(people: People, trial: str) -> None:
    several(people.owner, make.entry(people.owner, kind=SCRIPT, access="public"), daily(7))

    text = page(people.reader, "/records")

    assert re.findall(r'<h4 id="take-\w+">([^<]*)</h4>', text) == ["100 records of models", "7 records of scripts"]
    assert taken(people.reader, text, "NDJSON").headers["X-Total-Count"] == "100"
    there = page(people.reader, f"/models/{trial}/records")
    assert re.findall(r'<h4 id="take-\w+">([^<]*)</h4>', there) == ["100 records"]


@pytest.mark.parametrize("within", [True, False])
def test_the_same_query_runs_as_curl_and_as_python(people: People, trial: str, within: bool) -> None:
    path = f"/models/{trial}/records" if within else "/records"
    curl, python = re.findall(
        r'data-copy="((?:curl|import)[^>]*)">', page(people.reader, path, site_names=["", "Mor'ris", "Morris"])
    )

    words = shlex.split(unescape(curl))
    url = next(word for word in words if word.startswith("http"))
    assert "site_names=Mor'ris" in words
    assert "site_names=" in words
    compile(unescape(python), "snippet", "exec")
    assert url in unescape(python)
    answer = people.reader.api.get(urlsplit(url).path, query_string={"site_names": ["", "Morris"]})
    assert len(answer.text.splitlines()) == 30


def test_another_form_of_file_is_not_there(people: People, trial: str) -> None:
    assert people.reader.client.get("/records/models.exe").status_code == 404
    assert people.reader.client.get(f"/models/{trial}/records.ndjson?where=yield").status_code == 400
