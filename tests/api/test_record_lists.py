"""Records of the registry dialect as they are searched, filtered and counted: which rows, in which order and form."""

import csv
import importlib.util
import io
import json
import uuid
from typing import Any

import pytest

from portal.domain.kinds import MODEL, SCRIPT, Kind
from tests import make
from tests.people import People, Person

DAYS = ("2026-06-01", "2026-06-02", "2026-06-03")
HOSTILE: dict[str, Any] = {
    "lines": "one\ntwo\r\nthree\u2028four\u2029five\x85six\x0bseven",
    "": {"deep": [1, -0.0, 1e300, 12345678901234567890, True, None, '"\\/\t']},
    "naïve 🌾": "</script>",
}


def url(kind: Kind, entry_id: str | None, rest: str = "") -> str:
    return f"/api/{kind.slug}/{f'id/{entry_id}/' if entry_id else ''}records{rest}"


def add(owner: Person, kind: Kind, entry_id: str, **given: Any) -> Any:
    body = {f"{kind.word}_data": {"yield": 48.9}, "timestamp": f"{DAYS[0]}T12:00:00Z", "site_name": "Waseca", **given}
    answer = owner.api.post(url(kind, entry_id), json=body)
    assert answer.status_code == 200, answer.json
    return answer.json


def ask(person: Person, path: str, **query: Any) -> Any:
    return person.api.get(path, query_string=query)


def rows(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.text
    assert answer.text == "" or answer.text.endswith("\n")
    return [json.loads(line) for line in answer.data.split(b"\n")[:-1]]


def ids(answer: Any) -> list[str]:
    return [row["id"] for row in rows(answer)]


@pytest.fixture
def entry_id(people: People, kind: Kind) -> str:
    return make.entry(people.owner, "Yield net", kind=kind)


def field(people: People, kind: Kind, entry_id: str) -> list[Any]:
    """Three days of two sites, added in no order; the last has no season and a dataset of its own."""
    made = [
        add(
            people.owner,
            kind,
            entry_id,
            timestamp=f"{day}T12:00:00Z",
            site_name=site,
            season_name="1931",
            dataset_name="D",
        )
        for day in reversed(DAYS)
        for site in ("Waseca", "Morris")
    ]
    made.append(add(people.owner, kind, entry_id, timestamp="2026-06-04T00:00:00Z", experiment_name="Barley"))
    return sorted(made, key=lambda row: (row["timestamp"], row["id"]))


def test_a_line_is_the_record(people: People, kind: Kind, entry_id: str) -> None:
    """Field for field what the single record says, in the same order, whatever it holds."""
    add(people.owner, kind, entry_id, **{f"{kind.word}_data": HOSTILE, "record_info": HOSTILE})
    add(people.owner, kind, entry_id, season_name='"=1+1"', site_name=None, dataset_name='\\ "D"', experiment_name="É")
    answer = ask(people.owner, url(kind, entry_id))
    assert answer.content_type == "application/x-ndjson"
    for row in rows(answer):
        single = people.owner.api.get(f"/api/{kind.slug}/records/id/{row['id']}").json
        assert (row, list(row)) == (single, list(single))
    assert rows(answer)[0][f"{kind.word}_data"] == HOSTILE
    assert len(answer.text.splitlines()) > len(rows(answer)), "only a line feed ends a line"


def test_all_records_come_in_order(people: People, kind: Kind, entry_id: str) -> None:
    made = field(people, kind, entry_id)
    for rest in ("", "/filter"):
        answer = ask(people.owner, url(kind, entry_id, rest))
        assert rows(answer) == made
        assert answer.headers["X-Total-Count"] == "7"
    assert rows(ask(people.owner, url(kind, entry_id), order="newest")) == made[::-1]


def test_the_seeds_parameters_narrow(people: People, kind: Kind, entry_id: str) -> None:
    made = field(people, kind, entry_id)
    narrowing = {
        "site_name": ("morris", [1, 3, 5]),
        "season_name": ("1931", [0, 1, 2, 3, 4, 5]),
        "experiment_name": ("BARLEY", [6]),
        "collection_date": (DAYS[1], [2, 3]),
    }
    found = {
        row["id"]: number
        for number, row in enumerate(
            sorted(made, key=lambda row: (row["timestamp"][:10], row["site_name"] == "Morris"))
        )
    }
    for name, (value, expected) in narrowing.items():
        answer = ask(people.owner, url(kind, entry_id), **{name: value})
        assert sorted(found[one] for one in ids(answer)) == expected, name
        assert answer.headers["X-Total-Count"] == str(len(expected))
    both = ask(people.owner, url(kind, entry_id), site_name="Morris", collection_date=DAYS[0])
    assert len(ids(both)) == 1


def test_the_filter_takes_lists_and_half_open_times(people: People, kind: Kind, entry_id: str) -> None:
    made = field(people, kind, entry_id)

    def count(**query: Any) -> int:
        answer = ask(people.owner, url(kind, entry_id, "/filter"), **query)
        assert answer.headers["X-Total-Count"] == str(len(rows(answer)))
        return len(rows(answer))

    assert count(site_names=["Waseca", "Morris"], season_names="1931") == 6
    assert count(site_names=["Morris", "nowhere"]) == 3
    assert count(dataset_names="D") == 6
    assert count(experiment_names="Barley") == 1
    assert count(start_timestamp="2026-06-02T12:00:00Z", end_timestamp="2026-06-03T12:00:00Z") == 2
    assert count(start_timestamp="2026-06-02T14:00:00+02:00") == 5
    assert count(end_timestamp="2026-06-02T12:00:00") == 2
    assert count(start_timestamp=made[-1]["timestamp"]) == 1
    assert count(start_timestamp="2026-06-05", end_timestamp="2026-06-01") == 0


def test_nothing_found_is_an_empty_stream(people: People, kind: Kind, entry_id: str) -> None:
    for rest in ("", "/filter"):
        answer = ask(people.owner, url(kind, entry_id, rest))
        assert (answer.status_code, answer.data, answer.headers["X-Total-Count"]) == (200, b"", "0")
        assert answer.content_type == "application/x-ndjson"
    add(people.owner, kind, entry_id)
    assert rows(ask(people.owner, url(kind, entry_id), site_name="nowhere")) == []


def test_an_entry_that_is_not_there_is_404(people: People, kind: Kind, entry_id: str) -> None:
    other = SCRIPT if kind is MODEL else MODEL
    for rest in ("", "/filter", "/facets"):
        assert ask(people.owner, url(kind, str(uuid.uuid4()), rest)).status_code == 404
        assert ask(people.owner, url(other, entry_id, rest)).status_code == 404
        assert ask(people.stranger, url(kind, entry_id, rest)).status_code == 404
        assert ask(people.anonymous, url(kind, entry_id, rest)).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "site_nmae=x",
        "offset=1",
        "limit=0",
        "limit=x",
        "limit=9223372036854775808",
        "limit=1&limit=2",
        "order=upwards",
        "after=x",
        "after=00000000-0000-4000-8000-000000000000",
        "collection_date=yesterday",
        "collection_date=2026-02-30",
        "start_timestamp=noon",
        "end_timestamp=2026-06-01T25:00:00Z",
        "where=yield",
        "model_names=x",
        "site_name=a&site_name=b",
    ],
)
def test_a_parameter_that_cannot_be_understood_is_400_and_named(people: People, query: str) -> None:
    entry_id = make.entry(people.owner)
    add(people.owner, MODEL, entry_id)
    for rest in ("", "/filter"):
        answer = people.owner.api.get(f"{url(MODEL, entry_id, rest)}?{query}")
        assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
        assert answer.json["errors"][0]["field"] == query.partition("=")[0]


