"""Personal API tokens in the bazaar dialect."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from portal.api.bazaar import bazaar, shapes
from portal.api.bodies import Spec, read_json
from portal.api.times import Rfc3339
from portal.domain import tokens
from portal.identity import current_actor


class TokenSpec(Spec):
    name: str
    scope: str = "read"
    expires_at: Rfc3339 | None = None


@bazaar.post("/user/tokens")
def issue_token() -> ResponseReturnValue:
    spec = read_json(TokenSpec)
    actor = current_actor()
    token, secret = tokens.issue(actor, actor.user_id, spec.name, spec.scope, spec.expires_at)
    return jsonify(token_id=token.id, token=secret)


@bazaar.get("/user/tokens")
def list_tokens() -> ResponseReturnValue:
    return jsonify([shapes.token(token) for token in tokens.list_own(current_actor())])


@bazaar.delete("/user/tokens/<id:token_id>")
def revoke_token(token_id: str) -> ResponseReturnValue:
    tokens.revoke(current_actor(), current_actor().user_id, token_id)
    return jsonify({})
