"""An app of the people's team, and what a program sends to it."""

import io
from typing import Any

from werkzeug.test import TestResponse

from portal.domain import apps
from portal.domain.kinds import MODEL
from tests import stored
from tests.people import People, Person, in_transaction

ORGANIZATION, APP = "Barley lab", "Field"


def app_of(people: People, name: str = APP) -> str:
    """The id of a new app, made by the teammate."""
    with in_transaction(people.teammate.app):
        actor = people.teammate.actor
        return apps.create(actor, apps.get_team(actor, people.team_id), name).id


def model_in(person: Person, app: str = APP, name: str = "yield-net", org: str = ORGANIZATION) -> str:
    """The id of a new model of `person` in an app."""
    with in_transaction(person.app):
        actor = person.actor
        place = apps.get(actor, apps.get_team(actor, org), app)
        return apps.register(actor, place, MODEL, {"name": name}).id


class Model:
    """Somebody's way to a model in an app, over the organizations dialect."""

    def __init__(self, person: Person, name: str = "yield-net", app: str = APP, org: str = ORGANIZATION) -> None:
        self.person, self.path = person, f"/organizations/{org}/apps/{app}/models/{name}"
        self.sender = person.app.test_client(use_cookies=False)

    def get(self, path: str = "", **given: Any) -> TestResponse:
        return self.person.api.get(f"/api/v2{self.path}{path}", **given)

    def post(self, path: str = "", **given: Any) -> TestResponse:
        return self.person.api.post(f"/api/v2{self.path}{path}", **given)

    def begin(self, **body: Any) -> Any:
        answer = self.post("/model_versions", json={"filename": "yield-net.zip", **body})
        assert answer.status_code == 200, answer.json
        return answer.json

    def put(self, begun: Any, data: bytes = b"weights", **given: Any) -> TestResponse:
        """As whoever has the address; no credential goes with it."""
        if "X-Amz-Signature" in begun["presigned_url"]:
            return stored.put(begun["presigned_url"], data)
        given = {"input_stream": io.BytesIO(data), "environ_overrides": {"CONTENT_LENGTH": str(len(data))}, **given}
        return self.sender.put(begun["presigned_url"], buffered=True, **given)

    def finish(self, begun: Any, **body: Any) -> TestResponse:
        body = body or {"filepath": begun["filepath"]}
        path = f"/api/v2{self.path}/model_versions/{begun['model_version_id']}"
        return self.person.api.patch(path, json=body)

    def upload(self, data: bytes = b"weights", **body: Any) -> Any:
        """The finished version."""
        begun = self.begin(**body)
        assert self.put(begun, data).status_code == 200
        answer = self.finish(begun)
        assert answer.status_code == 200, answer.json
        return answer.json

    def download(self, query: str = "") -> TestResponse:
        return self.person.api.get(f"/api/v2/download{self.path}{query}")
