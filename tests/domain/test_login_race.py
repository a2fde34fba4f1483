"""A password that changes while a log-in with the old one is on its way."""

import pytest

from portal.domain import passwords, sessions, users
from portal.errors import Unauthenticated
from portal.extensions import db
from portal.security.actor import Via
from tests.people import PASSWORD, People


def test_a_log_in_that_a_password_change_overtakes_is_refused(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, verify = people.owner, passwords.verify

    def change_first(password: str, hashed: str | None) -> bool:
        monkeypatch.setattr(passwords, "verify", verify)
        verified = verify(password, hashed)
        users.change_password(owner.actor, owner.id, PASSWORD, "another good password", limit="9 per minute")
        db.session.commit()
        return verified

    monkeypatch.setattr(passwords, "verify", change_first)
    with owner.app.app_context(), pytest.raises(Unauthenticated):
        sessions.log_in(
            people.anonymous.actor,
            "owner@example.org",
            PASSWORD,
            via=Via.LOGIN,
            address="127.0.0.1",
            limit="9 per minute",
        )
