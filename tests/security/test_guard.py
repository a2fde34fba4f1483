"""A verb's declaration is enforced before its body, and a refusal tells no more than the caller may know."""

from types import SimpleNamespace

import pytest

from portal.errors import Denied, NotFound, PortalError, Unauthenticated
from portal.security.actor import Actor, Via, nobody
from portal.security.guard import READ_ONLY, allows, enforce
from portal.security.policy import OnEntry, Portal

KNOWN = Actor(user_id="somebody", may_write=True, via=Via.SESSION)
READING = Actor(user_id="owner", may_write=False, via=Via.TOKEN)
PRIVATE = SimpleNamespace(owner_id="owner", access="private", team_id=None, default_permission="read")
PUBLIC = SimpleNamespace(owner_id="owner", access="public", team_id=None, default_permission="read")


@pytest.mark.parametrize(
    ("actor", "thing", "error"),
    [
        (nobody(may_read_public=True), PRIVATE, NotFound),
        (nobody(may_read_public=True), PUBLIC, Unauthenticated),
        (nobody(may_read_public=False), PUBLIC, NotFound),
        (KNOWN, PRIVATE, NotFound),
        (KNOWN, PUBLIC, Denied),
        (READING, PRIVATE, Denied),
    ],
)
def test_a_refusal_tells_no_more_than_the_caller_may_know(
    actor: Actor, thing: SimpleNamespace, error: type[PortalError]
) -> None:
    with pytest.raises(error):
        enforce(actor, OnEntry.WRITE, thing)


def test_who_may_only_read_is_told_why() -> None:
    with pytest.raises(Denied, match=READ_ONLY):
        enforce(READING, OnEntry.WRITE, PRIVATE)


def test_the_body_does_not_run_for_whom_the_verb_is_not() -> None:
    ran = []

    @allows(OnEntry.OWN)
    def remove(actor: Actor, entry: SimpleNamespace) -> None:
        ran.append(actor)

    with pytest.raises(Denied):
        remove(KNOWN, PUBLIC)
    assert not ran
    owner = Actor(user_id="owner", may_write=True)
    remove(owner, PUBLIC)
    assert ran == [owner]


def test_a_verb_about_nothing_asks_for_a_caller() -> None:
    @allows(Portal.USE)
    def greet(actor: Actor) -> str:
        return "good morning"

    with pytest.raises(Unauthenticated):
        greet(nobody(may_read_public=True))
    assert greet(READING) == "good morning"
