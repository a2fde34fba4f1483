"""Sharing, step by step at random, beside a small model of the rules: the same answers, the same levels."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.database import begin_write, new_id
from portal.domain import access, entries, people, teams
from portal.domain.access import readable
from portal.domain.entries import Entry
from portal.domain.kinds import MODEL
from portal.domain.sessions import actor_for
from portal.domain.teams import Team
from portal.domain.users import User
from portal.errors import PortalError
from portal.extensions import db
from portal.security.actor import Actor, Via
from portal.security.policy import level
from tests.people import in_transaction, make_user

STEPS = 300
SEEDS = (0, 2, 3)
NONE, READ, WRITE, OWNER = range(4)


@dataclass
class Shared:
    name: str
    owner: str
    access: str = "private"
    team: str | None = None
    permission: str = "read"


@dataclass
class World:
    """People by id with whether they administer the portal; teams by id with their members likewise; entries by id."""

    people: dict[str, bool] = field(default_factory=dict)
    teams: dict[str, dict[str, bool]] = field(default_factory=dict)
    entries: dict[str, Shared] = field(default_factory=dict)

    def level(self, who: str, entry_id: str) -> int:
        entry = self.entries[entry_id]
        may = WRITE if entry.permission == "write" else READ
        members = self.teams.get(entry.team or "", {})
        if self.people[who] or entry.owner == who:
            return OWNER
        if entry.access == "public":
            return may
        if entry.access == "protected" and who in members:
            return OWNER if members[who] else may
        return NONE

    def refuses_owner(self, who: str, entry_id: str) -> int:
        held = self.level(who, entry_id)
        return 0 if held == OWNER else 403 if held else 404

    def refuses_team_admin(self, who: str, team_id: str) -> int:
        if self.people[who]:
            return 0
        members = self.teams[team_id]
        return 404 if who not in members else 0 if members[who] else 403

    def uses(self, who: str, name: str) -> bool:
        return any(entry.owner == who and entry.name == name for entry in self.entries.values())

    def administrators(self) -> int:
        return sum(self.people.values())


class Walk:
    """Each step does one thing by the verbs, and by the model; `refused` is the status that the model expects."""

    def __init__(self, seed: int) -> None:
        self.world, self.random = World(), random.Random(seed)
        self.answers: set[int] = set()
        self.levels: set[int] = set()
        self.steps = [each for name, each in vars(Walk).items() if name.startswith("step_")]

    def step(self) -> str:
        return self.random.choice(self.steps)(self)

    def actor(self, who: str) -> Actor:
        return actor_for(db.session.get_one(User, who), Via.COMMAND)

    def pick(self, things: Any) -> Any:
        return self.random.choice(list(things))

    def expect(self, refused: int, verb: Callable[..., Any], who: str, *given: Any) -> Any:
        begin_write()
        try:
            found, status = verb(self.actor(who), *given), 0
            found = getattr(found, "id", found)
            db.session.commit()
        except PortalError as error:
            found, status = None, error.status
            db.session.rollback()
        assert status == refused, (verb.__name__, given)
        self.answers.add(status)
        return found

    def pick_entry(self) -> tuple[str, str]:
        """One of them and somebody, every other time its owner."""
        entry_id = self.pick(self.world.entries)
        return self.random.choice([self.pick(self.world.people), self.world.entries[entry_id].owner]), entry_id

    def step_person(self) -> None:
        if len(self.world.people) > 7:
            return
        begin_write()
        self.world.people[make_user(f"p-{new_id()[:8]}")] = False
        db.session.commit()

    def step_register(self) -> None:
        who, name = self.pick(self.world.people), self.random.choice("abc")
        made = self.expect(409 if self.world.uses(who, name) else 0, entries.register, who, MODEL, {"name": name})
        if made:
            self.world.entries[made] = Shared(name, who)

    def step_team(self) -> None:
        who = self.pick(self.world.people)
        made = self.expect(0 if self.world.people[who] else 403, teams.create, who, new_id())
        if made:
            self.world.teams[made] = {}

    def step_remove_team(self) -> None:
        if len(self.world.teams) < 3:
            return
        who, team_id = self.pick(self.world.people), self.pick(self.world.teams)
        hidden = who not in self.world.teams[team_id]
        refused = 0 if self.world.people[who] else 404 if hidden else 403
        self.expect(refused, teams.remove, who, db.session.get_one(Team, team_id))
        if not refused:
            del self.world.teams[team_id]
            for entry in self.world.entries.values():
                if entry.team == team_id:
                    entry.access, entry.team = "private", None

    def step_membership(self) -> None:
        if not self.world.teams:
            return
        team_id, someone = self.pick(self.world.teams), self.pick(self.world.people)
        members = self.world.teams[team_id]
        who = self.pick(self.random.choice([self.world.people, members or self.world.people]))
        what = self.random.choice(["add", "admin", "dismiss", "demote", "leave"])
        team, refused = db.session.get_one(Team, team_id), self.world.refuses_team_admin(who, team_id)
        if what == "leave":
            refused = 0 if self.world.people[who] or who in members else 404
            self.expect(refused, teams.leave, who, team)
        elif what == "admin":
            self.expect(refused, lambda *given: teams.add(*given, as_admin=True), who, team, someone)
        else:
            self.expect(refused, getattr(teams, what), who, team, someone)
        if refused:
            return
        if what == "add":
            members.setdefault(someone, False)
        elif what == "admin":
            members[someone] = True
        elif what == "demote" and someone in members:
            members[someone] = False
        elif what in ("dismiss", "leave"):
            members.pop(who if what == "leave" else someone, None)

    def step_access(self) -> None:
        if not self.world.entries:
            return
        who, entry_id = self.pick_entry()
        chosen = self.random.choice(["private", "protected", "protected", "public"])
        its_teams = [team for team, members in self.world.teams.items() if who in members] or [new_id()]
        known = self.random.choice([its_teams, [*self.world.teams, new_id()]])
        team_id = self.pick(known) if chosen == "protected" else None
        refused = self.world.refuses_owner(who, entry_id)
        if not refused and team_id and team_id not in self.world.teams:
            refused = 404
        elif not refused and team_id and not self.world.people[who] and who not in self.world.teams[team_id]:
            refused = 403
        self.expect(refused, access.set_access, who, db.session.get_one(Entry, entry_id), chosen, team_id)
        if not refused:
            self.world.entries[entry_id].access, self.world.entries[entry_id].team = chosen, team_id

    def step_permission(self) -> None:
        if not self.world.entries:
            return
        who, entry_id = self.pick_entry()
        chosen, refused = self.random.choice(["read", "write"]), self.world.refuses_owner(who, entry_id)
        self.expect(refused, access.set_default_permission, who, db.session.get_one(Entry, entry_id), chosen)
        if not refused:
            self.world.entries[entry_id].permission = chosen

    def step_owner(self) -> None:
        if not self.world.entries:
            return
        (who, entry_id), heir = self.pick_entry(), self.pick(self.world.people)
        entry, refused = self.world.entries[entry_id], self.world.refuses_owner(who, entry_id)
        if not refused and heir != entry.owner and self.world.uses(heir, entry.name):
            refused = 409
        self.expect(refused, access.set_owner, who, db.session.get_one(Entry, entry_id), heir)
        if not refused:
            entry.owner = heir

    def step_administrator(self) -> None:
        who, someone = self.pick(self.world.people), self.pick(self.world.people)
        what = self.random.choice(["promote", "demote"])
        refused = 0 if self.world.people[who] else 403
        if not refused and what == "demote" and self.world.people[someone] and self.world.administrators() == 1:
            refused = 422
        self.expect(refused, getattr(people, what), who, someone)
        if not refused:
            self.world.people[someone] = what == "promote"

    def step_remove_person(self) -> None:
        if len(self.world.people) < 6:
            return
        who, gone = self.pick(self.world.people), self.pick(self.world.people)
        refused = 403 if not self.world.people[who] else 422 if who == gone else 0
        self.expect(refused, people.remove, who, gone)
        if refused:
            return
        del self.world.people[gone]
        for members in self.world.teams.values():
            members.pop(gone, None)
        for entry_id, entry in self.world.entries.items():
            if entry.owner == gone:
                entry.owner, entry.name = who, db.session.get_one(Entry, entry_id).name


@pytest.mark.parametrize("seed", SEEDS)
def test_everybody_has_the_level_that_the_rules_give(app: Flask, seed: int) -> None:
    with in_transaction(app):
        first = make_user("first", is_admin=True)
    walk = Walk(seed)
    walk.world.people[first] = True
    with app.app_context():
        for number in range(STEPS):
            walk.step()
            if number % 5 == 0:
                compare(walk)
    assert walk.answers == {0, 403, 404, 409, 422}
    assert walk.levels == {NONE, READ, WRITE, OWNER}


def compare(walk: Walk) -> None:
    world = walk.world
    stored = {entry.id: entry for entry in db.session.scalars(select(Entry))}
    assert stored.keys() == world.entries.keys()
    for who in world.people:
        actor = walk.actor(who)
        expected = {entry_id: world.level(who, entry_id) for entry_id in stored}
        walk.levels |= set(expected.values())
        assert {entry_id: level(actor, entry) for entry_id, entry in stored.items()} == expected
        seen = set(db.session.scalars(select(Entry.id).where(readable(actor, Entry))))
        assert seen == {entry_id for entry_id, held in expected.items() if held}
