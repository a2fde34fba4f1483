"""Personal API tokens in the bazaar dialect."""

from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from portal.api.bazaar import bazaar, shapes
from portal.api.bazaar.shapes import TokenShape
from portal.api.bodies import Spec
from portal.api.declared import answers, reads
from portal.api.shapes import Empty, Id, Shape
from portal.api.times import Rfc3339
from portal.domain import tokens
from portal.identity import current_actor


class TokenSpec(Spec):
    name: str = Field(examples=["nightly"])
    scope: str = Field("read", examples=["write"], json_schema_extra={"enum": list(tokens.SCOPES)})
    expires_at: Rfc3339 | None = None


class IssuedShape(Shape):
    token_id: Id
    token: str = Field(description="Shown this once.")


@bazaar.post("/user/tokens")
@reads(TokenSpec)
@answers(IssuedShape)
def issue_token(said: TokenSpec) -> ResponseReturnValue:
    """Make a personal token of the scope `read` or `write`."""
    actor = current_actor()
    token, secret = tokens.issue(actor, actor.user_id, said.name, said.scope, said.expires_at)
    return jsonify(token_id=token.id, token=secret)


@bazaar.get("/user/tokens")
@answers(list[TokenShape])
def list_tokens() -> ResponseReturnValue:
    """The caller's personal tokens."""
    return jsonify([shapes.token(token) for token in tokens.list_own(current_actor())])


@bazaar.delete("/user/tokens/<id:token_id>")
@answers(Empty)
def revoke_token(token_id: str) -> ResponseReturnValue:
    """Revoke a personal token. It stops at once."""
    tokens.revoke(current_actor(), current_actor().user_id, token_id)
    return jsonify({})
