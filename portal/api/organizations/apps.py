"""Organizations, their apps, and the making of apps and models."""

from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from portal.api.bodies import Spec
from portal.api.declared import Parameter, answers, reads, takes
from portal.api.flags import asked_flag
from portal.api.organizations import organizations, shapes
from portal.api.organizations.places import APP, KIND, ORGANIZATION, app_at, team_at
from portal.api.organizations.shapes import AppModelShape, AppShape, OrganizationShape
from portal.domain import apps, teams
from portal.errors import Conflict, NotFound
from portal.identity import current_actor

WITH_MODELS = Parameter("with_models", "Whether the models of each app come with it.", type="boolean", default=False)


class AppSpec(Spec):
    name: str = Field(examples=["field"])


class AppModelSpec(Spec):
    name: str = Field(examples=["yield-net"])
    description: str | None = None


@organizations.get("/organizations")
@answers(list[OrganizationShape])
def list_organizations() -> ResponseReturnValue:
    """The caller's organizations, which are teams; every one for an administrator."""
    return jsonify([shapes.organization(team) for team in teams.list_visible(current_actor())])


@organizations.get("/organizations/<org>/apps")
@takes(WITH_MODELS, path=(ORGANIZATION,))
@answers(list[AppShape], NotFound)
def list_apps(org: str) -> ResponseReturnValue:
    """The apps of an organization, with the models in them that the caller may see."""
    found = apps.list_of(current_actor(), team_at(org))
    if not asked_flag("with_models"):
        return jsonify([shapes.app(app) for app in found])
    models = apps.entries_of(current_actor(), found, KIND)
    return jsonify([shapes.app(app) | {"models": list(map(shapes.entry, models.get(app.id, ())))} for app in found])


@organizations.post("/organizations/<org>/apps")
@takes(path=(ORGANIZATION,))
@reads(AppSpec)
@answers(AppShape, NotFound, Conflict)
def create_app(org: str, said: AppSpec) -> ResponseReturnValue:
    """Make an app in an organization that the caller belongs to."""
    return jsonify(shapes.app(apps.create(current_actor(), team_at(org), said.name)))


@organizations.post("/organizations/<org>/apps/<app>/models")
@takes(path=(ORGANIZATION, APP))
@reads(AppModelSpec)
@answers(AppModelShape, NotFound, Conflict)
def create_model(org: str, app: str, said: AppModelSpec) -> ResponseReturnValue:
    """Make a model in an app. It is the caller's, and the organization's members see it."""
    fields = {"name": said.name, "description": said.description or ""}
    return jsonify(shapes.entry(apps.register(current_actor(), app_at(org, app), KIND, fields)))
