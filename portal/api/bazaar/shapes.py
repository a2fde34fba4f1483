"""The bazaar dialect's objects."""

from collections.abc import Sequence
from typing import Any

from portal.api.shapes import rfc3339
from portal.domain import dependencies, versions
from portal.domain.entries import Entry
from portal.domain.kinds import Kind
from portal.domain.tokens import Token
from portal.domain.versions import Version
from portal.security.actor import Actor
from portal.uploads import session as uploads


def entries(actor: Actor, kind: Kind, found: Sequence[Entry]) -> list[dict[str, Any]]:
    """The seed's object for each entry, with the newest version's size, sha256 and number beside it."""
    ids = [entry.id for entry in found]
    newest = versions.latest_of(ids)
    built_on = dependencies.of_entries(actor, ids)
    busy = uploads.has_unfinished([entry_id for entry_id in ids if entry_id not in newest])
    return [
        _entry(kind, entry, newest.get(entry.id), built_on.get(entry.id, ()), is_busy=entry.id in busy)
        for entry in found
    ]


def _entry(
    kind: Kind, entry: Entry, version: Version | None, built_on: Sequence[Any], *, is_busy: bool
) -> dict[str, Any]:
    waiting = "in_progress" if is_busy else "not_started"
    return {
        f"{kind.word}_id": entry.id,
        f"{kind.word}_name": entry.name,
        "type": entry.type,
        "access": entry.access,
        "default_permission": entry.default_permission,
        "train_status": "complete" if version else waiting,
        "deploy_status": "not_started",
        "publish_date": rfc3339(version.created_at if version else entry.created_at),
        "user_email": entry.owner.email,
        "username": entry.owner.username,
        "team_id": entry.team_id,
        "attributes": entry.attributes,
        "dependencies": [
            {
                f"{kind.word}_id": other.id,
                f"{kind.word}_name": other.name,
                "type": other.type,
                "username": other.username,
            }
            for other in built_on
        ],
        "size": version and version.size,
        "sha256": version and version.sha256,
        "version": version and version.number,
    }


def version(kind: Kind, entry_type: str, made: Version) -> dict[str, Any]:
    return {
        f"{kind.word}_id": made.entry_id,
        f"{kind.word}_type": entry_type,
        "version": made.number,
        "size": made.size,
        "sha256": made.sha256,
    }


def token(row: Token) -> dict[str, Any]:
    return {
        "token_id": row.id,
        "name": row.name,
        "scope": row.scope,
        "created_at": rfc3339(row.created_at),
        "expires_at": rfc3339(row.expires_at),
        "last_used_at": rfc3339(row.last_used_at),
    }
