"""The bazaar dialect's objects."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import Row

from portal.api.shapes import Id, KindShape, Object, Sha256, Shape, Time, by_word, listed, of_kind, rfc3339
from portal.domain import dependencies, environments, versions
from portal.domain.access import Ids
from portal.domain.kinds import KINDS, Kind
from portal.domain.tokens import Token
from portal.domain.versions import Version
from portal.security.actor import Actor
from portal.uploads import session as uploads

Status = Literal["not_started", "starting", "in_progress", "stopped", "complete", "failed"]


class DependencyShape(KindShape):
    kind_id: Id
    kind_name: str
    type: str
    username: str


class SharedEntryShape(KindShape):
    kind_id: Id
    kind_name: str
    type: str
    access: Literal["private", "protected", "public"]
    default_permission: Literal["read", "write"]
    train_status: Status
    deploy_status: Status
    publish_date: Time
    user_email: str
    username: str
    team_id: Id | None
    attributes: Object
    size: int | None
    sha256: Sha256 | None
    version: int | None = Field(description="The number of the newest version.")


class CommittedShape(KindShape):
    kind_id: Id
    kind_type: str
    version: int
    size: int
    sha256: Sha256


class PermissionsShape(Shape):
    read: bool
    write: bool
    owner: bool
    exp: Time | None = Field(description="When the presented credential expires.")
    username: str


class TokenShape(Shape):
    token_id: Id
    name: str
    scope: Literal["read", "write"]
    created_at: Time
    expires_at: Time | None
    last_used_at: Time | None


DEPENDENCIES, VERSION = listed(by_word(DependencyShape)), by_word(CommittedShape)
ENTRY = {kind.word: of_kind(SharedEntryShape, kind, dependencies=(DEPENDENCIES[kind.word], ...)) for kind in KINDS}


def entries(actor: Actor, kind: Kind, entry_ids: Ids) -> list[dict[str, Any]]:
    """The seed's object for each of these visible entries, oldest first, with its newest version beside it."""
    built_on = dependencies.of_entries(actor, entry_ids)
    busy, deployed = uploads.has_unfinished(entry_ids), environments.deployed(entry_ids)
    return [
        _entry(kind, row, built_on.get(row.id, ()), is_busy=row.id in busy, is_deployed=row.id in deployed)
        for row in versions.overview(entry_ids)
    ]


def _entry(
    kind: Kind, row: Row[Any], built_on: Sequence[Row[Any]], *, is_busy: bool, is_deployed: bool
) -> dict[str, Any]:
    waiting = "in_progress" if is_busy else "not_started"
    return {
        f"{kind.word}_id": row.id,
        f"{kind.word}_name": row.name,
        "type": row.type,
        "access": row.access,
        "default_permission": row.default_permission,
        "train_status": "complete" if row.number else waiting,
        "deploy_status": "complete" if is_deployed else "not_started",
        "publish_date": rfc3339(row.published_at or row.created_at),
        "user_email": row.email,
        "username": row.username,
        "team_id": row.team_id,
        "attributes": row.attributes,
        "dependencies": [
            {
                f"{kind.word}_id": other.id,
                f"{kind.word}_name": other.name,
                "type": other.type,
                "username": other.username,
            }
            for other in built_on
        ],
        "size": row.size,
        "sha256": row.sha256,
        "version": row.number,
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
