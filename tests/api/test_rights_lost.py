"""A right taken away over the API is gone in the very next call, also in the middle of an upload."""

import io
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from portal.api.bodies import AT_ONCE
from portal.domain import passwords
from portal.domain.kinds import Kind
from tests import make
from tests.api.sending import Sending
from tests.people import PASSWORD, People, Person

DATA = bytes(range(256)) * 40


def ok(answer: Any) -> None:
    assert (answer.status_code, answer.json) == (200, {})


def dismiss(people: People, kind: Kind, entry_id: str) -> None:
    ok(people.team_admin.api.delete(f"/api/v2/team/{people.team_id}/users/{people.teammate.id}"))


def remove_team(people: People, kind: Kind, entry_id: str) -> None:
    ok(people.admin.api.delete(f"/api/v2/team/{people.team_id}"))


def make_private(people: People, kind: Kind, entry_id: str) -> None:
    ok(people.owner.api.post(f"/api/v2/{kind.word}/{entry_id}/access", json={"access": "private"}))


def let_read_alone(people: People, kind: Kind, entry_id: str) -> None:
    ok(people.owner.api.post(f"/api/v2/{kind.word}/{entry_id}/default-permission", json={"permission": "read"}))


def share_with_another_team(people: People, kind: Kind, entry_id: str) -> None:
    team_id = people.admin.api.post("/api/v2/team/create", json={"name": "Oat lab"}).json["team_id"]
    body = {"access": "protected", "team_id": team_id}
    ok(people.admin.api.post(f"/api/v2/{kind.word}/{entry_id}/access", json=body))


def delete_person(people: People, kind: Kind, entry_id: str) -> None:
    ok(people.admin.api.delete(f"/api/v2/user/{people.teammate.id}"))


LOSSES = [dismiss, remove_team, make_private, let_read_alone, share_with_another_team, delete_person]
Loss = Callable[[People, Kind, str], None]


def sending(person: Person, kind: Kind, entry_id: str) -> Sending:
    given = {f"{kind.word}_name": None, f"{kind.word}_id": entry_id}
    return Sending(person, DATA, 4096, word=kind.word, **given)


@pytest.mark.parametrize("lose", LOSSES)
def test_demoted_in_the_middle_of_an_upload(people: People, kind: Kind, lose: Loss) -> None:
    """The next call is refused, whatever it is, and nothing becomes visible."""
    shared = {"access": "protected", "team_id": people.team_id, "default_permission": "write"}
    entry_id = make.entry(people.owner, kind=kind, **shared)
    make.version(people.owner, entry_id, b"the first")
    half, whole = (sending(people.teammate, kind, entry_id) for _ in range(2))
    assert half.put(0).status_code == 200
    whole.put_all()
    lose(people, kind, entry_id)
    refused = 401 if lose is delete_person else 403
    for begun in (half, whole):
        for answer in (begun.put(1), begun.commit(), begun.ask("GET"), begun.abort()):
            assert answer.status_code == refused
    again = people.teammate.api.post(f"/api/v2/{kind.word}/upload", json={f"{kind.word}_id": entry_id})
    assert again.status_code == {delete_person: 401, let_read_alone: 403}.get(lose, 404)
    row = people.owner.api.get(f"/api/v2/{kind.word}/{entry_id}").json
    assert (row["version"], row["sha256"]) == (1, make.sha256(b"the first"))
    assert people.owner.api.get(f"/api/v2/{kind.word}/{entry_id}/download").data == b"the first"


def test_who_is_let_in_again_goes_on_where_they_were(people: People, kind: Kind) -> None:
    shared = {"access": "protected", "team_id": people.team_id, "default_permission": "write"}
    entry_id = make.entry(people.owner, kind=kind, **shared)
    begun = sending(people.teammate, kind, entry_id)
    assert begun.put(0).status_code == 200
    dismiss(people, kind, entry_id)
    assert begun.put(1).status_code == 403
    ok(people.team_admin.api.post(f"/api/v2/team/{people.team_id}/users/{people.teammate.id}"))
    assert begun.progress()["received"] == [[0, 0]]
    begun.put_all(0)
    assert begun.commit().json["version"] == 1


