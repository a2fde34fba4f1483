"""The registry dialect: `/api/models` and its twin `/api/scripts`, each route written once."""

from flask import Blueprint, g, request

registry = Blueprint("registry", __name__, url_prefix="/api/<kind:kind>")


@registry.before_request
def _name_fields() -> None:
    kind = (request.view_args or {}).get("kind")
    if kind is not None:
        g.field_names = {field: f"{kind.word}_{field}" for field in ("name", "url", "info", "extension")}


from portal.api.registry import entries  # noqa: E402,F401
