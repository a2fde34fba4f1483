"""Records are found and counted as a careful reader of all rows would find and count them, and for nobody else."""

from datetime import UTC, datetime
from typing import Any

from werkzeug.datastructures import MultiDict

from portal.domain import entries, record_search, records
from portal.domain.circumstances import Names
from portal.domain.kinds import MODEL
from portal.domain.records import NewRecord
from tests import make
from tests.people import People, Person, in_transaction


def add(person: Person, entry_id: str, names: Names, timestamp: datetime, **given: Any) -> str:
    with in_transaction(person.app):
        entry = entries.get(person.actor, MODEL, entry_id)
        return records.add(person.actor, entry, NewRecord(data={"yield": 40}, names=names, timestamp=timestamp)).id


def test_first(people: People) -> None:
    entry_id = make.entry(people.owner)
    ids = [
        add(people.owner, entry_id, Names(site="Morris", season=f"{day % 3}"), datetime(2026, 1, day, tzinfo=UTC))
        for day in range(1, 20)
    ]
    with people.owner.app.app_context():
        wanted = record_search.asked(
            MultiDict([("site_names", "morris "), ("start_timestamp", "2026-01-05"), ("where", "yield >= 40")])
        )
        found = record_search.page(people.owner.actor, wanted, 4)
        assert [row.id for row in found.rows] == ids[::-1][:4]
        found = record_search.page(people.owner.actor, wanted, 4, after=found.after)
        assert [row.id for row in found.rows] == ids[::-1][4:8]
        counts = record_search.counts(people.owner.actor, wanted)
        assert record_search.counts(people.stranger.actor, wanted).total == 0