def test_facets_take_no_cuts(people: People) -> None:
    entry_id = make.entry(people.owner)
    for name in ("limit", "after", "order", "offset"):
        assert ask(people.owner, url(MODEL, entry_id, "/facets"), **{name: "1"}).status_code == 400


@pytest.mark.parametrize("order", ["oldest", "newest"])
def test_pages_follow_each_other(people: People, kind: Kind, entry_id: str, order: str) -> None:
    made = field(people, kind, entry_id)
    expected = made if order == "oldest" else made[::-1]
    answer = ask(people.owner, url(kind, entry_id, "/filter"), limit=3, order=order, site_names=["Morris", "Waseca"])
    seen = rows(answer)
    while "Link" in answer.headers:
        assert answer.headers["X-Total-Count"] == "7", "of all that match, whatever the page"
        address, _, way = answer.headers["Link"].partition("; ")
        assert way == 'rel="next"'
        answer = people.owner.api.get(address.strip("<>"))
        assert rows(answer)
        seen += rows(answer)
    assert seen == expected
    assert "Link" not in ask(people.owner, url(kind, entry_id), limit=7).headers
    assert "Link" in ask(people.owner, url(kind, entry_id), limit=6).headers
    assert "Link" not in ask(people.owner, url(kind, entry_id), limit=2**63 - 1).headers


