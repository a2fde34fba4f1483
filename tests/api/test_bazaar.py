"""Entries in the bazaar dialect: list, info, permissions, delete. Always needs a caller."""

import uuid

from portal.domain import entries
from portal.domain.kinds import Kind
from tests import make
from tests.people import People, in_transaction

NOTHING = {"read": False, "write": False, "owner": False}


def url(kind: Kind, rest: str) -> str:
    return f"/api/v2/{kind.word}/{rest}"


def test_info_is_the_seeds_object_and_a_little_more(people: People, kind: Kind) -> None:
    base = make.entry(people.owner, "base", kind=kind, access="public", type="bert")
    with in_transaction(people.owner.app):
        fields = {"name": "built", "type": "ndb", "attributes": {"crop": "barley"}}
        built = entries.register(people.owner.actor, kind, fields, depends_on=[base]).id
    row = people.owner.api.get(url(kind, built)).json
    assert row == {
        f"{kind.word}_id": built,
        f"{kind.word}_name": "built",
        "type": "ndb",
        "access": "private",
        "default_permission": "read",
        "train_status": "not_started",
        "deploy_status": "not_started",
        "publish_date": row["publish_date"],
        "user_email": "owner@example.org",
        "username": "owner",
        "team_id": None,
        "attributes": {"crop": "barley"},
        "dependencies": [
            {f"{kind.word}_id": base, f"{kind.word}_name": "base", "type": "bert", "username": "owner"},
        ],
        "size": None,
        "sha256": None,
        "version": None,
    }
    assert people.owner.api.get(url(kind, "list")).json == [people.owner.api.get(url(kind, base)).json, row]


def test_a_version_shows_in_info(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    make.version(people.owner, entry_id, b"one")
    make.version(people.owner, entry_id, b"second")
    row = people.owner.api.get(url(kind, entry_id)).json
    assert (row["version"], row["size"], row["sha256"]) == (2, 6, make.sha256(b"second"))
    assert row["train_status"] == "complete"


def test_dependencies_that_may_not_be_seen_are_left_out(people: People, kind: Kind) -> None:
    secret = make.entry(people.owner, "secret base", kind=kind)
    with in_transaction(people.owner.app):
        public = entries.register(people.owner.actor, kind, {"name": "built"}, depends_on=[secret])
        public.access = "public"
        public_id = public.id
    assert len(people.owner.api.get(url(kind, public_id)).json["dependencies"]) == 1
    assert people.stranger.api.get(url(kind, public_id)).json["dependencies"] == []


def test_list_is_what_the_caller_may_read(people: People, kind: Kind) -> None:
    private = make.entry(people.owner, "private", kind=kind)
    shared = make.entry(people.owner, "shared", kind=kind, access="protected", team_id=people.team_id)
    public = make.entry(people.owner, "public", kind=kind, access="public")

    def seen(person):
        return [row[f"{kind.word}_id"] for row in person.api.get(url(kind, "list")).json]

    assert seen(people.owner) == seen(people.admin) == [private, shared, public]
    assert seen(people.teammate) == [shared, public]
    assert seen(people.stranger) == [public]
    assert people.anonymous.api.get(url(kind, "list")).status_code == 401


def test_permissions_of_every_person(people: People, kind: Kind) -> None:
    team = {"access": "protected", "team_id": people.team_id}
    states = {
        "private": make.entry(people.owner, "a", kind=kind),
        "team read": make.entry(people.owner, "b", kind=kind, **team),
        "team write": make.entry(people.owner, "c", kind=kind, default_permission="write", **team),
        "public read": make.entry(people.owner, "d", kind=kind, access="public"),
        "public write": make.entry(people.owner, "e", kind=kind, access="public", default_permission="write"),
    }
    expected = {
        "owner": ["rwo", "rwo", "rwo", "rwo", "rwo"],
        "admin": ["rwo", "rwo", "rwo", "rwo", "rwo"],
        "team_admin": ["", "rwo", "rwo", "r", "rw"],
        "teammate": ["", "r", "rw", "r", "rw"],
        "stranger": ["", "", "", "r", "rw"],
    }
    for name, levels in expected.items():
        for (state, entry_id), letters in zip(states.items(), levels, strict=True):
            answer = getattr(people, name).api.get(url(kind, f"{entry_id}/permissions")).json
            held = "".join(word[0] for word in ("read", "write", "owner") if answer[word])
            assert held == letters, (name, state)
            assert answer["username"] == name


def test_permissions_tell_nothing_of_what_is_hidden(people: People, kind: Kind) -> None:
    hidden = people.stranger.api.get(url(kind, f"{make.entry(people.owner, kind=kind)}/permissions"))
    missing = people.stranger.api.get(url(kind, f"{uuid.uuid4()}/permissions"))
    assert hidden.status_code == missing.status_code == 200
    assert hidden.json == missing.json
    assert hidden.json | NOTHING == hidden.json
    assert people.stranger.api.get(url(kind, "nonsense/permissions")).status_code == 404


def test_a_read_token_holds_read_alone_and_says_when_it_ends(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    body = {"name": "notebook", "scope": "read", "expires_at": "2999-01-01T00:00:00Z"}
    secret = people.owner.api.post("/api/v2/user/tokens", json=body).json["token"]
    answer = people.anonymous.api.get(url(kind, f"{entry_id}/permissions"), headers={"X-API-KEY": secret}).json
    assert answer == {**NOTHING, "read": True, "username": "owner", "exp": "2999-01-01T00:00:00.000000Z"}


def test_only_an_owner_deletes(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind, access="public", default_permission="write")
    assert people.anonymous.api.delete(url(kind, entry_id)).status_code == 401
    assert people.stranger.api.delete(url(kind, entry_id)).status_code == 403
    assert people.owner.api.get(url(kind, entry_id)).status_code == 200
    assert people.owner.api.delete(url(kind, entry_id)).json == {}
    assert people.owner.api.get(url(kind, entry_id)).status_code == 404
    assert people.owner.api.delete(url(kind, entry_id)).status_code == 404


def test_what_others_depend_on_cannot_be_deleted(people: People, kind: Kind) -> None:
    base = make.entry(people.owner, "base", kind=kind)
    with in_transaction(people.owner.app):
        built = entries.register(people.owner.actor, kind, {"name": "built"}, depends_on=[base]).id
    refused = people.owner.api.delete(url(kind, base))
    assert refused.status_code == 422
    assert "1 other" in refused.json["detail"]
    assert people.owner.api.delete(url(kind, built)).json == {}
    assert people.owner.api.delete(url(kind, base)).json == {}
