"""Many records at once: each line under the rules of a single record, each batch counted in its own transaction."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from portal.domain import entries, record_bulk, record_lines, tally
from portal.domain.circumstances import Circumstances, Season
from portal.domain.kinds import MODEL
from portal.domain.record_bulk import Loaded
from portal.domain.records import Record
from portal.errors import BadRequest, NotFound, PortalError
from portal.extensions import db
from tests import make
from tests.bench import record_data
from tests.people import People, Person, in_transaction


def plot(number: int = 0, **fields: Any) -> dict[str, Any]:
    said = {
        "timestamp": f"2026-06-01T12:00:00.{number:06}Z",
        "site_name": "Waseca",
        "model_data": {"yield": 48.9},
    }
    return {key: value for key, value in {**said, **fields}.items() if value is not None}


def written(records: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(record_data.lines(iter(records)))


def load(person: Person, entry_id: str, text: bytes | Iterable[bytes], **how: bool) -> Loaded:
    with person.app.app_context():
        entry = entries.get(person.actor, MODEL, entry_id)
        pieces = [text] if isinstance(text, bytes) else text
        *_, loaded = record_bulk.add_many(person.actor, entry, record_lines.read_ndjson(MODEL, pieces), **how)
        return loaded


def number_of(table: type[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def assert_counted() -> None:
    """The roll-up and its sums say what the rows say."""
    whole = Counter(
        (row.circumstances_id, row.timestamp.date(), row.collection_date, row.dataset_id)
        for row in db.session.scalars(select(Record))
    )
    columns = tally.Tally.circumstances_id, tally.Tally.day, tally.Tally.collection_date, tally.Tally.dataset_id
    assert {tuple(row[:-1]): row[-1] for row in db.session.execute(select(*columns, tally.Tally.number))} == whole
    for table in (Circumstances, *tally.SUMS):
        assert (db.session.scalar(select(func.sum(table.number))) or 0) == whole.total()


def test_every_line_becomes_a_record_and_is_counted(people: People) -> None:
    entry_id = make.entry(people.owner)
    said = list(record_data.some(6_000))
    loaded = load(people.owner, entry_id, written(said))
    assert (loaded.inserted, loaded.rejected) == (6_000, [])
    with people.owner.app.app_context():
        kept = list(db.session.scalars(select(Record).order_by(Record.id)))
        assert [record.data for record in kept] == [each["model_data"] for each in said]
        times = [record.timestamp.isoformat(timespec="microseconds").replace("+00:00", "Z") for record in kept]
        assert times == [each["timestamp"] for each in said]
        assert_counted()


def test_a_bad_line_is_rejected_alone(people: People) -> None:
    entry_id = make.entry(people.owner)
    lines = [
        json.dumps(plot(1)),
        "",
        '{"site_name": "Waseca"',
        json.dumps(plot(2, colour="red")),
        json.dumps(plot(3, timestamp="yesterday", collection_date="1931")),
        json.dumps(plot(4, site_name=None, season_name="1931")),
        json.dumps(plot(5, model_data=None)),
        json.dumps(plot(6, site_name=" ")),
        json.dumps(plot(7, site_name=None)),
        json.dumps(plot(8, season_name="unused", dataset_name="\u202e")),
        "   ",
        json.dumps(plot(1, site_name="waseca ")),
        json.dumps(plot(9, info="x" * (1 << 20))),
        "[]",
        json.dumps(plot(10)),
    ]
    loaded = load(people.owner, entry_id, "\r\n".join(lines).encode())
    assert loaded.inserted == 3
    assert {line: error for line, error, _ in loaded.rejected} == {
        3: "Broken JSON: Expecting ',' delimiter at column 24.",
        4: "colour: There is no such field.",
        5: "timestamp: Takes a time like 2026-11-21T09:30:00Z. collection_date: Takes a date like 2026-11-21.",
        7: "model_data: Give data, or a record_file.",
        8: "site_name: Give a name of 1 to 255 characters.",
        9: "experiment_name: Name at least one of experiment, season and site.",
        10: "dataset_name: Give a name of 1 to 255 characters.",
        12: "There is already a record with this time, collection date, dataset, experiment, season and site.",
        13: "A line takes at most 1 MiB.",
        14: "A record must be a JSON object.",
    }
    assert [line for line, _, is_present in loaded.rejected if is_present] == [12]
    with people.owner.app.app_context():
        assert set(db.session.scalars(select(Season.name))) == {"1931"}
        assert_counted()


def test_the_same_again_is_there_already(people: People) -> None:
    entry_id = make.entry(people.owner)
    text = written(record_data.made_up(300))
    assert load(people.owner, entry_id, text).inserted == 300
    again = load(people.owner, entry_id, text + written([plot()]) + text)
    assert (again.inserted, again.present, again.wrong, again.unnamed) == (1, 600, 0, 0)
    with people.owner.app.app_context():
        assert number_of(Record) == 301
        assert_counted()


def test_as_many_rejected_lines_are_named_as_somebody_reads(people: People) -> None:
    loaded = load(people.owner, make.entry(people.owner), b"{}\n" * 7_000)
    assert (len(loaded.rejected), loaded.unnamed, loaded.wrong) == (1_000, 6_000, 7_000)


@pytest.mark.parametrize("bad", [b"{\n", written([plot(5_500)])], ids=["broken", "twice"])
def test_all_or_nothing(people: People, bad: bytes) -> None:
    entry_id = make.entry(people.owner)
    text = written(plot(number) for number in range(6_000))
    refused = load(people.owner, entry_id, text + bad, atomic=True)
    assert (refused.inserted, [line for line, *_ in refused.rejected]) == (0, [6_001])
    with people.owner.app.app_context():
        assert (number_of(Record), number_of(Circumstances), number_of(tally.Tally)) == (0, 0, 0)
    assert load(people.owner, entry_id, text, atomic=True).inserted == 6_000


def test_a_rehearsal_says_what_would_become_of_the_lines_and_leaves_nothing(people: People) -> None:
    entry_id = make.entry(people.owner)
    load(people.owner, entry_id, written([plot(1)]))
    would = load(people.owner, entry_id, written([plot(1), plot(2), plot(3, site_name="\x07")]), rehearsal=True)
    assert (would.inserted, would.present, would.wrong) == (1, 1, 1)
    with people.owner.app.app_context():
        assert number_of(Record) == 1
        assert_counted()


def test_what_was_committed_before_a_cut_stays(people: People) -> None:
    entry_id = make.entry(people.owner)

    def cut() -> Iterator[bytes]:
        yield written(plot(number) for number in range(7_000))
        raise BadRequest("The body was cut short.")

    with pytest.raises(BadRequest):
        load(people.owner, entry_id, cut())
    with people.owner.app.app_context():
        assert number_of(Record) == 5_000
        assert_counted()


def test_a_right_that_is_lost_in_the_middle_ends_it(people: People) -> None:
    entry_id = make.entry(people.owner, access="public", default_permission="write")

    def lost() -> Iterator[bytes]:
        yield written(plot(number) for number in range(6_000))
        with in_transaction(people.owner.app):
            entries.get(people.owner.actor, MODEL, entry_id).access = "private"
        yield written([plot(6_000)])

    with pytest.raises(NotFound):
        load(people.stranger, entry_id, lost())
    with people.owner.app.app_context():
        assert number_of(Record) == 5_000


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_lines_are_the_same_however_they_arrive(size: int) -> None:
    text = b'{"a": 1}\r\n\n' + b"x" * 50 + b"\n" + "ü\n".encode() + b"last"
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert list(record_lines.numbered(pieces)) == [
        (1, b'{"a": 1}\r'),
        (2, b""),
        (3, b"x" * 50),
        (4, "ü".encode()),
        (5, b"last"),
    ]


def test_a_line_without_end_takes_no_more_memory_than_the_limit() -> None:
    endless = (b"x" * (1 << 18) for _ in range(64))
    ((number, line),) = record_lines.numbered(endless)
    assert (number, len(line)) == (1, (1 << 20) + 1)
    ((_, error),) = next(record_lines.read_ndjson(MODEL, [b"x" * (1 << 21)]))
    assert isinstance(error, PortalError)
