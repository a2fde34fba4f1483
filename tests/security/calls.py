"""What each route of `expectations.py` is sent, and how a person sends it."""

import base64
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from portal.database import new_id
from portal.domain import apps, entries, record_links, records, runs, sharing, teams, tokens
from portal.domain.circumstances import Names
from portal.domain.kinds import MODEL, Kind
from portal.domain.records import NewRecord
from portal.domain.teams import Membership
from portal.extensions import db
from portal.uploads.record_file import add_with_file
from tests import make
from tests.apps import Model
from tests.people import PASSWORD, People, Person, in_transaction, make_team, make_user
from tests.security.expectations import Line


@dataclass
class Things:
    """The owner's things that requests are about, in one state; what a request uses up is made anew for each."""

    app: Flask
    people: People
    kind: Kind
    state: str
    name: str = ""
    entry_id: str = ""
    upload_id: str = ""
    token_id: str = ""
    record_id: str = field(default_factory=new_id)
    dataset_id: str = field(default_factory=new_id)
    season_id: str = field(default_factory=new_id)
    file_token: str = ""
    team_id: str = field(default_factory=new_id)
    team_name: str = ""
    member_id: str = field(default_factory=new_id)
    member_name: str = ""
    has_app: bool = False
    app_id: str = field(default_factory=new_id)
    model_id: str = field(default_factory=new_id)
    version_id: str = field(default_factory=new_id)
    begun: Any = None

    @property
    def ids(self) -> tuple[str, ...]:
        """Of what nobody may know of who may not read the entry."""
        return self.entry_id, self.record_id, self.dataset_id, self.season_id

    def make_entry(self) -> None:
        access, _, permission = self.state.partition("-")
        self.name = f"{self.state} {new_id()}"
        self.entry_id = make.entry(
            self.people.owner,
            self.name,
            kind=self.kind,
            access=access,
            team_id=self.people.team_id if access == "protected" else None,
            default_permission=permission or "read",
            experiment="Barley 2026",
        )
        self.make_record(DOT)
        with in_transaction(self.app):
            owner = self.people.owner.actor
            runs.add(owner, entries.get(owner, self.kind, self.entry_id))

    def make_record(self, file: bytes | None = None) -> None:
        with in_transaction(self.app):
            owner = self.people.owner.actor
            entry = entries.get(owner, self.kind, self.entry_id)
            new = NewRecord({"yield": 48.9}, names=Names("Barley 2026", f"season of {self.entry_id}", "Waseca"))
            if file is None:
                made = records.add(owner, entry, new)
            else:
                made = add_with_file(owner, entry, "dot.png", [file], lambda: replace(new, file_name="dot.png"))
                self.file_token = record_links.token_for(made)
            self.record_id = made.id
            dataset, _, season, _ = records.facts(self.record_id)
            assert season
            self.dataset_id, self.season_id = dataset.id, season.id

    def make_upload(self) -> None:
        given = {f"{self.kind.word}_name": None, f"{self.kind.word}_id": self.entry_id}
        self.upload_id = make.begin(self.people.owner, b"", word=self.kind.word, **given)["upload_id"]

    def make_token(self) -> None:
        with in_transaction(self.app):
            owner = self.people.owner.actor
            self.token_id = tokens.issue(owner, owner.user_id, "nightly", "write")[0].id

    def make_team(self) -> None:
        """With the people of the other one, and one member more, whom requests may be about."""
        self.team_name, self.member_name = f"Team {new_id()}", f"member-{new_id()[:8]}"
        with in_transaction(self.app):
            members = {self.people.owner: False, self.people.teammate: False, self.people.team_admin: True}
            self.member_id = make_user(self.member_name)
            self.team_id = make_team(self.team_name, {each.id: role for each, role in members.items()})
            db.session.add(Membership(team_id=self.team_id, user_id=self.member_id))

    def make_app(self) -> None:
        """In a team of its own; in it a model of the owner, which the team may write, with a version."""
        self.make_team()
        self.has_app = True
        with in_transaction(self.app):
            owner = self.people.owner.actor
            place = apps.create(owner, teams.get(owner, self.team_id), "Field")
            model = apps.register(owner, place, MODEL, {"name": "yield-net"})
            model.default_permission, self.app_id, self.model_id = "write", place.id, model.id
        make.version(self.people.owner, self.model_id)
        with self.app.app_context():
            self.version_id = make.stored_version(self.model_id).id

    def begin_version(self, *, send: bool) -> None:
        """A version of the app's model that the owner begins, and whose bytes are sent."""
        model = Model(self.people.owner, self.model_id, self.app_id, self.team_id)
        self.begun = model.begin()
        self.version_id = self.upload_id = self.begun["model_version_id"]
        if send:
            assert model.put(self.begun).status_code == 200

    def for_line(self, line: Line) -> "Things":
        """These, but with a fresh one of what the request uses up."""
        if line.about == "app" and not self.has_app:
            self.make_app()
        things = replace(self)
        if line.about == "upload":
            things.make_upload()
        elif line.about == "token":
            things.make_token()
        elif line.about == "person":
            things.make_team()
        elif line.about == "team":
            (things.make_app if "<app>" in line.route or "<id:app_id>" in line.route else things.make_team)()
        elif line.about == "app" and line.method in ("PUT", "PATCH"):
            things.begin_version(send=line.method == "PATCH")
        elif str(line) in USES_UP_THE_ENTRY:
            things.make_entry()
        elif str(line) in USES_UP_THE_RECORD:
            things.make_record()
        return things

    def path(self, line: Line) -> str:
        values = {
            "kind:kind": self.kind.slug,
            "word:kind": self.kind.word,
            "id:entry_id": self.entry_id,
            "id:upload_id": self.upload_id,
            "id:token_id": self.token_id,
            "id:record_id": self.record_id,
            "token": self.file_token,
            "id:dataset_id": self.dataset_id,
            "circumstance:word": "seasons",
            "extension": "csv",
            "id:named_id": self.season_id,
            "id:team_id": self.team_id,
            "id:user_id": self.member_id,
            "org": self.team_id,
            "app": self.app_id,
            "id:app_id": self.app_id,
            "model": self.model_id,
            "id:version_id": self.version_id,
            "number:number": "1",
            "idx": "0",
            "path:filename": "mark.svg",
        }
        return re.sub(r"<([^>]+)>", lambda parameter: values[parameter[1]], line.route)


DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
USES_UP_THE_ENTRY = {
    "POST /<kind:kind>/<id:entry_id>/delete",
    "DELETE /api/<kind:kind>/id/<id:entry_id>",
    "POST /<kind:kind>/<id:entry_id>/access",
    "DELETE /api/v2/<word:kind>/<id:entry_id>",
    "POST /api/v2/<word:kind>/<id:entry_id>/access",
    "POST /api/v2/<word:kind>/<id:entry_id>/default-permission",
    "POST /api/v2/<word:kind>/<id:entry_id>/owner",
}

USES_UP_THE_RECORD = {
    "POST /records/<id:record_id>/delete",
    "DELETE /api/<kind:kind>/records/id/<id:record_id>",
}

VERSIONS = "/api/v2/organizations/<org>/apps/<app>/models/<model>/model_versions"
Sent = Callable[[Things, Person], dict[str, Any]]
SENT: dict[str, Sent] = {
    "POST /theme": lambda t, p: {"data": {"theme": "dark"}},
    "POST /login": lambda t, p: {"data": {"email": "stranger@example.org", "password": PASSWORD}},
    "POST /signup": lambda t, p: {"data": newcomer()},
    "POST /account": lambda t, p: {"data": {"username": p.name, "email": f"{p.name}@example.org", "current": PASSWORD}},
    "POST /account/password": lambda t, p: {"data": {"current": PASSWORD, "new": PASSWORD}},
    "POST /account/tokens": lambda t, p: {"data": {"name": "laptop", "scope": "write", "expires_in": "30"}},
    "POST /<kind:kind>/new": lambda t, p: {"data": {"name": new_id()}},
    "POST /<kind:kind>/<id:entry_id>/edit": lambda t, p: {
        "data": {"name": t.name, "description": p.name, "experiments": "Barley 2026"}
    },
    "POST /<kind:kind>/<id:entry_id>/delete": lambda t, p: {"data": {"name": t.name}},
    "POST /<kind:kind>/<id:entry_id>/runs": lambda t, p: {"data": {"info": "{}"}},
    "POST /<kind:kind>/<id:entry_id>/records/new": lambda t, p: {"data": {"data": "{}", "site_name": "Waseca"}},
    "POST /<kind:kind>/<id:entry_id>/records/import": lambda t, p: {"data": {"step": "load", "file": plots(t.kind)}},
    "POST /<kind:kind>/<id:entry_id>/access": lambda t, p: {"data": private_for(t)},
    "POST /admin/users/new": lambda t, p: {"data": newcomer()},
    "POST /admin/users/<id:user_id>/delete": lambda t, p: {"data": {"name": t.member_name}},
    "POST /teams/new": lambda t, p: {"data": {"name": new_id(), "with_me": "y"}},
    "POST /teams/<id:team_id>/members": lambda t, p: {"data": {"person": "stranger"}},
    "POST /teams/<id:team_id>/edit": lambda t, p: {"data": {"name": new_id()}},
    "POST /teams/<id:team_id>/apps/new": lambda t, p: {"data": {"name": new_id()}},
    "POST /teams/<id:team_id>/apps/<id:app_id>/new": lambda t, p: {"data": {"name": new_id()}},
    "POST /teams/<id:team_id>/apps/<id:app_id>/edit": lambda t, p: {"data": {"name": new_id()}},
    "POST /<kind:kind>/<id:entry_id>/environments": lambda t, p: {"data": {"environment": "dev", "version": "1"}},
    "POST /teams/<id:team_id>/delete": lambda t, p: {"data": {"name": t.team_name}},
    "POST /records/<id:record_id>/edit": lambda t, p: {"data": {"data": "{}", "info": "{}"}},
    "GET /uploads/new": lambda t, p: {"query_string": {"kind": t.kind.slug, "entry": t.entry_id}},
    "POST /uploads/new": lambda t, p: {
        "query_string": {"kind": t.kind.slug, "entry": t.entry_id},
        "data": {"file": (io.BytesIO(b"bytes"), "weights.bin")},
    },
    "GET /api/<kind:kind>": lambda t, p: {"query_string": {f"{t.kind.word}_name": t.name}},
    "POST /api/<kind:kind>": lambda t, p: {"json": {f"{t.kind.word}_name": new_id()}},
    "PATCH /api/<kind:kind>/id/<id:entry_id>": lambda t, p: {"json": {f"{t.kind.word}_info": {"by": p.name}}},
    "POST /api/<kind:kind>/id/<id:entry_id>/runs": lambda t, p: {"json": {f"{t.kind.word}_run_info": {"by": p.name}}},
    "POST /api/<kind:kind>/id/<id:entry_id>/datasets": lambda t, p: {"json": {"dataset_name": new_id()}},
    "POST /api/<kind:kind>/id/<id:entry_id>/records": lambda t, p: {
        "json": {f"{t.kind.word}_data": {"by": p.name}, "site_name": "Waseca"}
    },
    "PATCH /api/<kind:kind>/records/id/<id:record_id>": lambda t, p: {"json": {"record_info": {"by": p.name}}},
    "POST /api/v2/<word:kind>/<id:entry_id>/access": lambda t, p: {"json": {"access": "public"}},
    "POST /api/v2/<word:kind>/<id:entry_id>/default-permission": lambda t, p: {"json": {"permission": "read"}},
    "POST /api/v2/<word:kind>/<id:entry_id>/owner": lambda t, p: {"json": {"user_id": t.people.reader.id}},
    "POST /api/v2/team/create": lambda t, p: {"json": {"name": new_id()}},
    "POST /api/v2/user/create": lambda t, p: {"json": newcomer()},
    "POST /api/v2/<word:kind>/upload": lambda t, p: {"json": {f"{t.kind.word}_id": t.entry_id}},
    "GET /api/v2/<word:kind>/upload": lambda t, p: {"query_string": {"upload_id": t.upload_id}},
    "DELETE /api/v2/<word:kind>/upload": lambda t, p: {"query_string": {"upload_id": t.upload_id}},
    "POST /api/v2/<word:kind>/upload/token": lambda t, p: {"json": {"upload_id": t.upload_id}},
    "POST /api/v2/<word:kind>/upload/<idx>": lambda t, p: {"data": b"bytes"},
    "POST /api/v2/<word:kind>/upload/<idx>/url": lambda t, p: {"json": {"sha256": "0" * 64}},
    "POST /api/v2/organizations/<org>/apps": lambda t, p: {"json": {"name": new_id()}},
    "POST /api/v2/organizations/<org>/apps/<app>/models": lambda t, p: {"json": {"name": new_id()}},
    f"POST {VERSIONS}": lambda t, p: {"json": {"filename": "yield-net.zip"}},
    f"PATCH {VERSIONS}/<id:version_id>": lambda t, p: {"json": {"filepath": t.begun and t.begun["filepath"]}},
    "POST /api/v2/organizations/<org>/apps/<app>/models/<model>/deploy": lambda t, p: {"json": {"version": 1}},
    "PUT /api/v2/presigned/<id:upload_id>": lambda t, p: {
        "query_string": t.begun and t.begun["presigned_url"].partition("?")[2],
        "data": b"bytes",
    },
    "POST /api/v2/user/signup": lambda t, p: {"json": newcomer()},
    "POST /api/v2/user/password": lambda t, p: {"json": {"current": PASSWORD, "new": PASSWORD}},
    "POST /api/v2/user/tokens": lambda t, p: {"json": {"name": "laptop", "scope": "write"}},
}


