"""The people of every test: who owns, who is in the team, who only reads, who has nothing to do with it."""

import functools
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from portal.domain import passwords, rules, sessions
from portal.domain.teams import Membership, Team
from portal.domain.users import User
from portal.extensions import db
from portal.security.actor import Actor, Via, nobody

PASSWORD = "a horse, correctly stapled"


@functools.cache
def password_hash() -> str:
    return passwords.hash_password(PASSWORD)


@dataclass(frozen=True)
class Person:
    """Somebody of a test: `client` is their browser, `api` their program, `actor` who they are to a verb."""

    app: Flask
    name: str
    id: str | None = None

    @property
    def actor(self) -> Actor:
        if self.id is None:
            return nobody(may_read_public=True)
        return sessions.actor_for(db.session.get_one(User, self.id), Via.COMMAND)

    @functools.cached_property
    def client(self) -> FlaskClient:
        """Signed in by a session cookie."""
        client = self.app.test_client()
        if self.id is not None:
            with self.app.app_context():
                key = sessions.start(self.id, Via.SESSION)
                db.session.commit()
            with client.session_transaction() as session:
                session["_user_id"], session["_fresh"] = key, True
        return client

    @functools.cached_property
    def csrf_token(self) -> str:
        """What the pages of `client` carry; also in a hidden field of every form. A log-in or log-out changes it."""
        found = re.search(r'name="csrf-token" content="([^"]+)"', self.client.get("/").text)
        assert found, "a page has its CSRF token in its head"
        return found[1]

    @functools.cached_property
    def headers(self) -> dict[str, str]:
        """The credential of a program; empty for nobody."""
        if self.id is None:
            return {}
        with self.app.app_context():
            key = sessions.start(self.id, Via.LOGIN)
            db.session.commit()
        return {"Authorization": f"Bearer {key}"}

    @functools.cached_property
    def api(self) -> "Program":
        return Program(self)


class Program:
    """A client of the JSON API: no cookies, a token in the header."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.client = person.app.test_client(use_cookies=False)

    def __getattr__(self, method: str) -> Any:
        def call(path: str, headers: dict[str, str] | None = None, **kwargs: Any) -> Any:
            return getattr(self.client, method)(
                path, headers={**self.person.headers, **(headers or {})}, buffered=True, **kwargs
            )

        return call


@dataclass(frozen=True)
class People:
    """`team` is the team of owner, teammate and team_admin; `reader` sees what is public; `stranger` nothing else."""

    owner: Person
    teammate: Person
    team_admin: Person
    reader: Person
    stranger: Person
    admin: Person
    anonymous: Person
    team_id: str

    def __iter__(self) -> Iterator[Person]:
        yield from (self.owner, self.teammate, self.team_admin, self.reader, self.stranger, self.admin, self.anonymous)


def make_user(name: str, *, is_admin: bool = False, is_verified: bool = True) -> str:
    """A person whose password is PASSWORD, hashed once for all tests."""
    user = User(username=name, email=f"{name}@example.org", is_admin=is_admin, is_verified=is_verified)
    user.username_key, user.email_key = rules.key(user.username), rules.key(user.email)
    user.password_hash = password_hash()
    db.session.add(user)
    db.session.flush()
    return user.id


def make_team(name: str, members: Mapping[str | None, bool]) -> str:
    """The id of a new team of these people; those of true look after it."""
    team = Team(name=name, name_key=rules.key(name))
    db.session.add(team)
    db.session.flush()
    db.session.add_all(Membership(team_id=team.id, user_id=each, is_admin=role) for each, role in members.items())
    db.session.flush()
    return team.id


def make_people(app: Flask) -> People:
    with in_transaction(app):
        names = ("owner", "teammate", "team_admin", "reader", "stranger", "admin")
        ids = {name: make_user(name, is_admin=name == "admin") for name in names}
        members = {ids["owner"]: False, ids["teammate"]: False, ids["team_admin"]: True}
        team_id = make_team("Barley lab", members)
    known = {name: Person(app, name, ids[name]) for name in names}
    return People(**known, anonymous=Person(app, "anonymous"), team_id=team_id)


@contextmanager
def in_transaction(app: Flask) -> Iterator[None]:
    """The application context and one committed write transaction, as a request has them."""
    from portal.database import begin_write

    with app.app_context():
        begin_write()
        yield
        db.session.commit()
