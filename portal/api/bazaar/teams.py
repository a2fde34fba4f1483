"""Teams in the bazaar dialect: made by administrators, looked after by their own."""

from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from portal.api.bazaar import bazaar, shapes
from portal.api.bodies import Spec
from portal.api.declared import answers, reads
from portal.api.shapes import Empty, Id, Shape, listed
from portal.domain import teams
from portal.domain.kinds import Kind
from portal.errors import Conflict, Denied
from portal.identity import current_actor


class TeamSpec(Spec):
    name: str = Field(examples=["Barley lab"])


class TeamIdShape(Shape):
    team_id: Id


class TeamShape(Shape):
    id: Id
    name: str


class MemberShape(Shape):
    user_id: Id
    username: str
    email: str
    team_admin: bool


@bazaar.post("/team/create")
@reads(TeamSpec)
@answers(TeamIdShape, Conflict)
def create_team(said: TeamSpec) -> ResponseReturnValue:
    """Make a team without anybody in it. For administrators."""
    return jsonify(team_id=teams.create(current_actor(), said.name).id)


@bazaar.get("/team/list")
@answers(list[TeamShape])
def list_teams() -> ResponseReturnValue:
    """The caller's teams, for an administrator all of them."""
    return jsonify([{"id": team.id, "name": team.name} for team in teams.list_visible(current_actor())])


@bazaar.delete("/team/<id:team_id>")
@answers(Empty)
def delete_team(team_id: str) -> ResponseReturnValue:
    """Delete a team; what it shared becomes private and keeps its owners. For administrators."""
    teams.remove(current_actor(), teams.get(current_actor(), team_id))
    return jsonify({})


@bazaar.get("/team/<id:team_id>/users")
@answers(list[MemberShape], Denied)
def list_members(team_id: str) -> ResponseReturnValue:
    """Who is in a team. For who looks after it."""
    rows = teams.members(current_actor(), teams.get(current_actor(), team_id))
    names = ("user_id", "username", "email", "team_admin")
    return jsonify([dict(zip(names, row, strict=True)) for row in rows])


@bazaar.get("/team/<id:team_id>/<kind:kind>")
@answers(listed(shapes.ENTRY), Denied)
def list_shared(team_id: str, kind: Kind) -> ResponseReturnValue:
    """The entries that a team shares. For who looks after it."""
    shared = teams.entries(current_actor(), teams.get(current_actor(), team_id), kind)
    return jsonify(shapes.entries(current_actor(), kind, shared))


@bazaar.post("/team/<id:team_id>/users/<id:user_id>")
@answers(Empty)
def add_member(team_id: str, user_id: str) -> ResponseReturnValue:
    """Let somebody into a team. For who looks after it."""
    teams.add(current_actor(), teams.get(current_actor(), team_id), user_id)
    return jsonify({})


@bazaar.delete("/team/<id:team_id>/users/<id:user_id>")
@answers(Empty)
def remove_member(team_id: str, user_id: str) -> ResponseReturnValue:
    """Take somebody out of a team. They see no more of what it shares."""
    teams.dismiss(current_actor(), teams.get(current_actor(), team_id), user_id)
    return jsonify({})


@bazaar.post("/team/<id:team_id>/admins/<id:user_id>")
@answers(Empty)
def add_team_admin(team_id: str, user_id: str) -> ResponseReturnValue:
    """Let somebody look after a team, and into it."""
    teams.add(current_actor(), teams.get(current_actor(), team_id), user_id, as_admin=True)
    return jsonify({})


@bazaar.delete("/team/<id:team_id>/admins/<id:user_id>")
@answers(Empty)
def remove_team_admin(team_id: str, user_id: str) -> ResponseReturnValue:
    """Make somebody who looks after a team a member like others."""
    teams.demote(current_actor(), teams.get(current_actor(), team_id), user_id)
    return jsonify({})
