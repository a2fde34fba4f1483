"""Who sees an entry, changed by the bazaar dialect."""

import uuid

from portal.domain.kinds import Kind
from tests import make
from tests.people import People


def change(person, kind: Kind, entry_id: str, what: str = "access", **body):
    return person.api.post(f"/api/v2/{kind.word}/{entry_id}/{what}", json=body)


def sees(person, kind: Kind, entry_id: str) -> bool:
    return person.api.get(f"/api/v2/{kind.word}/{entry_id}").status_code == 200


def test_the_owner_opens_and_closes_an_entry(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    assert change(people.owner, kind, entry_id, access="protected", team_id=people.team_id).json == {}
    assert sees(people.teammate, kind, entry_id)
    assert not sees(people.stranger, kind, entry_id)
    assert change(people.owner, kind, entry_id, access="public").json == {}
    assert sees(people.stranger, kind, entry_id)
    row = people.owner.api.get(f"/api/v2/{kind.word}/{entry_id}").json
    assert (row["access"], row["team_id"]) == ("public", None)
    assert change(people.owner, kind, entry_id, access="private").json == {}
    assert not sees(people.teammate, kind, entry_id)


def test_the_default_permission_lets_others_write(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind, access="public")
    edit = {f"{kind.word}_info": {"by": "stranger"}}
    assert people.stranger.api.patch(f"/api/{kind.slug}/id/{entry_id}", json=edit).status_code == 403
    assert change(people.owner, kind, entry_id, "default-permission", permission="write").json == {}
    assert people.stranger.api.patch(f"/api/{kind.slug}/id/{entry_id}", json=edit).status_code == 200


def test_only_an_owner_changes_access(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind, access="public", default_permission="write")
    hidden = make.entry(people.owner, "hidden", kind=kind)
    for what, body in (("access", {"access": "public"}), ("default-permission", {"permission": "write"})):
        assert change(people.stranger, kind, entry_id, what, **body).status_code == 403
        assert change(people.stranger, kind, hidden, what, **body).status_code == 404
        assert change(people.anonymous, kind, entry_id, what, **body).status_code == 401
        assert change(people.admin, kind, entry_id, what, **body).status_code == 200


def test_what_will_not_do(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.stranger, kind=kind)
    assert change(people.stranger, kind, entry_id, access="secret").status_code == 422
    assert change(people.stranger, kind, entry_id, access="protected").status_code == 422
    assert change(people.stranger, kind, entry_id, access="protected", team_id=str(uuid.uuid4())).status_code == 404
    assert change(people.stranger, kind, entry_id, access="protected", team_id="x").status_code == 404
    assert change(people.stranger, kind, entry_id, access="protected", team_id=people.team_id).status_code == 403
    assert change(people.stranger, kind, entry_id, "default-permission", permission="owner").status_code == 422
    assert change(people.stranger, kind, entry_id, access=None).status_code == 422
    row = people.stranger.api.get(f"/api/v2/{kind.word}/{entry_id}").json
    assert (row["access"], row["team_id"], row["default_permission"]) == ("private", None, "read")


def test_a_change_of_access_is_a_change(people: People, kind: Kind) -> None:
    made = people.owner.api.post(f"/api/{kind.slug}/", json={f"{kind.word}_name": "One"}).json
    assert made["updated_at"] == made["created_at"]
    times = [made["updated_at"]]
    for what, body in (("access", {"access": "public"}), ("default-permission", {"permission": "write"})):
        assert change(people.owner, kind, made["id"], what, **body).json == {}
        times.append(people.owner.api.get(f"/api/{kind.slug}/id/{made['id']}").json["updated_at"])
    assert times == sorted(set(times))
