"""Personal tokens: kept as a hash, scoped, expiring, revocable, and noted when used."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from portal.database import begin_write, now
from portal.domain import tokens
from portal.domain.tokens import Token
from portal.errors import Denied, Invalid, NotFound, Unauthenticated
from portal.extensions import db
from portal.security.actor import Via
from tests.people import People, Person, in_transaction


def issue(person: Person, name: str = "laptop", scope: str = "write", expires_at: datetime | None = None) -> str:
    with in_transaction(person.app):
        return tokens.issue(person.actor, person.id, name, scope, expires_at)[1]


def stored() -> Token:
    return db.session.query(Token).one()


def test_a_token_speaks_for_its_person_within_its_scope(app: Flask, people: People) -> None:
    for scope, may_write in (("read", False), ("write", True)):
        secret = issue(people.owner, scope=scope)
        with app.app_context():
            actor = tokens.recognise(secret)
            assert actor
            assert (actor.user_id, actor.via, actor.may_write) == (people.owner.id, Via.TOKEN, may_write)
            assert dict(actor.teams) == {people.team_id: False}


def test_the_secret_is_not_kept(app: Flask, people: People) -> None:
    secret = issue(people.owner)

    assert secret.startswith("mp_")
    assert len(secret) >= 46, "256 random bits"
    with app.app_context():
        kept = stored()
        assert secret not in (kept.id, kept.name, kept.secret_hash)
        assert len(kept.secret_hash) == 64


def test_names_scopes_and_times_that_will_not_do(app: Flask, people: People) -> None:
    for given, field in [
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"scope": "admin"}, "scope"),
        ({"scope": ""}, "scope"),
        ({"expires_at": now() - timedelta(seconds=1)}, "expires_at"),
    ]:
        with pytest.raises(Invalid) as refused:
            issue(people.owner, **given)  # type: ignore[arg-type]
        assert [name for name, _ in refused.value.fields] == [field]
    with app.app_context():
        assert db.session.query(Token).count() == 0


def test_a_token_ends_with_its_time(app: Flask, people: People) -> None:
    secret = issue(people.owner, expires_at=now() + timedelta(hours=1))
    with in_transaction(app):
        actor = tokens.recognise(secret)
        assert actor
        assert actor.expires_at == stored().expires_at
    with in_transaction(app):
        db.session.execute(update(Token).values(expires_at=now() - timedelta(seconds=1)))
    with app.app_context():
        assert tokens.recognise(secret) is None
        assert stored().is_expired


def test_revoked_is_revoked_at_once(app: Flask, people: People) -> None:
    secret = issue(people.owner)
    with in_transaction(app):
        tokens.revoke(people.owner.actor, people.owner.id, stored().id)
    with app.app_context():
        assert tokens.recognise(secret) is None
        with pytest.raises(NotFound):
            tokens.revoke(people.owner.actor, people.owner.id, "6b3d1a3f-6a56-4800-9d5a-12e9c0a5b5d1")


def test_a_token_is_its_persons_alone(app: Flask, people: People) -> None:
    issue(people.owner)
    with app.app_context():
        token_id = stored().id
        for person in (people.stranger, people.admin):
            assert tokens.list_own(person.actor) == []
            with pytest.raises(NotFound):
                tokens.revoke(person.actor, person.id, token_id)
            with pytest.raises(Denied):
                tokens.revoke(person.actor, people.owner.id, token_id)
            with pytest.raises(Denied):
                tokens.issue(person.actor, people.owner.id, "planted", "write")
        with pytest.raises(Unauthenticated):
            tokens.issue(people.anonymous.actor, None, "planted", "write")
        assert [token.id for token in tokens.list_own(people.owner.actor)] == [token_id]


def test_a_reading_token_makes_no_other(app: Flask, people: People) -> None:
    secret = issue(people.owner, scope="read")
    with app.app_context():
        actor = tokens.recognise(secret)
        assert actor
        with pytest.raises(Denied):
            tokens.issue(actor, actor.user_id, "stronger", "write")


def test_the_last_use_is_noted_once_a_minute(app: Flask, people: People) -> None:
    secret = issue(people.owner)
    with app.app_context():
        assert stored().last_used_at is None
        tokens.recognise(secret)
        first = stored().last_used_at
        assert first
        assert now() - first < timedelta(minutes=1)
        db.session.rollback()
        tokens.recognise(secret)
        db.session.expire_all()
        assert stored().last_used_at == first
    with in_transaction(app):
        db.session.execute(update(Token).values(last_used_at=first - timedelta(minutes=2)))
    with app.app_context():
        tokens.recognise(secret)
        db.session.expire_all()
        noted = stored().last_used_at
        assert noted
        assert noted >= first


def test_many_at_once_with_one_token(make_app: Callable[[], Flask], people: People) -> None:
    """The race for `last_used_at`: everybody is recognised, nobody fails."""
    secret = issue(people.owner)
    apps, start = (make_app(), make_app()), threading.Barrier(16)
    seen: list[str | None] = []

    def use(number: int) -> None:
        with apps[number % 2].app_context():
            start.wait()
            actor = tokens.recognise(secret)
            seen.append(actor and actor.username)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["owner"] * 16


def test_a_revocation_wins_over_a_use_at_the_same_time(app: Flask, people: People) -> None:
    """Noting the use of a token that was just deleted brings nothing back."""
    secret = issue(people.owner)
    with app.app_context():
        token = stored()
        db.session.expunge(token)
        begin_write()
        db.session.query(Token).delete()
        db.session.commit()
        tokens._note_use(token.id)
        assert db.session.query(Token).count() == 0
        assert tokens.recognise(secret) is None
