"""What gets another owner with an entry: its name among theirs, and the datasets that are its own.

Nothing here checks a permission: the entries are locked, and who gets them is held, by whoever calls.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.orm import aliased

from portal.database import now
from portal.domain import audit, entry_names, rules
from portal.domain.audit import What
from portal.domain.circumstances import Circumstances
from portal.domain.datasets import Dataset, EntryDataset
from portal.domain.entries import Entry
from portal.domain.tally import DatasetTally
from portal.domain.users import User
from portal.errors import Conflict
from portal.extensions import db
from portal.security.actor import Actor


def of_entry(entry: Entry, heir: User, actor: Actor) -> None:
    """The entry goes to `heir` with the datasets that no other entry has; 409 where they have one of its name.

    A dataset that it shares stays with the old owner. Checks no permission.
    """
    giver = db.session.get_one(User, entry.owner_id)
    if giver.id == heir.id:
        return
    refusal = Conflict(f"{heir.username} already has a {entry.kind} with this name. Rename it first.")
    _give(entry, heir)
    try:
        entry_names.require_free(entry)
        entry_names.flush(entry)
    except Conflict:
        raise refusal from None
    _note(actor, entry, giver, heir)
    its = EntryDataset.dataset_id == Dataset.id, EntryDataset.entry_id == entry.id
    others = EntryDataset.dataset_id == Dataset.id, EntryDataset.entry_id != entry.id
    _give_datasets(giver, heir, exists().where(*its), ~exists().where(*others))


def of_person(giver: User, entries: Sequence[Entry], heir: User, actor: Actor) -> None:
    """All that `giver` has goes to `heir`, with ` (USERNAME)` added where a name is taken. Checks no permission."""
    clashing = _clashing(entries, heir)
    for entry in entries:
        if entry.id not in clashing:
            _give(entry, heir)
            _note(actor, entry, giver, heir)
    if entries:
        entry_names.flush(entries[0])  # all at once: there may be thousands
    for entry in entries:
        if entry.id in clashing:
            was = entry.name
            _give(entry, heir)
            entry_names.set_apart(entry, giver.username)
            entry_names.flush(entry)
            _note(actor, entry, giver, heir)
            audit.note(actor, What.ENTRY_RENAMED, entry=entry, was=was)
    _give_datasets(giver, heir)


def _clashing(entries: Sequence[Entry], heir: User) -> set[str]:
    """The ids of those whose names the heir uses. In an app the name is the app's."""
    theirs = select(Entry.kind, Entry.name_key).where(Entry.owner_id == heir.id, Entry.app_id.is_(None))
    used = {tuple(row) for row in db.session.execute(theirs)}
    return {entry.id for entry in entries if entry.app_id is None and (entry.kind, entry.name_key) in used}


def _give(entry: Entry, heir: User) -> None:
    entry.owner_id, entry.updated_at = heir.id, now()
    db.session.expire(entry, ["owner"])


def _note(actor: Actor, entry: Entry, giver: User, heir: User) -> None:
    audit.note(actor, What.OWNER_CHANGED, entry=entry, about=heir.username, was=giver.username)


def _give_datasets(giver: User, heir: User, *which: ColumnElement[bool]) -> None:
    theirs: Any = aliased(Dataset)
    same = theirs.name_key == Dataset.name_key, theirs.experiment_id.is_not_distinct_from(Dataset.experiment_id)
    taken = exists().where(theirs.owner_id == heir.id, *same)
    given = update(Dataset).where(Dataset.owner_id == giver.id, *which, ~taken).values(owner_id=heir.id)
    db.session.execute(given.execution_options(synchronize_session=False))
    left = select(Dataset).where(Dataset.owner_id == giver.id, *which).order_by(Dataset.id)
    for dataset in db.session.scalars(left.execution_options(populate_existing=True)).all():
        _set_apart(dataset, giver, heir)


def _set_apart(dataset: Dataset, giver: User, heir: User) -> None:
    """Under another name, which what is counted by names must notice."""
    theirs = select(Dataset.id).where(Dataset.owner_id == heir.id, Dataset.experiment_id == dataset.experiment_id)
    for name in rules.set_apart(dataset.name, giver.username):
        if db.session.scalar(theirs.where(Dataset.name_key == rules.key(name))) is None:
            dataset.owner_id, dataset.name, dataset.name_key = heir.id, name, rules.key(name)
            db.session.flush()
            break
    under = select(DatasetTally.circumstances_id).where(DatasetTally.dataset_id == dataset.id)
    db.session.execute(
        update(Circumstances)
        .where(Circumstances.id.in_(under))
        .values(changes=Circumstances.changes + 1)
        .execution_options(synchronize_session=False)
    )
