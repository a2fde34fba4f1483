"""What the paths of this dialect name: an organization, an app in it, a model in that; each by its name or its id."""

from portal.api.declared import Parameter
from portal.domain import apps
from portal.domain.apps import App
from portal.domain.entries import Entry
from portal.domain.kinds import MODEL
from portal.domain.teams import Team
from portal.identity import current_actor

KIND = MODEL
ORGANIZATION = Parameter("org", "The name or the id of an organization, which is a team.", examples=["Barley lab"])
APP = Parameter("app", "The name or the id of an app.", examples=["field"])
ENTRY = Parameter("model", "The name or the id of a model.", examples=["yield-net"])
PLACE = (ORGANIZATION, APP, ENTRY)


def team_at(org: str) -> Team:
    return apps.get_team(current_actor(), org)


def app_at(org: str, app: str) -> App:
    return apps.get(current_actor(), team_at(org), app)


def entry_at(org: str, app: str, model: str) -> Entry:
    return apps.get_entry(current_actor(), app_at(org, app), KIND, model)
