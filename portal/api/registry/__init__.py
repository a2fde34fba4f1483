"""The registry dialect: `/api/models` and its twin `/api/scripts`, each route written once."""

from flask import Blueprint, g, request

from portal.api.registry.parameters import refuse_unknown
from portal.domain.kinds import Kind
from portal.errors import Unauthenticated
from portal.identity import SAFE_METHODS, current_actor
from portal.security.guard import require_reader

registry = Blueprint("registry", __name__, url_prefix="/api/<kind:kind>")


@registry.before_request
def _know_the_caller() -> None:
    actor = current_actor()
    require_reader(actor)
    if not actor.is_known and request.method not in SAFE_METHODS:
        raise Unauthenticated()


@registry.before_request
def _name_fields() -> None:
    kind = _kind()
    g.field_names = {field: f"{kind.word}_{field}" for field in ("name", "url", "info", *kind.extra_fields)}


@registry.before_request
def _refuse_unknown_parameters() -> None:
    refuse_unknown(_kind())


def _kind() -> Kind:
    found: Kind = (request.view_args or {})["kind"]
    return found


from portal.api.registry import datasets, entries, records, records_read, runs  # noqa: E402,F401
