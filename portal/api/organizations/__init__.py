"""The organizations dialect: a team is an organization, its apps group models. Always needs a caller.

The one exception is a presigned address, whose signature speaks for itself.
"""

from flask import Blueprint

from portal.api.auth import require_caller

organizations = Blueprint("organizations", __name__, url_prefix="/api/v2")
organizations.before_request(require_caller)

from portal.api.organizations import apps, environments, presigned, versions  # noqa: E402,F401
