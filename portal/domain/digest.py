"""What the start page tells: how much the actor may see, and what of it is new."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, func, null, select

from portal.domain.access import readable
from portal.domain.circumstances import Circumstances
from portal.domain.datasets import EntryDataset
from portal.domain.entries import Entry
from portal.domain.kinds import KINDS
from portal.domain.users import User
from portal.domain.versions import Version
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import scoped


class Numbers(NamedTuple):
    """`entries` by the kind's word."""

    entries: dict[str, int]
    records: int
    datasets: int


class Change(NamedTuple):
    """An entry as its newest version left it, or as it was registered: then there is no `number` and no `size`.

    `username` is who did it, empty where they are gone.
    """

    at: datetime
    username: str
    number: int | None
    size: int | None
    kind: str
    id: str
    name: str
    description: str
    access: str


_ENTRY: Any = Entry.__table__.c
_VERSION: Any = Version.__table__.c
_USER: Any = User.__table__.c


@scoped
def numbers(actor: Actor) -> Numbers:
    """Exact at any size: records are summed by their circumstances."""
    visible = select(_ENTRY.id).where(readable(actor, _ENTRY))
    entries = [select(func.count()).select_from(visible.where(_ENTRY.kind == kind.word).subquery()) for kind in KINDS]
    records = select(func.coalesce(func.sum(Circumstances.number), 0))
    datasets = select(func.count(EntryDataset.dataset_id.distinct()))
    if not actor.is_admin:
        records = records.where(Circumstances.entry_id.in_(visible))
        datasets = datasets.where(EntryDataset.entry_id.in_(visible))
    found = db.session.execute(select(*(each.scalar_subquery() for each in (*entries, records, datasets)))).one()
    *of_kinds, in_all, sets = map(int, found)
    return Numbers({kind.word: number for kind, number in zip(KINDS, of_kinds, strict=True)}, in_all, sets)


@scoped
def changes(actor: Actor, most: int) -> list[Change]:
    """What is new among what the actor may see, the newest first; each entry is told once."""
    queries = [_PUBLISHED, *(_REGISTERED.where(_ENTRY.kind == kind.word) for kind in KINDS)]
    seen = (query.where(readable(actor, _ENTRY)).limit(most) for query in queries)
    found = [Change(*row) for query in seen for row in db.session.execute(query)]
    return sorted(found, key=lambda change: change.at, reverse=True)[:most]


_NAMED = (_ENTRY.kind, _ENTRY.id, _ENTRY.name, func.substr(_ENTRY.description, 1, 200), _ENTRY.access)
_PUBLISHED: Any = (
    select(_VERSION.created_at, func.coalesce(_USER.username, ""), _VERSION.number, _VERSION.size, *_NAMED)
    .select_from(Version.__table__)
    .join(Entry.__table__, and_(_ENTRY.id == _VERSION.entry_id, _ENTRY.version == _VERSION.number))
    .outerjoin(User.__table__, _USER.id == _VERSION.created_by_id)
    .order_by(_VERSION.created_at.desc(), _VERSION.id.desc())
)
_REGISTERED: Any = (
    select(_ENTRY.created_at, _USER.username, null(), null(), *_NAMED)
    .join(User.__table__, _USER.id == _ENTRY.owner_id)
    .where(_ENTRY.version.is_(None))
    .order_by(_ENTRY.created_at.desc(), _ENTRY.id.desc())
)
