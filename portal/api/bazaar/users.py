"""People in the bazaar dialect: sign up, log in, who am I, change the password."""

from flask import current_app, jsonify, request
from flask.typing import ResponseReturnValue

from portal.api.bazaar import bazaar
from portal.api.bodies import Spec, read_json
from portal.domain import sessions, users
from portal.errors import Unauthenticated
from portal.identity import basic, current_actor
from portal.security.actor import Via, nobody

ASK_FOR_BASIC = {"WWW-Authenticate": 'Basic realm="portal", charset="UTF-8"'}


class SignUpSpec(Spec):
    username: str
    email: str
    password: str


class PasswordSpec(Spec):
    current: str
    new: str


@bazaar.post("/user/signup")
def sign_up() -> ResponseReturnValue:
    spec = read_json(SignUpSpec)
    policy = current_app.extensions["portal"].signup
    user = users.sign_up(current_actor(), spec.username, spec.email, spec.password, policy=policy)
    return jsonify(user_id=user.id)


@bazaar.get("/user/login")
def log_in() -> ResponseReturnValue:
    """GET because the seed's client says so; what it makes is a session row, which a repeated call makes again."""
    try:
        user_id, key = _log_in()
    except Unauthenticated as error:
        raise Unauthenticated(error.detail, headers=ASK_FOR_BASIC) from None
    return jsonify(user_id=user_id, access_token=key)


@bazaar.get("/user/info")
def show_self() -> ResponseReturnValue:
    user, teams = users.profile(current_actor())
    memberships = [{"team_id": team.id, "team_name": team.name, "team_admin": team.is_admin} for team in teams]
    return jsonify(id=user.id, username=user.username, email=user.email, admin=user.is_admin, teams=memberships)


@bazaar.post("/user/password")
def change_password() -> ResponseReturnValue:
    spec = read_json(PasswordSpec)
    limit = current_app.extensions["portal"].login_throttle
    users.change_password(current_actor(), current_actor().user_id, spec.current, spec.new, limit=limit)
    return jsonify({})


def _log_in() -> tuple[str, str]:
    given = basic()
    if given is None:
        raise Unauthenticated("Log in with HTTP Basic: e-mail and password.")
    visitor, address = nobody(may_read_public=False), request.remote_addr or ""
    limit = current_app.extensions["portal"].login_throttle
    return sessions.log_in(visitor, *given, via=Via.LOGIN, address=address, limit=limit)
