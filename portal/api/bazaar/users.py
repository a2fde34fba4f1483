"""People in the bazaar dialect: sign up, log in, change the password."""

from flask import current_app, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import Field

from portal.api.bazaar import bazaar
from portal.api.bazaar.people import NewUserSpec, UserIdShape
from portal.api.bodies import Spec
from portal.api.declared import answers, reads
from portal.api.shapes import Empty, Id, Shape
from portal.domain import sessions, users
from portal.errors import Conflict, Throttled, Unauthenticated
from portal.identity import basic, current_actor
from portal.security.actor import Via, nobody

ASK_FOR_BASIC = {"WWW-Authenticate": 'Basic realm="portal", charset="UTF-8"'}


class PasswordSpec(Spec):
    current: str = Field(examples=["a horse, correctly stapled"])
    new: str = Field(examples=["two horses, correctly stapled"])


class LoginShape(Shape):
    user_id: Id
    access_token: str


@bazaar.post("/user/signup")
@reads(NewUserSpec)
@answers(UserIdShape, Conflict)
def sign_up(said: NewUserSpec) -> ResponseReturnValue:
    """Make an account for oneself, where the portal lets people do that."""
    policy = current_app.extensions["portal"].signup
    user = users.sign_up(current_actor(), said.username, said.email, said.password, policy=policy)
    return jsonify(user_id=user.id)


@bazaar.get("/user/login")
@answers(LoginShape, Throttled)
def log_in() -> ResponseReturnValue:
    """An access token for e-mail and password.

    GET because the first clients say so; a repeated call makes another.
    """
    try:
        user_id, key = _log_in()
    except Unauthenticated as error:
        raise Unauthenticated(error.detail, headers=ASK_FOR_BASIC) from None
    return jsonify(user_id=user_id, access_token=key)


@bazaar.post("/user/password")
@reads(PasswordSpec)
@answers(Empty, Throttled)
def change_password(said: PasswordSpec) -> ResponseReturnValue:
    """Change the caller's password, which ends their other sessions and log-ins."""
    limit = current_app.extensions["portal"].login_throttle
    users.change_password(current_actor(), current_actor().user_id, said.current, said.new, limit=limit)
    return jsonify({})


def _log_in() -> tuple[str, str]:
    given = basic()
    if given is None:
        raise Unauthenticated("Log in with HTTP Basic: e-mail and password.")
    visitor, address = nobody(may_read_public=False), request.remote_addr or ""
    limit = current_app.extensions["portal"].login_throttle
    return sessions.log_in(visitor, *given, via=Via.LOGIN, address=address, limit=limit)
