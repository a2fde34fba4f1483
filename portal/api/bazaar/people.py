"""People in the bazaar dialect, as others see them and as administrators look after them."""

from collections.abc import Sequence
from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from portal.api.bazaar import bazaar
from portal.api.bodies import Spec
from portal.api.declared import answers, reads
from portal.api.shapes import Empty, Id, Shape
from portal.domain import people
from portal.domain.users import User
from portal.errors import Conflict, Invalid
from portal.identity import current_actor


class NewUserSpec(Spec):
    username: str = Field(examples=["ada"])
    email: str = Field(examples=["ada@example.org"])
    password: str = Field(examples=["a horse, correctly stapled"])


class UserIdShape(Shape):
    user_id: Id


class MembershipShape(Shape):
    team_id: Id
    team_name: str
    team_admin: bool


class PersonShape(Shape):
    id: Id
    username: str
    email: str
    admin: bool
    teams: list[MembershipShape]


def person(user: User, teams: Sequence[Any]) -> dict[str, Any]:
    memberships = [{"team_id": team.id, "team_name": team.name, "team_admin": team.is_admin} for team in teams]
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "admin": user.is_admin,
        "teams": memberships,
    }


@bazaar.get("/user/info")
@answers(PersonShape)
def show_self() -> ResponseReturnValue:
    """Who the caller is, and in which teams."""
    return jsonify(person(*people.profile(current_actor())))


@bazaar.get("/user/list")
@answers(list[PersonShape])
def list_people() -> ResponseReturnValue:
    """The caller and those in the caller's teams, for an administrator everybody."""
    return jsonify([person(*each) for each in people.list_visible(current_actor())])


@bazaar.post("/user/create")
@reads(NewUserSpec)
@answers(UserIdShape, Conflict)
def create_person(said: NewUserSpec) -> ResponseReturnValue:
    """Make an account for somebody. For administrators."""
    made = people.create(current_actor(), said.username, said.email, said.password)
    return jsonify(user_id=made.id)


@bazaar.post("/user/<id:user_id>/verify")
@answers(Empty)
def verify_person(user_id: str) -> ResponseReturnValue:
    """Let somebody log in whose account waits for that."""
    people.verify(current_actor(), user_id)
    return jsonify({})


@bazaar.post("/user/<id:user_id>/admin")
@answers(Empty)
def make_administrator(user_id: str) -> ResponseReturnValue:
    """Make somebody an administrator."""
    people.promote(current_actor(), user_id)
    return jsonify({})


@bazaar.delete("/user/<id:user_id>/admin")
@answers(Empty, Invalid)
def unmake_administrator(user_id: str) -> ResponseReturnValue:
    """Make an administrator none. There is always one left."""
    people.demote(current_actor(), user_id)
    return jsonify({})


@bazaar.delete("/user/<id:user_id>")
@answers(Empty, Invalid, Conflict)
def delete_person(user_id: str) -> ResponseReturnValue:
    """Delete somebody. What they have passes to the caller."""
    people.remove(current_actor(), user_id)
    return jsonify({})
