"""Runs, datasets and single records in the registry dialect, for both kinds."""

from typing import Any

import pytest

from portal.domain.kinds import SCRIPT, Kind
from tests import make
from tests.people import People, Person

BARLEY = {"experiment_name": "Barley 1931", "season_name": "1931", "site_name": "Waseca"}


def url(kind: Kind, entry_id: str, rest: str) -> str:
    return f"/api/{kind.slug}/id/{entry_id}/{rest}"


def add(person: Person, kind: Kind, entry_id: str, **given: Any) -> Any:
    body = {f"{kind.word}_data": {"yield": 48.9}, "timestamp": "2026-06-01T12:00:00Z", **BARLEY, **given}
    return person.api.post(url(kind, entry_id, "records"), json=body)


def test_a_run_is_kept_and_listed(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, "Yield", kind=kind)
    path, info = url(kind, entry_id, "runs"), f"{kind.word}_run_info"
    assert people.owner.api.get(path).status_code == 404
    made = [people.owner.api.post(path, json=body).json for body in ({info: {"seed": 7}}, {info: None}, {})]
    assert made[0] | {f"{kind.word}_id": entry_id, f"{kind.word}_name": "Yield", info: {"seed": 7}} == made[0]
    assert set(made[0]) == {"id", f"{kind.word}_id", f"{kind.word}_name", info, "created_at"}
    assert [run[info] for run in made[1:]] == [{}, {}]
    listed = people.owner.api.get(f"{path}/")
    assert (listed.json, listed.headers["X-Total-Count"]) == (made, "3")
    second = people.owner.api.get(f"{path}?limit=1&offset=1")
    assert second.json == made[1:2]
    assert 'offset=2>; rel="next"' in second.headers["Link"]
    assert people.owner.api.get(f"{path}?offset=3").status_code == 404
    assert people.owner.api.get(f"{path}?order=newest").status_code == 400


def test_a_dataset_is_one_by_name_and_experiment(people: People, kind: Kind) -> None:
    path = url(kind, make.entry(people.owner, kind=kind), "datasets")
    assert people.owner.api.get(path).status_code == 404
    body = {"dataset_name": "Plots", "dataset_info": {"plots": 60}, "collection_date": "2026-06-01"}
    made = people.owner.api.post(path, json=body).json
    assert made == {"id": made["id"], **body}
    again = people.owner.api.post(path, json={"dataset_name": " PLOTS"}).json
    assert again == made
    tied = people.owner.api.post(path, json={"dataset_name": "Plots", "experiment_name": "Barley 1931"}).json
    assert tied["id"] != made["id"]
    assert tied | {"collection_date": None, "dataset_info": {}} == tied
    other = people.owner.api.post(url(kind, make.entry(people.owner, "other", kind=kind), "datasets"), json=body).json
    assert other["id"] == made["id"], "shared by the owner's entries"
    listed = people.owner.api.get(path)
    assert {row["id"] for row in listed.json} == {made["id"], tied["id"]}
    assert listed.headers["X-Total-Count"] == "2"
    assert people.owner.api.get(f"{path}?limit=1&offset=1").json == listed.json[1:]
    assert people.owner.api.post(path, json={"dataset_name": "Plots", "dataset_info": None}).json == made


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dataset_name", " "),
        ("dataset_name", 7),
        ("dataset_name", None),
        ("dataset_info", []),
        ("collection_date", "2026-06-01T00:00:00Z"),
        ("collection_date", "0000-01-01"),
        ("collection_date", "2026-02-30"),
        ("collection_date", 20260601),
        ("experiment_name", ""),
        ("model_name", "x"),
    ],
)
def test_what_is_no_dataset_is_refused_by_its_field(people: People, field: str, value: Any) -> None:
    path = f"/api/models/id/{make.entry(people.owner)}/datasets"
    answer = people.owner.api.post(path, json={"dataset_name": "Plots", field: value})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)
    assert people.owner.api.get(path).status_code == 404


def test_a_record_comes_back_as_it_was_sent(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, "Yield", kind=kind)
    info = {"by": "Ä", "plots": [1, {"deep": None}]}
    made = add(
        people.owner, kind, entry_id, timestamp="2026-06-01T23:30:00.123456+02:00", record_info=info, dataset_name="D"
    ).json
    word = kind.word
    assert set(made) == {
        *("id", "timestamp", "collection_date", "dataset_id", "dataset_name", "record_file", "record_info"),
        *(f"{word}_id", f"{word}_name", f"{word}_data", "experiment_id", "season_id", "site_id", *BARLEY),
    }
    expected = {
        "timestamp": "2026-06-01T21:30:00.123456Z",
        "collection_date": "2026-06-01",
        "dataset_name": "D",
        f"{word}_id": entry_id,
        f"{word}_name": "Yield",
        f"{word}_data": {"yield": 48.9},
        "record_file": None,
        "record_info": info,
        **BARLEY,
    }
    assert made | expected == made
    assert people.owner.api.get(f"/api/{kind.slug}/records/id/{made['id'].upper()}/").json == made
    other = "scripts" if kind.slug == "models" else "models"
    assert people.owner.api.get(f"/api/{other}/records/id/{made['id']}").status_code == 404


