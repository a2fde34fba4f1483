"""The people of the demonstration. Their passwords are made at random on the first start and kept with the data."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from portal.domain import rules, teams, users
from portal.domain.sessions import actor_for
from portal.domain.teams import Team
from portal.domain.users import User
from portal.durable import write_once
from portal.extensions import db
from portal.security.actor import Actor, Via

TEAM = "Barley lab"
KEPT = "demo-passwords.json"

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Person:
    username: str
    role: str
    is_admin: bool = False
    is_team_admin: bool = False

    @property
    def email(self) -> str:
        return f"{self.username}@example.org"


PEOPLE = (
    Person("aiko", "a researcher, with an unfinished upload"),
    Person("tomas", f"a researcher who looks after the team “{TEAM}”", is_team_admin=True),
    Person("mira", "the administrator", is_admin=True),
)


def kept_passwords(data_dir: Path) -> dict[str, str]:
    """Passwords by user name, the same at every start."""
    kept = data_dir / KEPT
    if not kept.exists():
        write_once(kept, json.dumps({person.username: _password() for person in PEOPLE}))
    passwords: dict[str, str] = json.loads(kept.read_text(encoding="ascii"))
    return passwords


def make_people(passwords: dict[str, str]) -> tuple[dict[str, Actor], str]:
    """Whoever is not there yet, and their team: (actors by user name, the team's id)."""
    made = {}
    for person in PEOPLE:
        known = db.session.scalar(select(User).where(User.username_key == rules.key(person.username)))
        made[person] = known or users.create(
            person.username, person.email, passwords[person.username], is_admin=person.is_admin
        )
        db.session.commit()
    administrator = next(actor_for(user, Via.COMMAND) for person, user in made.items() if person.is_admin)
    team = db.session.scalar(select(Team).where(Team.name_key == rules.key(TEAM)))
    if team is None:
        team = teams.create(administrator, TEAM)
        for person, user in made.items():
            if not person.is_admin:
                teams.add(administrator, team, user.id, as_admin=person.is_team_admin)
    db.session.commit()
    return {person.username: actor_for(user, Via.COMMAND) for person, user in made.items()}, team.id


def _password() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))