def test_after_leads_on_from_any_record(people: People, kind: Kind, entry_id: str) -> None:
    made = field(people, kind, entry_id)
    for number, row in enumerate(made):
        assert rows(ask(people.owner, url(kind, entry_id), after=row["id"])) == made[number + 1 :]
        assert rows(ask(people.owner, url(kind, entry_id), after=row["id"].upper(), limit=1)) == made[number + 1 :][:1]
    hidden = make.entry(people.stranger, kind=kind)
    other = add(people.stranger, kind, hidden)
    assert ask(people.owner, url(kind, entry_id), after=other["id"]).status_code == 400


def test_conditions_on_the_data_narrow(people: People, kind: Kind, entry_id: str) -> None:
    made = [
        add(people.owner, kind, entry_id, timestamp=f"{day}T00:00:00Z", **{f"{kind.word}_data": {"yield": number}})
        for number, day in enumerate(DAYS)
    ]
    answer = ask(people.owner, url(kind, entry_id, "/filter"), where="yield > 0")
    assert rows(answer) == made[1:]
    assert answer.headers["X-Total-Count"] == "2"


def test_across_entries_come_those_that_the_caller_may_read(people: People, kind: Kind) -> None:
    other = SCRIPT if kind is MODEL else MODEL
    owns = {
        "mine": make.entry(people.owner, "mine", kind=kind),
        "team's": make.entry(people.owner, "team's", kind=kind, access="protected", team_id=people.team_id),
        "public": make.entry(people.owner, "public", kind=kind, access="public"),
    }
    made = {name: add(people.owner, kind, owned)["id"] for name, owned in owns.items()}
    add(people.owner, other, make.entry(people.owner, "of the other kind", kind=other, access="public"))

    def seen(person: Person, **query: Any) -> set[str]:
        answer = ask(person, url(kind, None), **query)
        assert answer.headers["X-Total-Count"] == str(len(rows(answer)))
        return set(ids(answer))

    assert seen(people.owner) == seen(people.admin) == set(made.values())
    assert seen(people.teammate) == {made["team's"], made["public"]}
    assert seen(people.stranger) == seen(people.anonymous) == {made["public"]}
    assert seen(people.owner, **{f"{kind.word}_names": ["mine", "PUBLIC"]}) == {made["mine"], made["public"]}
    assert seen(people.stranger, **{f"{kind.word}_names": "mine"}) == set()
    assert ask(people.owner, url(kind, None), **{f"{other.word}_names": "mine"}).status_code == 400
    assert [row[f"{kind.word}_name"] for row in rows(ask(people.owner, url(kind, None, "/")))] == list(owns)


def test_facets_count_what_the_stream_would_bring(people: People, kind: Kind, entry_id: str) -> None:
    field(people, kind, entry_id)
    assert ask(people.owner, url(kind, entry_id, "/facets"), collection_date=DAYS[0], site_names="Morris").json == {
        "total": 1,
        "experiments": [{"name": None, "count": 1}],
        "seasons": [{"name": "1931", "count": 1}],
        "sites": [{"name": "Morris", "count": 1}, {"name": "Waseca", "count": 1}],
        "datasets": [{"name": "D", "count": 1}],
        "days": [{"day": DAYS[0], "count": 1}],
    }
    whole = ask(people.owner, url(kind, entry_id, "/facets")).json
    assert whole["total"] == 7
    assert whole["experiments"] == [{"name": None, "count": 6}, {"name": "Barley", "count": 1}]
    assert whole["seasons"] == [{"name": "1931", "count": 6}, {"name": None, "count": 1}]
    assert whole["days"] == [{"day": day, "count": 2} for day in DAYS] + [{"day": "2026-06-04", "count": 1}]
    across = ask(people.owner, url(kind, None, "/facets")).json
    assert across == {f"{kind.word}s": [{"name": "Yield net", "count": 7}], **whole}
    nothing = ask(people.stranger, url(kind, None, "/facets")).json
    assert nothing["total"] == 0
    assert not any(nothing[name] for name in nothing if name != "total")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/ndjson", "application/ndjson"),
        ("application/ndjson, */*;q=0.1", "application/ndjson"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/csv;q=0.5, application/x-ndjson;q=0.4", "text/csv; charset=utf-8"),
        ("*/*", "application/x-ndjson"),
        ("application/json", "application/x-ndjson"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/x-ndjson"),
    ],
)
def test_the_form_is_the_one_that_is_asked_for(people: People, accept: str, content_type: str) -> None:
    entry_id = make.entry(people.owner)
    for site in ("Waseca", "Morris"):
        answer = people.owner.api.get(url(MODEL, entry_id), headers={"Accept": accept})
        assert (answer.status_code, answer.content_type) == (200, content_type)
        assert "Accept" in answer.headers["Vary"]
        add(people.owner, MODEL, entry_id, site_name=site)


