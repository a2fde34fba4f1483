"""Lists show what the policy lets be read: the rule in SQL and the rule in Python are the same."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select

from portal.domain import people as administration
from portal.domain.access import readable
from portal.domain.entries import Entry
from portal.domain.kinds import KINDS
from portal.extensions import db
from portal.security.actor import Actor, nobody
from portal.security.policy import Level, level
from tests import make
from tests.people import People, in_transaction, make_team
from tests.security.expectations import levels


def test_readable_agrees_with_policy(people: People) -> None:
    """For every person and every state of an entry, of theirs and of others, of several teams; of the deleted, too."""
    with in_transaction(people.owner.app):
        theirs = make_team("Oat lab", {people.teammate.id: True, people.reader.id: False})
        teams = {"ours": people.team_id, "theirs": theirs, "empty": make_team("Rye lab", {}), "none": None}
    for state in levels():
        access, _, permission = state.partition("-")
        for name, team_id in teams.items():
            for person in (people.owner, people.stranger):
                make.entry(
                    person,
                    f"{state} {name}",
                    kind=KINDS[len(name) % 2],
                    access=access,
                    team_id=team_id,
                    default_permission=permission or "read",
                )
    with in_transaction(people.owner.app):
        everything = db.session.scalars(select(Entry)).all()
        actors = {person.name: person.actor for person in people}
        actors["reading token"] = replace(people.owner.actor, may_write=False)
        actors["visitor of a closed portal"] = nobody(may_read_public=False)
        agree(actors, everything)
        assert len(everything) == 40
        assert len({level(actor, entry) for actor in actors.values() for entry in everything}) == 4

        for gone in (people.stranger, people.teammate):
            administration.remove(people.admin.actor, gone.id or "")
        agree(actors, everything)  # also for requests that began before


def agree(actors: Mapping[str, Actor], everything: Sequence[Entry]) -> None:
    for name, actor in actors.items():
        listed = set(db.session.scalars(select(Entry.id).where(readable(actor, Entry))))
        assert listed == {entry.id for entry in everything if level(actor, entry) >= Level.READ}, name
