"""The bazaar dialect: `/api/v2/model`, its twin `/api/v2/script`, `team` and `user`. Always needs a caller."""

from flask import Blueprint

from portal.api.auth import require_caller

bazaar = Blueprint("bazaar", __name__, url_prefix="/api/v2")
bazaar.before_request(require_caller)

from portal.api.bazaar import access, audit, entries, people, teams, tokens, uploads, users  # noqa: E402,F401