def test_an_administrator_who_is_none_any_more_uploads_nothing_to_others(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    ok(people.admin.api.post(f"/api/v2/user/{people.stranger.id}/admin"))
    begun = sending(people.stranger, kind, entry_id).put_all()
    ok(people.admin.api.delete(f"/api/v2/user/{people.stranger.id}/admin"))
    assert begun.commit().status_code == 403
    assert people.stranger.api.get(f"/api/v2/{kind.word}/{entry_id}").status_code == 404
    assert people.owner.api.get(f"/api/v2/{kind.word}/{entry_id}").json["version"] is None


def test_a_handed_over_entry_takes_no_more_from_who_had_it(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    begun = sending(people.owner, kind, entry_id).put_all()
    ok(people.owner.api.post(f"/api/v2/{kind.word}/{entry_id}/owner", json={"user_id": people.stranger.id}))
    assert begun.commit().status_code == 403
    assert people.stranger.api.get(f"/api/v2/{kind.word}/{entry_id}").json["version"] is None


def test_a_revoked_token_stops_at_once(people: People, kind: Kind) -> None:
    """What was begun with it is its person's, and goes on with the upload's own token."""
    made = people.owner.api.post("/api/v2/user/tokens", json={"name": "nightly", "scope": "write"}).json
    program = Person(people.owner.app, "program", people.owner.id)
    program.__dict__["headers"] = {"Authorization": f"Bearer {made['token']}"}
    begun = Sending(program, DATA, 4096, word=kind.word)
    paths = ["/api/v2/user/info", f"/api/v2/{kind.word}/{begun.entry_id}", f"/api/{kind.slug}/all", f"/{kind.slug}"]
    assert [program.api.get(path).status_code for path in paths] == [200] * 4
    ok(people.owner.api.delete(f"/api/v2/user/tokens/{made['token_id']}"))
    assert [program.api.get(path).status_code for path in paths] == [401] * 4
    assert program.api.post(f"{begun.path}/token", json={"upload_id": begun.id}).status_code == 401
    assert program.api.delete(f"{begun.path}?upload_id={begun.id}").status_code == 401
    assert begun.put_all().commit().status_code == 200


def test_who_looked_after_a_team_and_does_no_more(people: People) -> None:
    path = f"/api/v2/team/{people.team_id}"
    ok(people.admin.api.delete(f"{path}/admins/{people.team_admin.id}"))
    assert people.team_admin.api.get(f"{path}/users").status_code == 403
    assert people.team_admin.api.post(f"{path}/users/{people.reader.id}").status_code == 403
    ok(people.admin.api.delete(f"{path}/users/{people.team_admin.id}"))
    assert people.team_admin.api.get(f"{path}/users").status_code == 404


class Arriving(io.RawIOBase):
    """A body in the middle of which something happens: before it is read for the `nth` time."""

    def __init__(self, body: bytes, happens: Callable[[], Any], nth: int = 1) -> None:
        self.length, self._bytes, self._happens, self._left = len(body), io.BytesIO(body), happens, nth

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._bytes.tell()

    def seek(self, place: int, whence: int = 0) -> int:
        return self._bytes.seek(place, whence)

    def readinto(self, buffer: Any) -> int:
        self._left -= 1
        if not self._left:
            time.sleep(2 * AT_ONCE)
            thread = threading.Thread(target=self._happens)
            thread.start()
            thread.join()
        return self._bytes.readinto(buffer)


def test_lost_while_the_body_arrives(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind, access="protected", team_id=people.team_id)
    body = Arriving(b'{"access": "public"}', lambda: dismiss_from_team(people, people.team_admin))
    path = f"/api/v2/{kind.word}/{entry_id}/access"
    sent = {"content_type": "application/json", "input_stream": body, "content_length": body.length}

    assert people.team_admin.api.post(path, **sent).status_code == 404
    assert people.stranger.api.get(f"/api/{kind.slug}/id/{entry_id}").status_code == 404


def test_lost_while_lines_arrive(people: People, kind: Kind) -> None:
    shared = {"access": "protected", "team_id": people.team_id, "default_permission": "write"}
    entry_id = make.entry(people.owner, kind=kind, **shared)
    line = {f"{kind.word}_data": {}, "site_name": "A"}
    times = (f"2026-01-01T00:00:00.{number:06d}Z" for number in range(12_000))
    lines = "".join(json.dumps(line | {"timestamp": time}) + "\n" for time in times).encode()
    body = Arriving(lines, lambda: dismiss_from_team(people, people.teammate), nth=4)
    sent = {"content_type": "application/x-ndjson", "input_stream": body, "content_length": body.length}

    answer = people.teammate.api.post(f"/api/{kind.slug}/id/{entry_id}/records", **sent)

    assert answer.status_code == 404
    assert 0 < answer.json["inserted"] < 12_000


def test_lost_while_a_form_arrives(people: People) -> None:
    """Also of a program that fills in the form of a page, with its token."""
    form = b"username=noor&email=noor%40example.org&password=a+long+password+1"
    demote = lambda: people.admin.api.delete(f"/api/v2/user/{people.admin.id}/admin")  # noqa: E731
    ok(people.admin.api.post(f"/api/v2/user/{people.owner.id}/admin"))
    body = Arriving(form, demote)
    kind = "application/x-www-form-urlencoded"

    answer = people.admin.api.post("/admin/users/new", content_type=kind, input_stream=body, content_length=body.length)

    assert answer.status_code == 403
    assert "noor" not in [row["username"] for row in people.owner.api.get("/api/v2/user/list").json]


def dismiss_from_team(people: People, person: Person) -> None:
    ok(people.admin.api.delete(f"/api/v2/team/{people.team_id}/users/{person.id}"))


@pytest.mark.parametrize("page", ["/account", "/account/password", "/api/v2/user/password"])
def test_deleted_while_the_password_is_looked_at(people: People, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    verify = passwords.verify

    def slowly(*given: Any) -> bool:
        thread = threading.Thread(target=lambda: people.admin.api.delete(f"/api/v2/user/{people.reader.id}"))
        thread.start()
        thread.join()
        return verify(*given)

    people.reader.headers  # noqa: B018 - logs in beforehand
    monkeypatch.setattr(passwords, "verify", slowly)
    given = {"current": PASSWORD, "new": "another horse, correctly stapled"}
    named = {"current": PASSWORD, "username": "noor", "email": "noor@example.org"}
    sent = {"/account": {"data": named}, "/account/password": {"data": given}}

    assert people.reader.api.post(page, **sent.get(page, {"json": given})).status_code == 401
    assert people.reader.api.get("/api/v2/user/info").status_code == 401
