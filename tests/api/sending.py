"""An upload as a program makes it: begun by a person, continued with the upload token alone."""

import base64
import hashlib
import io
from datetime import timedelta
from typing import Any

from werkzeug.test import TestResponse

from portal.extensions import db
from portal.uploads.session import Upload
from tests import make
from tests.people import Person, in_transaction


class Sending:
    """`data` is cut into `chunk_size` pieces; with `declared` the portal is told so at the beginning."""

    def __init__(self, person: Person, data: bytes, chunk_size: int, *, declared: bool = True, **given: Any) -> None:
        self.person, self.data, self.chunk_size = person, data, chunk_size
        self.word = given.get("word", "model")
        self.begun = make.begin(person, data, chunk_size=chunk_size if declared else None, **given)
        self.id, self.entry_id = self.begun["upload_id"], self.begun[f"{self.word}_id"]
        self.headers = {"Authorization": f"Bearer {self.begun['token']}"}
        self.client = person.app.test_client(use_cookies=False)
        self.path = f"/api/v2/{self.word}/upload"

    @property
    def count(self) -> int:
        return max(1, -(-len(self.data) // self.chunk_size))

    def piece(self, idx: int) -> bytes:
        return self.data[idx * self.chunk_size : (idx + 1) * self.chunk_size]

    def ask(self, method: str, path: str = "", headers: dict[str, str] | None = None, **given: Any) -> TestResponse:
        given["headers"] = {**self.headers, **(headers or {})}
        return self.client.open(self.path + path, method=method, buffered=True, **given)

    def put(
        self, idx: int | str, body: bytes | None = None, *, length: int | str | None = None, **given: Any
    ) -> TestResponse:
        """`length` is announced; by default as many bytes as are sent, with "" nothing."""
        body = self.piece(int(idx)) if body is None else body
        announced = {"CONTENT_LENGTH": str(len(body) if length is None else length)}
        return self.ask("POST", f"/{idx}", input_stream=io.BytesIO(body), environ_overrides=announced, **given)

    def put_all(self, *but: int) -> "Sending":
        for idx in set(range(self.count)) - set(but):
            answer = self.put(idx)
            assert answer.status_code == 200, answer.json
        return self

    def commit(self, **body: Any) -> TestResponse:
        return self.ask("POST", "/commit", json=body) if body else self.ask("POST", "/commit")

    def progress(self) -> Any:
        answer = self.ask("GET")
        assert answer.status_code == 200, answer.json
        return answer.json

    def abort(self) -> TestResponse:
        return self.ask("DELETE")

    def entry(self, person: Person | None = None) -> TestResponse:
        return (person or self.person).api.get(f"/api/v2/{self.word}/{self.entry_id}")

    def download(self, person: Person | None = None, query: str = "") -> TestResponse:
        return (person or self.person).api.get(f"/api/v2/{self.word}/{self.entry_id}/download{query}")

    def age(self, days: float) -> None:
        """As if that many days had passed since the last chunk."""
        with in_transaction(self.person.app):
            upload = db.session.get_one(Upload, self.id)
            upload.expires_at -= timedelta(days=days)


def content_digest(body: bytes, algorithm: str = "sha256") -> str:
    digest = base64.b64encode(hashlib.new(algorithm, body).digest()).decode()
    return f"sha-{algorithm.removeprefix('sha')}=:{digest}:"
