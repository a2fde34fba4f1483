"""Which version of a model is `dev` and which is `prod`."""

from typing import Literal

from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from portal.api.bodies import Spec
from portal.api.declared import Parameter, answers, reads, takes
from portal.api.organizations import organizations, shapes
from portal.api.organizations.places import PLACE, entry_at
from portal.api.organizations.shapes import DeployedShape, EnvironmentShape
from portal.domain import environments
from portal.domain.environments import NoVersion
from portal.errors import NotFound
from portal.identity import current_actor

LATEST: Literal["latest"] = "latest"
WITH_DEVICE_COUNT = Parameter("with_device_count", "Passed over: there are no devices here.", type="boolean")


class DeploySpec(Spec):
    version: int | str = Field(LATEST, examples=[1])
    environment: str = Field(environments.NAMES[0], examples=["prod"])


@organizations.post("/organizations/<org>/apps/<app>/models/<model>/deploy")
@takes(path=PLACE)
@reads(DeploySpec)
@answers(DeployedShape, NotFound)
def deploy(org: str, app: str, model: str, said: DeploySpec) -> ResponseReturnValue:
    """Let an environment of a model point at one of its versions, or at the newest."""
    number = None if said.version == LATEST else said.version
    if isinstance(number, str):
        raise NoVersion("Takes the number of a version, or “latest”.")
    made = environments.deploy(current_actor(), entry_at(org, app, model), number, said.environment)
    return jsonify(success=f"Deployed model version {made}")


@organizations.get("/organizations/<org>/apps/<app>/models/<model>/environment_groups")
@takes(WITH_DEVICE_COUNT, path=PLACE)
@answers(list[EnvironmentShape], NotFound)
def list_environments(org: str, app: str, model: str) -> ResponseReturnValue:
    """The environments of a model, and the version that each points at."""
    found = environments.list_of(current_actor(), entry_at(org, app, model))
    return jsonify([shapes.environment(environment) for environment in found])
