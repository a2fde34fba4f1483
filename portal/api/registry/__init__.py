"""The registry dialect: `/api/models` and its twin `/api/scripts`, each route written once."""

from flask import Blueprint, g, request

from portal.errors import BadRequest, Unauthenticated
from portal.identity import SAFE_METHODS, current_actor
from portal.security.guard import require_reader

registry = Blueprint("registry", __name__, url_prefix="/api/<kind:kind>")

PAGE = ("limit", "offset")
TAKES = {"list_all": PAGE, "list_runs": PAGE, "list_datasets": PAGE}


@registry.before_request
def _know_the_caller() -> None:
    actor = current_actor()
    require_reader(actor)
    if not actor.is_known and request.method not in SAFE_METHODS:
        raise Unauthenticated()


@registry.before_request
def _name_fields() -> None:
    kind = (request.view_args or {})["kind"]
    g.field_names = {field: f"{kind.word}_{field}" for field in ("name", "url", "info", *kind.extra_fields)}


@registry.before_request
def _refuse_unknown_parameters() -> None:
    """A misspelt filter must not return everything."""
    kind = (request.view_args or {})["kind"]
    own = [f"{kind.word}_{field}" for field in ("name", "url", "info", *kind.extra_fields)]
    endpoint = (request.endpoint or "").partition(".")[2]
    known = (*own, "experiment_name", *PAGE) if endpoint == "search" else TAKES.get(endpoint, ())
    for name, values in request.args.lists():
        if name not in known:
            takes = f"takes {', '.join(sorted(known))}" if known else "this address takes none"
            raise BadRequest(fields=[(name, f"There is no such parameter; {takes}.")])
        if len(values) > 1:
            raise BadRequest(fields=[(name, "Takes one value.")])


from portal.api.registry import datasets, entries, records, runs  # noqa: E402,F401
