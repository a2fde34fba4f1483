"""Things for tests, with defaults: an entry, a version with real bytes, a team."""

import hashlib
import io
from typing import Any

from portal.database import new_id
from portal.domain import entries
from portal.domain.entries import Entry
from portal.domain.kinds import BY_WORD, MODEL, Kind
from portal.domain.versions import Version
from portal.extensions import db
from portal.uploads.machine import Announcement
from portal.uploads.whole import upload_whole
from tests.people import Person, in_transaction


def entry(
    owner: Person,
    name: str = "yield-net",
    *,
    kind: Kind = MODEL,
    access: str = "private",
    team_id: str | None = None,
    default_permission: str = "read",
    experiment: str | None = None,
    **fields: Any,
) -> str:
    """The id of a new entry of `owner`."""
    with in_transaction(owner.app):
        made = entries.register(owner.actor, kind, {"name": name, **fields}, experiment=experiment)
        made.access, made.team_id, made.default_permission = access, team_id, default_permission
        return made.id


def version(owner: Person, entry_id: str, data: bytes = b"weights", file_name: str = "model.bin") -> int:
    """Uploads `data` through the real verbs; the new version's number."""
    with owner.app.app_context():
        kind = BY_WORD[db.session.get_one(Entry, entry_id).kind]
        said = Announcement(entry_id=entry_id, file_name=file_name, size=len(data), chunk_size=1 << 20)
        return upload_whole(owner.actor, kind, said, io.BytesIO(data)).number


def begin(person: Person, data: bytes, *, chunk_size: int | None = None, word: str = "model", **given: Any) -> Any:
    """Begins an upload by the API; its answer. Declares size and chunk size where `chunk_size` is given."""
    declared = {"size": len(data), "chunk_size": chunk_size} if chunk_size else {}
    body = {f"{word}_name": f"upload {new_id()}", **declared, **given}
    answer = person.api.post(
        f"/api/v2/{word}/upload", json={key: value for key, value in body.items() if value is not None}
    )
    assert answer.status_code == 200, answer.json
    return answer.json


def send_chunks(person: Person, begun: Any, data: bytes, word: str = "model") -> None:
    """Sends `data` from the first chunk on to the upload that `begin` gave, in chunks of its size."""
    bearer = {"Authorization": f"Bearer {begun['token']}"}
    for idx, start in enumerate(range(0, len(data), begun["chunk_size"])):
        body = data[start : start + begun["chunk_size"]]
        answer = person.api.post(f"/api/v2/{word}/upload/{idx}", data=body, headers=bearer)
        assert answer.status_code == 200, answer.json


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def stored_version(entry_id: str, number: int = 1) -> Version:
    return db.session.query(Version).filter_by(entry_id=entry_id, number=number).one()
