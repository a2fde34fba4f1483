"""Records and their roll-up: what is added is counted, what is the same is refused, what goes is uncounted."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.domain import entries, records, tally
from portal.domain.circumstances import Circumstances, Names
from portal.domain.kinds import MODEL
from portal.domain.records import NewRecord, Record
from portal.errors import Conflict, Invalid
from portal.extensions import db
from tests import make
from tests.people import People, Person, in_transaction

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
WASECA = Names("Barley 1931", "1931", "Waseca")


def add(person: Person, entry_id: str, **given: Any) -> str:
    with in_transaction(person.app):
        entry = entries.get(person.actor, MODEL, entry_id)
        new = NewRecord(**{"data": {"yield": 48.9}, "names": WASECA, "timestamp": NOON, **given})
        return records.add(person.actor, entry, new).id


def counted(table: type[Any], *columns: str) -> dict[tuple[Any, ...], int]:
    rows = db.session.execute(select(*(getattr(table, column) for column in columns), table.number))
    return {tuple(row[:-1]): row[-1] for row in rows}


def recounted() -> Counter[tuple[Any, ...]]:
    return Counter(
        (record.circumstances_id, record.timestamp.date(), record.collection_date, record.dataset_id)
        for record in db.session.scalars(select(Record))
    )


def test_what_is_written_is_what_is_read(people: People) -> None:
    moment = datetime(2026, 6, 1, 23, 30, 0, 123456, tzinfo=UTC)
    record_id = add(
        people.owner, make.entry(people.owner), timestamp=moment, data={"a": [1, 2.5, None]}, info={"b": "ü"}
    )
    with people.owner.app.app_context():
        record, entry = records.get(people.owner.actor, record_id)
        dataset, *named = records.facts(record_id)
        assert (record.timestamp, record.collection_date) == (moment, date(2026, 6, 1))
        assert (record.data, record.info) == ({"a": [1, 2.5, None]}, {"b": "ü"})
        assert dataset.name == f"{entry.name} Dataset 2026-06-01"
        assert [each and each.name for each in named] == list(WASECA)


def test_the_same_record_twice_is_refused(people: People) -> None:
    entry_id = make.entry(people.owner)
    add(people.owner, entry_id)
    with pytest.raises(Conflict):
        add(people.owner, entry_id, names=Names("barley 1931 ", "1931", "WASECA"))
    add(people.owner, entry_id, names=Names("Barley 1931", "1931"))
    add(people.owner, entry_id, dataset="another")
    add(people.owner, entry_id, collection_date=date(2026, 6, 2))
    add(people.owner, entry_id, timestamp=NOON + timedelta(microseconds=1))


@pytest.mark.parametrize("given", [{"data": None}, {"names": Names()}, {"names": Names(" ")}, {"dataset": "\x00"}])
def test_what_is_not_a_record_leaves_nothing(people: People, given: dict[str, Any]) -> None:
    entry_id = make.entry(people.owner)
    with pytest.raises(Invalid):
        add(people.owner, entry_id, **given)
    with people.owner.app.app_context():
        assert not db.session.scalars(select(Circumstances)).all()


def test_the_roll_up_follows_every_change(people: People) -> None:
    entry_id = make.entry(people.owner)
    ids = [add(people.owner, entry_id, timestamp=NOON + timedelta(hours=5 * hours)) for hours in range(20)]
    ids += [add(people.owner, entry_id, names=Names(site="Morris"), dataset=f"plot {number}") for number in range(3)]
    with in_transaction(people.owner.app):
        entry = entries.get(people.owner.actor, MODEL, entry_id)
        assert records.remove(people.owner.actor, entry, ids[::3]) == 8
    with people.owner.app.app_context():
        whole = recounted()
        assert counted(tally.Tally, "circumstances_id", "day", "collection_date", "dataset_id") == whole
        assert sum(counted(tally.DayTally, "entry_id", "day").values()) == 15
        assert sum(counted(tally.DatasetTally, "circumstances_id", "dataset_id").values()) == 15
        assert sum(counted(Circumstances, "id").values()) == 15
        days = Counter(key[1] for key in whole.elements())
        assert counted(tally.DayTally, "day") == {(day,): number for day, number in days.items()}


def test_an_entry_takes_its_records_with_it(people: People) -> None:
    entry_id = make.entry(people.owner)
    add(people.owner, entry_id)
    with in_transaction(people.owner.app):
        entries.remove(people.owner.actor, entries.get(people.owner.actor, MODEL, entry_id))
    with people.owner.app.app_context():
        for table in (Record, Circumstances, *tally.SUMS):
            assert not db.session.scalars(select(table)).all()
