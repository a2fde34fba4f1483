"""What administrators see of the whole portal: how much there is, who stores how much, what is damaged, who is here."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Row, Select, and_, cast, func, null, or_, select
from sqlalchemy.orm import aliased

from portal.domain import rules
from portal.domain.circumstances import Circumstances
from portal.domain.entries import Entry
from portal.domain.kinds import KINDS
from portal.domain.records import Record
from portal.domain.teams import Membership, Team
from portal.domain.users import User
from portal.domain.versions import Version
from portal.errors import NotFound
from portal.extensions import db
from portal.search.filters import contains
from portal.security.actor import Actor
from portal.security.guard import allows
from portal.security.policy import Portal

PAGE_PEOPLE = 50


class Totals(NamedTuple):
    """`unverified` of the users wait to be let in; `entries` by the kind's word; `size` in bytes, of all files."""

    users: int
    unverified: int
    teams: int
    versions: int
    records: int
    size: int
    entries: dict[str, int]


@allows(Portal.OVERSEE)
def totals(actor: Actor) -> Totals:
    numbers = (
        select(func.count()).select_from(User),
        select(func.count()).select_from(User).where(~User.is_verified),
        select(func.count()).select_from(Team),
        select(func.count()).select_from(Version),
        select(func.coalesce(func.sum(Circumstances.number), 0)),
        select(func.coalesce(func.sum(Version.size), 0)),
        select(func.coalesce(func.sum(Record.file_size), 0)).where(Record.file_name.is_not(None)),
        *(select(func.count()).select_from(Entry).where(Entry.kind == kind.word) for kind in KINDS),
    )
    found = map(int, db.session.execute(select(*(each.scalar_subquery() for each in numbers))).one())
    users, unverified, teams, versions, records, in_versions, in_records, *entries = found
    by_word = {kind.word: number for kind, number in zip(KINDS, entries, strict=True)}
    return Totals(users, unverified, teams, versions, records, in_versions + in_records, by_word)


@allows(Portal.OVERSEE)
def storage(actor: Actor, most: int) -> Sequence[Row[Any]]:
    """Who stores how much in versions and records, the most first, as rows like those of `people`."""
    query, size = _people()
    return db.session.execute(query.where(size > 0).order_by(size.desc(), User.username_key).limit(most)).all()


@allows(Portal.OVERSEE)
def people(actor: Actor, text: str, number: int) -> tuple[Sequence[Row[Any]], int]:
    """Page `number` (from 1) of those with `text` in their name or e-mail, and how many there are in all.

    Rows of id, username, email, is_admin, is_verified, created_at, entries, versions, size in bytes; first those who
    wait to be verified, then by user name.
    """
    key = rules.key(text)
    found = select(User.id).where(or_(contains(User.username_key, key), contains(User.email_key, key)))
    total = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    order = User.is_verified, User.username_key
    cut = found.order_by(*order).limit(PAGE_PEOPLE).offset((number - 1) * PAGE_PEOPLE)
    ids = db.session.scalars(cut).all()
    return db.session.execute(_people(ids)[0].order_by(*order)).all(), total


@allows(Portal.OVERSEE)
def person(actor: Actor, user_id: str) -> Row[Any]:
    """One row as of `people`; 404 if there is nobody."""
    row = db.session.execute(_people([user_id.lower()])[0]).first() if rules.is_id(user_id) else None
    if row is None:
        raise NotFound("There is no such person.")
    return row


def _people(ids: Sequence[str] | None = None) -> tuple[Select[Any], ColumnElement[int]]:
    """People with what they own, and the column of bytes: those with one of `ids`, or all."""

    def owned(*columns: Any) -> Select[Any]:
        query = select(Entry.owner_id, *columns).group_by(Entry.owner_id)
        return query if ids is None else query.where(Entry.owner_id.in_(ids))

    entries = owned(func.count().label("number")).subquery()
    in_versions = func.count().label("number"), func.sum(Version.size).label("size")
    versions = owned(*in_versions).join(Version, Version.entry_id == Entry.id).subquery()
    in_records = owned(func.sum(Record.file_size).label("size")).join(Record, Record.entry_id == Entry.id)
    files = in_records.where(Record.file_name.is_not(None)).subquery()
    size = cast(func.coalesce(versions.c.size, 0) + func.coalesce(files.c.size, 0), BigInteger)
    query: Any = select(
        User.id,
        User.username,
        User.email,
        User.is_admin,
        User.is_verified,
        User.created_at,
        func.coalesce(entries.c.number, 0).label("entries"),
        func.coalesce(versions.c.number, 0).label("versions"),
        size.label("size"),
    )
    for each in (entries, versions, files):
        query = query.outerjoin(each, each.c.owner_id == User.id)
    return query if ids is None else query.where(User.id.in_(ids)), size


@allows(Portal.OVERSEE)
def teams_of(actor: Actor, user_id: str) -> Sequence[str]:
    """The names of the teams that this person is in."""
    names = select(Team.name).join(Membership, Membership.team_id == Team.id).where(Membership.user_id == user_id)
    return db.session.scalars(names.order_by(Team.name_key)).all()


class Clash(NamedTuple):
    """An entry of somebody who goes whose name the heir uses already."""

    kind: str
    name: str


@allows(Portal.OVERSEE)
def clashes(actor: Actor, user_id: str, most: int) -> tuple[list[Clash], int]:
    """Entries of this person that have the name of one of the actor's: at most so many, and how many there are."""
    own = aliased(Entry)
    same = own.kind == Entry.kind, own.name_key == Entry.name_key, own.owner_id == actor.user_id, own.app_id.is_(None)
    taken = select(Entry.kind, Entry.name).join(own, and_(*same))
    taken = taken.where(Entry.owner_id == user_id, Entry.app_id.is_(None))
    number = db.session.scalar(select(func.count()).select_from(taken.subquery())) or 0
    return [Clash(*row) for row in db.session.execute(taken.order_by(Entry.name_key).limit(most))], number


@allows(Portal.OVERSEE)
def damaged(actor: Actor, most: int) -> list[Row[Any]]:
    """Files that the last check found missing or not as they were stored: at most so many versions and so many records.

    Rows of kind, entry_id, name (the entry's), username (its owner's), file_name, number (null for a record) and
    record_id (null for a version).
    """
    of = Entry.kind, Entry.id.label("entry_id"), Entry.name, User.username
    versions = select(*of, Version.file_name, Version.number, null().label("record_id"))
    records = select(*of, Record.file_name, null().label("number"), Record.id.label("record_id"))
    queries = (
        versions.join(Version, Version.entry_id == Entry.id).where(Version.is_damaged),
        records.join(Record, Record.entry_id == Entry.id).where(
            Record.file_name.is_not(None), Record.is_file_damaged.is_(True)
        ),
    )
    whose = (query.join(User, User.id == Entry.owner_id).limit(most) for query in queries)
    return [row for query in whose for row in db.session.execute(query)]


@allows(Portal.OVERSEE)
def still_there(actor: Actor, entry_ids: Iterable[str | None]) -> set[str]:
    """Those of the ids that are an entry's."""
    asked = {entry_id for entry_id in entry_ids if entry_id}
    return set(db.session.scalars(select(Entry.id).where(Entry.id.in_(asked)))) if asked else set()
