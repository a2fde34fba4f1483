"""Records for tests."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from portal.domain import records
from portal.domain.circumstances import Names
from portal.domain.entries import Entry
from portal.domain.records import NewRecord
from portal.extensions import db
from tests.people import Person, in_transaction

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday


def record(owner: Person, entry_id: str, data: dict[str, Any] | None = None, **more: Any) -> str:
    """The id of a new record of the entry, at Waseca in the season 2026 unless `names` says otherwise."""
    (record_id,) = several(owner, entry_id, [NewRecord(data or {"yield": 48.9}, **{"names": NAMES, **more})])
    return record_id


def several(owner: Person, entry_id: str, new: Iterable[NewRecord]) -> list[str]:
    with in_transaction(owner.app):
        entry = db.session.get_one(Entry, entry_id)
        return [records.add(owner.actor, entry, each).id for each in new]


def daily(number: int, *, site: str = "Waseca", **data: Any) -> list[NewRecord]:
    """One a day from `START` on; each says which it is."""
    names = Names("Barley 2026", "2026", site)
    return [
        NewRecord({"number": day, **data}, names=names, timestamp=START + timedelta(days=day)) for day in range(number)
    ]


NAMES = Names("Barley 2026", "2026", "Waseca")
