"""What is written is what is read, whatever it is; or it is refused, and no listing breaks over it afterwards."""

import itertools
import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from portal.domain import record_search
from portal.domain.record_search import Wanted
from tests import make
from tests.people import People

many = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
fresh = itertools.count()

TEXTS = st.text(st.characters(), max_size=40)
HOSTILE_NAMES = (
    *("", " ", "\u3164", "\x00", "a\x00b", "a\nb", "a\rb", "\u2028", "a\u2029b", "\ud800", "a\udfffb", "\u202eabc"),
    *("a\u2066b", "x" * 255, "x" * 256, "\u0390" * 255, "\ufb03" * 255, "𝒳" * 255, "e\u0301" * 255, "I\u0307" * 100),
)
NUMBERS = st.integers() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=5)


@pytest.fixture
def entry_id(people: People) -> str:
    return make.entry(people.owner)


def post(people: People, entry_id: str, body: Any) -> Any:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    path = f"/api/models/id/{entry_id}/records"
    return people.owner.api.post(path, data=text, content_type="application/json")


def read(people: People, record_id: str) -> Any:
    answer = people.owner.api.get(f"/api/models/records/id/{record_id}")
    assert answer.status_code == 200
    return answer.json


def moment() -> str:
    """Never the same again, so that no two records are the same."""
    return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(fresh))).isoformat()


def assert_that_all_can_be_listed(people: People, entry_id: str, number: int) -> None:
    with people.owner.app.app_context():
        found = record_search.page(people.owner.actor, Wanted(entry_id=entry_id), number + 1)
    assert len(found.rows) == number
    for rest in ("/runs", "/datasets", "/experiments", ""):
        assert people.owner.api.get(f"/api/models/id/{entry_id}{rest}").status_code in (200, 404)
    assert people.owner.api.get("/api/models/all").status_code == 200
    assert people.owner.client.get(f"/models/{entry_id}").status_code == 200


def texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from texts_of(each)
    elif isinstance(value, dict):
        yield from texts_of([*value.keys(), *value.values()])


def is_storable(value: Any) -> bool:
    return not re.search("[\x00\ud800-\udfff]", "".join(texts_of(value)))


def test_json_comes_back_as_it_was_sent(people: People, entry_id: str) -> None:
    kept = []

    @many
    @given(OBJECTS, OBJECTS)
    @example({"a": "\ud800"}, {})
    @example({"\x00": 1}, {})
    @example({"line": "a\r\nb\u2028c\u2029d\x1e\x0b", "\u202e": "\u200f"}, {"__proto__": 2**63, "e": 1e308, "-0": -0.0})
    def round_trip(data: dict[str, Any], info: dict[str, Any]) -> None:
        body = {"model_data": data, "record_info": info, "site_name": "S", "timestamp": moment()}
        made = post(people, entry_id, body)
        assert made.status_code == (200 if is_storable([data, info]) else 422), made.json
        if made.status_code == 422:
            return
        kept.append(made.json["id"])
        found = read(people, made.json["id"])
        assert json.dumps([found["model_data"], found["record_info"]]) == json.dumps([data, info])
        changed = people.owner.api.patch(f"/api/models/records/id/{found['id']}", json={"model_data": info})
        assert json.dumps(changed.json["model_data"]) == json.dumps(info)

    round_trip()
    assert_that_all_can_be_listed(people, entry_id, len(kept))


def test_names_come_back_as_they_were_sent(people: People, entry_id: str) -> None:
    kept = []
    names = st.sampled_from(HOSTILE_NAMES) | st.text(st.characters(), min_size=1, max_size=30) | st.none()

    @many
    @given(st.tuples(names, names, names, names))
    def round_trip(given_names: tuple[str | None, ...]) -> None:
        words = ("experiment_name", "season_name", "site_name", "dataset_name")
        said = dict(zip(words, given_names, strict=True))
        made = post(people, entry_id, {"model_data": {}, "timestamp": moment(), **said})
        if made.status_code == 422:
            return
        assert made.status_code == 200, made.json
        kept.append(made.json["id"])
        found = read(people, made.json["id"])
        for word, name in said.items():
            if name is not None:
                wanted = unicodedata.normalize("NFC", name).strip()
                # The first to write a name decides how it is written.
                assert found[word].casefold() == wanted.casefold() or found[word] == wanted
            elif word != "dataset_name":
                assert found[word] is None

    round_trip()
    assert_that_all_can_be_listed(people, entry_id, len(kept))