def private_for(things: Things) -> dict[str, str]:
    """The form that makes the entry private, after a look at what that does."""
    with things.app.app_context():
        owner = things.people.owner.actor
        entry = entries.get(owner, things.kind, things.entry_id)
        said = sharing.preview(owner, entry, sharing.terms_of(entry)._replace(access="private"))
    looked = {"seen": said.seen, "chosen": repr(said.after), "confirm": "y"}
    return {"access": "private", "permission": said.after.default_permission, **looked}


def plots(kind: Kind) -> tuple[io.BytesIO, str]:
    """A file of one record, another each time."""
    line = {"site_name": "Waseca", "season_name": new_id(), f"{kind.word}_data": {"yield": 48.9}}
    return io.BytesIO(json.dumps(line).encode()), "plots.ndjson"


def newcomer() -> dict[str, str]:
    name = f"newcomer-{new_id()[:8]}"
    return {"username": name, "email": f"{name}@example.org", "password": PASSWORD}


def request_of(line: Line, things: Things, person: Person) -> dict[str, Any]:
    """What `person` sends, as keywords of a test client's `open`; carries no credential."""
    sent = SENT.get(str(line), lambda t, p: {})(things, person)
    return {"method": line.method, "path": things.path(line), "buffered": True, **sent}


def by_cookie(person: Person, request: dict[str, Any]) -> TestResponse:
    """From their browser, with the CSRF token where something changes."""
    headers = {} if request["method"] == "GET" else {"X-CSRFToken": person.csrf_token}
    return person.client.open(**request, headers=headers)


def by_token(person: Person, request: dict[str, Any]) -> TestResponse:
    """From their program, with the access token of a log-in."""
    return person.app.test_client(use_cookies=False).open(**request, headers=person.headers)


def outcome(answer: TestResponse) -> str:
    """The word that stands in the table."""
    is_login = answer.status_code == 302 and answer.headers["Location"].startswith("/login")
    return "login" if is_login else str(answer.status_code)
