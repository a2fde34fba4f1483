"""What bazaar and organizations ask of every caller."""

from flask import request

from portal.errors import Unauthenticated
from portal.identity import bearer, current_actor

OPEN = {"bazaar.log_in", "bazaar.sign_up", "organizations.put_file"}
TAKES_BASIC = {"bazaar.log_in"}
TAKES_UPLOAD_TOKEN = {"bazaar.put_chunk", "bazaar.chunk_address", "bazaar.progress", "bazaar.commit", "bazaar.abort"}
TAKES_UPLOAD_ID = {"bazaar.progress", "bazaar.abort"}


def require_caller() -> None:
    """401 for nobody, except where one becomes known; upload tokens and signatures speak in their views."""
    if request.endpoint in OPEN:
        return
    by_id = request.endpoint in TAKES_UPLOAD_ID and "upload_id" in request.args
    if request.endpoint in TAKES_UPLOAD_TOKEN and not by_id:
        return
    if not current_actor().is_known:
        raise Unauthenticated()


def upload_token() -> str:
    token = bearer()
    if token is None:
        raise Unauthenticated("Present the upload token as “Authorization: Bearer UPLOAD_TOKEN”.")
    return token
