"""The objects of the organizations dialect."""

from typing import Any

from pydantic import Field

from portal.api.shapes import Id, Sha256, Shape, Time, rfc3339
from portal.domain.apps import App
from portal.domain.entries import Entry
from portal.domain.environments import Environment
from portal.domain.teams import Team
from portal.domain.versions import Version
from portal.uploads.session import Upload


class OrganizationShape(Shape):
    id: Id
    name: str
    display_name: str


class AppModelShape(Shape):
    id: Id
    app_id: Id
    name: str
    description: str
    public: bool
    inserted_at: Time
    updated_at: Time


class AppShape(Shape):
    id: Id
    name: str
    models: list[AppModelShape] = Field([], description="With `with_models=true` alone.")


class PresignedShape(Shape):
    filepath: str
    model_version_id: Id
    presigned_url: str = Field(description="Takes the bytes by PUT, once, for an hour.")


class ModelVersionShape(Shape):
    id: Id
    version: int
    name: str = Field(description="The file's name.")
    description: str
    model: str = Field(description="The model's name.")
    filepath: str
    size: int
    sha256: Sha256
    created_at: Time
    updated_at: Time


class EnvironmentShape(Shape):
    id: Id
    name: str
    version: int | None = Field(description="Null before the first deploy.")
    deployed_at: Time | None


class DeployedShape(Shape):
    success: str = Field(examples=["Deployed model version 3"])


def organization(team: Team) -> dict[str, Any]:
    return {"id": team.id, "name": team.name, "display_name": team.name}


def app(row: App) -> dict[str, Any]:
    return {"id": row.id, "name": row.name}


def entry(row: Entry) -> dict[str, Any]:
    return {
        "id": row.id,
        "app_id": row.app_id,
        "name": row.name,
        "description": row.description,
        "public": row.access == "public",
        "inserted_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
    }


def version(place: App, entry: Entry, row: Version) -> dict[str, Any]:
    return {
        "id": row.id,
        "version": row.number,
        "name": row.file_name,
        "description": row.description,
        "model": entry.name,
        "filepath": filepath(place, entry, row),
        "size": row.size,
        "sha256": row.sha256,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.created_at),
    }


def filepath(place: App, entry: Entry, row: Version | Upload) -> str:
    """What programs hand back to us; the same before and after the version is finished, as it has its upload's id."""
    return f"{place.team_id}/{place.id}/{entry.id}/{row.id}/{row.file_name}"


def environment(row: Environment) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "version": row.number, "deployed_at": rfc3339(row.deployed_at)}