@pytest.mark.parametrize("word", ["experiment", "season", "site", "dataset"])
def test_a_hostile_name_is_refused_or_kept(people: People, entry_id: str, word: str) -> None:
    number = 0
    for name in HOSTILE_NAMES:
        body = {"model_data": {}, "timestamp": moment(), "site_name": "S", f"{word}_name": name}
        made = post(people, entry_id, body)
        assert made.status_code in (200, 422), repr(name)
        number += made.status_code == 200
        if made.status_code == 200:
            assert read(people, made.json["id"])[f"{word}_name"] == unicodedata.normalize("NFC", name)
        dataset = json.dumps({"dataset_name": name, "experiment_name": name}).encode()
        path, kind = f"/api/models/id/{entry_id}/datasets", "application/json"
        answer = people.owner.api.post(path, data=dataset, content_type=kind)
        assert answer.status_code == made.status_code or answer.status_code in (200, 422)
    assert number == 6
    assert_that_all_can_be_listed(people, entry_id, number)


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Tokyo"])
def _zone_of_the_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGTZ", request.param)


@pytest.mark.usefixtures("_zone_of_the_database")
def test_an_instant_comes_back_whatever_its_zone(people: People, entry_id: str) -> None:
    kept: set[datetime] = set()

    @many
    @given(st.datetimes(), st.integers(-1439, 1439), st.integers(0, 6), st.booleans())
    @example(datetime.min, 0, 6, False)  # noqa: DTZ901
    @example(datetime.max, 0, 6, False)  # noqa: DTZ901
    @example(datetime.min, 60, 6, False)  # noqa: DTZ901
    @example(datetime.max, -60, 6, False)  # noqa: DTZ901
    @example(datetime(1883, 11, 18, 12, 3, 58), 0, 6, False)  # noqa: DTZ001
    def round_trip(naive: datetime, offset: int, digits: int, is_bare: bool) -> None:
        scale = 10 ** (6 - digits)
        naive = naive.replace(microsecond=naive.microsecond // scale * scale)
        fraction = f".{naive.microsecond:06}"[: digits + 1] if digits else ""
        zone = timezone(timedelta(minutes=offset))
        said = naive.replace(microsecond=0).isoformat() + fraction
        if not is_bare:
            sign, minutes = "-" if offset < 0 else "+", abs(offset)
            said += f"{sign}{minutes // 60:02}:{minutes % 60:02}"
        made = post(people, entry_id, {"model_data": {}, "site_name": "S", "timestamp": said})
        try:
            meant = naive.replace(tzinfo=UTC if is_bare else zone).astimezone(UTC)
        except OverflowError:
            assert made.status_code == 422
            return
        assert made.status_code == (409 if meant in kept else 200), made.json
        kept.add(meant)
        if made.status_code == 200:
            found = read(people, made.json["id"])
            assert found["timestamp"] == f"{meant.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
            assert found["collection_date"] == meant.date().isoformat()

    round_trip()
    assert_that_all_can_be_listed(people, entry_id, len(kept))


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"NaN", 400),
        (b"{'a': NaN}", 400),
        (b'{"a": NaN}', 400),
        (b'{"a": -Infinity}', 400),
        (b'{"a": 1e999}', 400),
        (b'{"a": ' + b"9" * 5000 + b"}", 400),
        (b'{"a": -' + b"9" * 310 + b"}", 400),
        (b'{"a": ' + b"9" * 308 + b"}", 200),
        (b'{"a": 1e-999}', 200),
        (b'{"a": 9223372036854775808}', 200),
        (b'{"a": -9223372036854775809}', 200),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400),
        (b'{"a":' + b"[" * 100_000 + b"}", 400),
        (b'{"a":' + b"[" * 62 + b"]" * 62 + b"}", 200),
        (b'{"a": 1, "a": 2}', 400),
        (b'{"a": "\\ud800"}', 422),
        (b'{"\\udfff": 1}', 422),
        (b'{"a": "\\u0000"}', 422),
        (b'{"a": "\x00"}', 400),
        (b'{"a": "\xff"}', 400),
        (b'{"a": "\\ud83d\\ude00"}', 200),
        (b'{"": {"": [[], {}]}}', 200),
        (b"null", 422),
    ],
)
def test_hostile_json_is_refused_or_kept(people: People, entry_id: str, data: bytes, status: int) -> None:
    made = post(people, entry_id, b'{"site_name": "S", "model_data": ' + data + b"}")
    assert made.status_code == status
    if status == 200:
        assert read(people, made.json["id"])["model_data"] == json.loads(data)
    for path, body in (
        ("runs", b'{"model_run_info": ' + data + b"}"),
        ("datasets", b'{"dataset_name": "D", "dataset_info": ' + data + b"}"),
    ):
        answer = people.owner.api.post(f"/api/models/id/{entry_id}/{path}", data=body, content_type="application/json")
        assert answer.status_code == (200 if data == b"null" else status), path
    assert_that_all_can_be_listed(people, entry_id, int(status == 200))