def test_what_a_record_leaves_out_is_filled_in(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, "Yield", kind=kind)
    late = {"timestamp": "2026-06-01T23:30:00-05:00", "season_name": None, "experiment_name": None}
    made = add(people.owner, kind, entry_id, **late).json
    assert made["collection_date"] == "2026-06-02", "the day in UTC"
    assert made["dataset_name"] == "Yield Dataset 2026-06-02"
    assert (made["experiment_id"], made["season_name"], made["record_info"]) == (None, None, {})
    now = add(people.owner, kind, entry_id, timestamp=None).json
    assert now["timestamp"] > made["timestamp"] or now["timestamp"].startswith("20")
    assert now["collection_date"] == now["timestamp"][:10]
    assert people.owner.api.get(url(kind, entry_id, "experiments")).json, "the entry is tied to the experiment"


def test_the_same_record_again_is_a_conflict(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    assert add(people.owner, kind, entry_id).status_code == 200
    same = add(people.owner, kind, entry_id, timestamp="2026-06-01T14:00:00+02:00", site_name="waseca ")
    assert same.status_code == 409
    assert add(people.owner, kind, entry_id, site_name=None).status_code == 200
    assert add(people.owner, kind, entry_id, site_name=None).status_code == 409, "absent equals absent"


def test_a_record_can_be_changed_and_deleted(people: People, kind: Kind) -> None:
    record = add(people.owner, kind, make.entry(people.owner, kind=kind)).json
    path, data = f"/api/{kind.slug}/records/id/{record['id']}", f"{kind.word}_data"
    changed = people.owner.api.patch(path, json={data: {"yield": 50}})
    assert changed.json == {**record, data: {"yield": 50}}
    changed = people.owner.api.patch(path, json={"record_info": {"checked": True}})
    assert changed.json == {**record, data: {"yield": 50}, "record_info": {"checked": True}}
    assert people.owner.api.patch(path, json={"record_info": None}).json["record_info"] == {}
    assert people.owner.api.patch(path, json={}).status_code == 200
    for body in ({data: None}, {data: []}, {"timestamp": "2026-06-01T12:00:00Z"}, {"record_file": "x"}, {"id": "x"}):
        assert people.owner.api.patch(path, json=body).status_code == 422, body
    answer = people.owner.api.delete(path)
    assert (answer.status_code, answer.json) == (200, {})
    for method in ("get", "delete"):
        assert getattr(people.owner.api, method)(path).status_code == 404
    assert people.owner.api.patch(path, json={}).status_code == 404


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"experiment_name": None, "season_name": None, "site_name": None}, "experiment_name"),
        ({"script_data": None}, "script_data"),
        ({"script_data": [1]}, "script_data"),
        ({"model_data": {}}, "model_data"),
        ({"timestamp": 1780315200}, "timestamp"),
        ({"timestamp": "0000-06-01T12:00:00Z"}, "timestamp"),
        ({"timestamp": "10000-06-01T12:00:00Z"}, "timestamp"),
        ({"timestamp": "0001-01-01T00:00:00+01:00"}, "timestamp"),
        ({"timestamp": "9999-12-31T23:59:59-01:00"}, "timestamp"),
        ({"timestamp": "2026-06-01T12:00:60Z"}, "timestamp"),
        ({"collection_date": "1 June"}, "collection_date"),
        ({"site_name": " \u3164 "}, "site_name"),
        ({"season_name": "19\u202e31"}, "season_name"),
        ({"experiment_name": "line\nbreak"}, "experiment_name"),
        ({"dataset_name": "x" * 256}, "dataset_name"),
        ({"record_info": "{}"}, "record_info"),
        ({"record_file": "a.csv"}, "record_file"),
        ({"id": "x"}, "id"),
    ],
)
def test_what_is_no_record_is_refused_by_its_field(people: People, given: dict[str, Any], field: str) -> None:
    body = {"script_data": {"yield": 1}, "timestamp": "2026-06-01T12:00:00Z", "site_name": "Waseca", **given}
    answer = people.owner.api.post(url(SCRIPT, make.entry(people.owner, kind=SCRIPT), "records"), json=body)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)


def test_a_record_is_an_object_of_json(people: People) -> None:
    path = f"/api/models/id/{make.entry(people.owner)}/records"
    for body, status in ((b"[]", 422), (b"{", 400), (b'"x"', 422), (b"", 400), (b"{}", 422), (b" " * (1 << 20), 413)):
        answer = people.owner.api.post(path, data=body + b" " * (status == 413), content_type="application/json")
        assert answer.status_code == status, body[:10]
    assert people.owner.api.post(path, data=b"{}", content_type="text/plain").status_code == 415
