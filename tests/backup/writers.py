"""Clients over real sockets that upload, record and delete, and keep their own books of what was acknowledged."""

import http.client
import json
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests import make
from tests.api.test_record_form import body_of
from tests.served import Served

START = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass
class Book:
    """Versions by entry and number, records by id with their entry; sha256 of the files, None where there is none.
    `doomed` are the entries whose deletion was asked for, answered or not."""

    versions: dict[tuple[str, int], str] = field(default_factory=dict)
    records: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    doomed: set[str] = field(default_factory=set)

    def copy(self) -> "Book":
        return Book(dict(self.versions), dict(self.records), set(self.doomed))


class Writer(threading.Thread):
    """Goes on until it is told to stop; `error` is what ended it before."""

    def __init__(self, served: Served, headers: dict[str, str], seed: int) -> None:
        super().__init__()
        self.connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
        self.headers, self.chance = headers, random.Random(seed)
        self.book, self.entries, self.number = Book(), list[str](), 0
        self.told_to_stop, self.error = threading.Event(), None

    def run(self) -> None:
        try:
            while not self.told_to_stop.is_set():
                self._act()
        except Exception as error:
            self.error = error
        self.connection.close()

    def stop(self) -> None:
        """Raises what went wrong."""
        self.told_to_stop.set()
        self.join()
        if self.error is not None:
            raise self.error

    def _act(self) -> None:
        kind = self.chance.random()
        if len(self.entries) < 3:
            self._upload(None)
        elif kind < 0.5:
            self._record(self.chance.choice(self.entries), has_file=kind < 0.2)
        elif kind < 0.85:
            self._upload(self.chance.choice(self.entries))
        else:
            self._end(self.entries.pop(0))

    def _upload(self, entry_id: str | None) -> None:
        data = self.chance.randbytes(self.chance.randrange(1, 200_000))
        wanted = {"model_id": entry_id} if entry_id else {"model_name": f"{self.name} {self.number}"}
        self.number += 1
        begun = self._ask("POST", "/api/v2/model/upload", {**wanted, "size": len(data), "chunk_size": 100_000})
        token = {"Authorization": f"Bearer {begun['token']}"}
        for idx, start in enumerate(range(0, len(data), 100_000)):
            self._ask("POST", f"/api/v2/model/upload/{idx}", data[start : start + 100_000], token)
        done = self._ask("POST", "/api/v2/model/upload/commit", None, token)
        if entry_id is None:
            self.entries.append(done["model_id"])
        self.book.versions[done["model_id"], done["version"]] = make.sha256(data)

    def _record(self, entry_id: str, has_file: bool) -> None:
        self.number += 1
        moment = (START + timedelta(seconds=self.number)).isoformat()
        parts = [('name="site_name"', b"Waseca"), ('name="timestamp"', moment.encode())]
        data = self.chance.randbytes(5_000) if has_file else None
        if data is None:
            parts.append(('name="model_data"', b'{"yield": 48.9}'))
        else:
            parts.append(('name="record_file"; filename="plot.bin"', data))
        how = {"Content-Type": "multipart/form-data; boundary=x"}
        made = self._ask("POST", f"/api/models/id/{entry_id}/records", body_of(*parts), how)
        self.book.records[made["id"]] = entry_id, data and make.sha256(data)

    def _end(self, entry_id: str) -> None:
        self.book.doomed.add(entry_id)
        self._ask("DELETE", f"/api/v2/model/{entry_id}")

    def _ask(self, method: str, path: str, body: Any = None, more: dict[str, str] | None = None) -> Any:
        headers = {**self.headers, **(more or {})}
        if isinstance(body, dict):
            body, headers["Content-Type"] = json.dumps(body), "application/json"
        for _ in range(10):
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            said = json.loads(answer.read())
            if answer.status not in (202, 503):  # still checking, or a machine with more to do than it can
                break
            time.sleep(1)
        assert answer.status == 200, (method, path, answer.status, said)
        return said
