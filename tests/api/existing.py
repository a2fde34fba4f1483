"""Things that exist, made when a random request could name them."""

from collections.abc import Callable
from typing import Any

from portal.database import new_id
from portal.domain.kinds import Kind
from tests import make
from tests.people import PASSWORD, People, in_transaction, make_user
from tests.security.calls import Things

GOOD = {
    "access": "public",
    "permission": "read",
    "scope": "read",
    "password": PASSWORD,
    "current": PASSWORD,
    "new": PASSWORD,
    "environment": "dev",
    "version": 1,
    "order_by": "version",
    "idx": "0",
}
"""Values that are taken wherever they are asked for."""


class Existing:
    """By the names of parameters and fields: what the owner has, and may still be deleted. Each is made once."""

    def __init__(self, people: People, kind: Kind) -> None:
        self.people, self.kind = people, kind
        self.things = Things(people.owner.app, people, kind, "public-write")
        self._made: dict[str, Any] = {}
        word = kind.word
        self._makers: dict[str, Callable[[], dict[str, Any]]] = {
            **dict.fromkeys((f"{word}_id", f"{word}_name", "record_id"), self._entry),
            **dict.fromkeys(("org", "app", "model", "version_id", "filepath"), self._app),
            **dict.fromkeys(("username", "email"), self._newcomer),
            "team_id": self._team,
            "user_id": self._user,
            "upload_id": self._upload,
            "token_id": self._token,
            "name": lambda: {"name": f"name {new_id()}"},
        }

    def aim(self, case: Any) -> None:
        """Lets a request name them, wherever it names something."""
        for place in (case.path_parameters, case.query, case.body):
            if isinstance(place, dict):
                place.update({name: self._value(name) for name in place if name in GOOD or name in self._makers})

    def forget(self) -> None:
        """They have been used up."""
        self._made.clear()

    def _value(self, name: str) -> Any:
        if name in GOOD:
            return GOOD[name]
        if name not in self._made:
            self._made |= self._makers[name]()
        return self._made.pop(name) if name in ("name", "username", "email") else self._made[name]

    def _entry(self) -> dict[str, Any]:
        self.things.make_entry()
        make.version(self.people.owner, self.things.entry_id)
        word = self.kind.word
        named = {f"{word}_id": self.things.entry_id, f"{word}_name": self.things.name}
        return {**named, "record_id": self.things.record_id}

    def _team(self) -> dict[str, Any]:
        admin, owner = self.people.admin, self.people.owner
        team_id = admin.api.post("/api/v2/team/create", json={"name": f"team {new_id()}"}).json["team_id"]
        assert admin.api.post(f"/api/v2/team/{team_id}/admins/{owner.id}").status_code == 200
        return {"team_id": team_id}

    def _app(self) -> dict[str, Any]:
        owner, team_id = self.people.owner, self.people.team_id
        apps = f"/api/v2/organizations/{team_id}/apps"
        app = owner.api.post(apps, json={"name": f"app {new_id()}"}).json["id"]
        model = owner.api.post(f"{apps}/{app}/models", json={"name": "yield-net"}).json["id"]
        begun = owner.api.post(f"{apps}/{app}/models/{model}/model_versions", json={"file_name": "net.bin"}).json
        put = begun["presigned_url"].removeprefix("http://localhost")
        assert owner.api.put(put, data=b"weights").status_code == 200
        found = {"org": team_id, "app": app, "model": model, "version_id": begun["model_version_id"]}
        return {**found, "filepath": begun["filepath"]}

    def _user(self) -> dict[str, Any]:
        with in_transaction(self.people.owner.app):
            return {"user_id": make_user(f"user-{new_id()[:13]}", is_verified=False)}

    def _newcomer(self) -> dict[str, Any]:
        name = f"new-{new_id()[:13]}"
        return {"username": name, "email": f"{name}@example.org"}

    def _upload(self) -> dict[str, Any]:
        return {"upload_id": make.begin(self.people.owner, b"", word=self.kind.word)["upload_id"]}

    def _token(self) -> dict[str, Any]:
        self.things.make_token()
        return {"token_id": self.things.token_id}