def read_csv(person: Person, path: str, **query: Any) -> list[dict[str, str]]:
    answer = person.api.get(path, query_string=query, headers={"Accept": "text/csv"})
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))


def test_csv_has_the_same_rows_and_a_column_for_every_key(people: People, kind: Kind, entry_id: str) -> None:
    data = f"{kind.word}_data"
    add(people.owner, kind, entry_id, **{data: {"yield": 48.9, "variety": "Trebi, late", "plots": [1, 2], "ok": True}})
    add(
        people.owner,
        kind,
        entry_id,
        site_name="Morris",
        record_info={"by": "Ada"},
        **{data: {"yield": None, "note": "a\nb"}},
    )
    found = read_csv(people.owner, url(kind, entry_id))
    exact = rows(ask(people.owner, url(kind, entry_id)))
    fixed = [name for name in exact[0] if name not in (data, "record_info")]
    keys = [f"{data}.{key}" for key in ("yield", "variety", "plots", "ok", "note")]
    assert sorted(found[0]) == sorted([*fixed, *keys, data, "record_info"])
    for row, record in zip(found, exact, strict=True):
        assert {name: row[name] for name in fixed} == {name: record[name] or "" for name in fixed}
    assert [found[0][key] for key in keys] == ["48.9", "Trebi, late", "[1,2]", "true", ""]
    assert [found[1][key] for key in keys] == ["", "", "", "", "a\nb"]
    assert [row[data] for row in found] == ["", ""]
    assert [row["record_info"] for row in found] == ["{}", '{"by":"Ada"}']


def test_csv_of_nothing_is_its_head(people: People, kind: Kind, entry_id: str) -> None:
    answer = people.owner.api.get(url(kind, entry_id), headers={"Accept": "text/csv"})
    assert (answer.status_code, answer.headers["X-Total-Count"]) == (200, "0")
    assert answer.text.startswith("id,timestamp,collection_date,dataset_id,dataset_name,")
    assert answer.text.endswith(f",{kind.word}_data,record_info\r\n")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1"])
def test_csv_holds_nothing_that_a_spreadsheet_runs(people: People, text: str) -> None:
    entry_id = make.entry(people.owner)
    name = text.strip()
    data = {text: text, "number": -1.5, "plain": "a=1", "list": [text]}
    add(people.owner, MODEL, entry_id, site_name=name, experiment_name=name, dataset_name=name, model_data=data)
    (row,) = read_csv(people.owner, url(MODEL, entry_id))
    assert row["site_name"] == row["experiment_name"] == row["dataset_name"] == f"'{name}"
    assert row[f"model_data.{text}"] == f"'{text}"
    assert (row["model_data.number"], row["model_data.plain"]) == ("-1.5", "a=1")
    assert json.loads(row["model_data.list"]) == [text]
    assert rows(ask(people.owner, url(MODEL, entry_id)))[0]["model_data"] == data


def test_csv_leaves_out_nothing_that_has_no_column(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.domain.record_csv.MOST_KEYS", 1)
    entry_id = make.entry(people.owner)
    add(people.owner, MODEL, entry_id, model_data={"a": 1, "b": {"c": "ü"}})
    (row,) = read_csv(people.owner, url(MODEL, entry_id))
    assert (row["model_data.a"], row["model_data"]) == ("1", '{"b":{"c":"ü"}}')


def test_parquet_without_its_extra_says_so(people: People) -> None:
    if importlib.util.find_spec("pyarrow"):
        pytest.skip("pyarrow is installed")
    accept = {"Accept": "application/vnd.apache.parquet"}
    answer = people.owner.api.get(url(MODEL, make.entry(people.owner)), headers=accept)
    assert (answer.status_code, answer.content_type) == (406, "application/problem+json")
    assert "pyarrow" in answer.json["detail"]


def test_parquet_has_the_same_rows(people: People, kind: Kind, entry_id: str) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    accept = {"Accept": "application/vnd.apache.parquet"}

    def read() -> Any:
        answer = people.owner.api.get(url(kind, entry_id), headers=accept)
        assert (answer.status_code, answer.content_type) == (200, accept["Accept"])
        return parquet.read_table(io.BytesIO(answer.data))

    assert read().num_rows == 0
    field(people, kind, entry_id)
    expected = rows(ask(people.owner, url(kind, entry_id)))
    found = read().to_pylist()
    data = f"{kind.word}_data"
    for row in found:
        row["timestamp"] = f"{row['timestamp'].replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
        row["collection_date"] = row["collection_date"].isoformat()
        row[data], row["record_info"] = json.loads(row[data]), json.loads(row["record_info"])
    assert (found, list(found[0])) == (expected, list(expected[0]))
