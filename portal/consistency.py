"""What rows promise each other that no key of the database enforces.

Each promise is looked at in one statement, so that others may write meanwhile.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import and_, exists, func, or_, select

from portal.database import end_read, now
from portal.domain.circumstances import Circumstances
from portal.domain.entries import Entry
from portal.domain.environments import Deployment
from portal.domain.records import Record
from portal.domain.users import User
from portal.domain.versions import Version
from portal.extensions import db
from portal.storage.base import Missing
from portal.uploads.machine import store
from portal.uploads.session import Status, Upload


class Promise(NamedTuple):
    """`exceptions` is the query for the rows that do not keep it; `say` makes a sentence of one."""

    exceptions: Any
    say: Callable[[Any], str]


def broken() -> Iterator[str]:
    """A sentence for every exception."""
    for promise in PROMISES:
        for row in db.session.execute(promise.exceptions):
            yield promise.say(row)
    end_read()


def lost_uploads() -> Iterator[str]:
    """Ids of uploads that somebody may continue, and of which nothing is left."""
    waiting = select(Upload.id).where(Upload.status == Status.OPEN, Upload.entry_id.is_not(None))
    for upload_id in db.session.scalars(waiting.where(Upload.expires_at > now()).order_by(Upload.id)).all():
        end_read()
        try:
            store().received(upload_id)
        except Missing:
            if db.session.scalar(waiting.where(Upload.id == upload_id)):  # nobody has ended it in the meantime
                yield upload_id
    end_read()


def lacks_administrator() -> bool:
    """Whether there are people, none of whom looks after the others."""
    found = db.session.execute(select(exists(select(User.id)), exists(select(User.id).where(User.is_admin)))).one()
    end_read()
    return bool(found[0] and not found[1])


def _entry(row: Any) -> str:
    return f"the {row.kind} “{row.name}”"


_ENTRY: Any = Entry.kind, Entry.name
_LAST = func.max(Version.number)
_NEWEST = and_(Version.entry_id == Entry.id, Version.number == Entry.version)

PROMISES = (
    Promise(
        select(*_ENTRY, func.count(Version.id).label("number"), _LAST.label("last"))
        .join(Version, Version.entry_id == Entry.id)
        .group_by(Entry.id, *_ENTRY)
        .having(or_(func.count(Version.id) != _LAST, func.min(Version.number) != 1)),
        lambda row: f"{_entry(row)} has {row.number} versions, and the last is {row.last}",
    ),
    Promise(
        select(*_ENTRY, Entry.version.label("said"), _LAST.label("last"))
        .outerjoin(Version, Version.entry_id == Entry.id)
        .group_by(Entry.id, *_ENTRY, Entry.version)
        .having(Entry.version.is_distinct_from(_LAST)),
        lambda row: f"{_entry(row)} is said to be at version {row.said}, and its last is {row.last}",
    ),
    Promise(
        select(*_ENTRY, Entry.size.label("said"), Version.size.label("real"))
        .outerjoin(Version, _NEWEST)
        .where(Entry.size.is_distinct_from(Version.size)),
        lambda row: f"{_entry(row)} is said to have {row.said} bytes, and its newest version has {row.real}",
    ),
    Promise(
        select(*_ENTRY).where((Entry.access == "protected") != Entry.team_id.is_not(None)),
        lambda row: f"{_entry(row)} is shared with a team that it does not name, or names one and is not shared",
    ),
    Promise(
        select(*_ENTRY, Deployment.environment)
        .join(Deployment, Deployment.entry_id == Entry.id)
        .join(Version, Version.id == Deployment.version_id)
        .where(Version.entry_id != Entry.id),
        lambda row: f"{row.environment} of {_entry(row)} is a version of something else",
    ),
    Promise(
        select(*_ENTRY, Record.id)
        .join(Circumstances, Circumstances.entry_id == Entry.id)
        .join(Record, Record.circumstances_id == Circumstances.id)
        .where(Record.entry_id != Entry.id),
        lambda row: f"record {row.id} of {_entry(row)} is listed under something else",
    ),
    Promise(
        select(*_ENTRY, Upload.id)
        .join(Upload, Upload.entry_id == Entry.id)
        .outerjoin(Version, Version.id == Upload.id)
        .where(Upload.status == Status.DONE, Upload.record.is_(None), Version.id.is_(None)),
        lambda row: f"upload {row.id} of {_entry(row)} was acknowledged, and there is no version of it",
    ),
)
