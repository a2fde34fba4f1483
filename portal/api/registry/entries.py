"""Entries in the registry dialect: all, search, one, create, update, delete, experiments."""

from typing import Any

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue

from portal import strict_json
from portal.api.bodies import read_json
from portal.api.registry import registry, shapes
from portal.api.registry.pages import paged, read_page
from portal.api.registry.parameters import PAGE, own_fields, takes
from portal.domain import entries, experiments, listing
from portal.domain.kinds import Kind
from portal.errors import BadRequest, NotFound
from portal.identity import current_actor


@registry.get("/all")
@takes(*PAGE)
def list_all(kind: Kind) -> Response:
    return _listed(kind, listing.Wanted())


@registry.get("")
@takes("experiment_name", *PAGE, of_kind=own_fields)
def search(kind: Kind) -> Response:
    args = request.args
    wanted = listing.Wanted(
        name=args.get(f"{kind.word}_name"),
        url=args.get(f"{kind.word}_url"),
        extension=args.get(f"{kind.word}_extension"),
        info=_info(f"{kind.word}_info"),
        experiment=args.get("experiment_name"),
    )
    return _listed(kind, wanted)


@registry.get("/id/<id:entry_id>")
def show(kind: Kind, entry_id: str) -> ResponseReturnValue:
    return jsonify(shapes.entry(kind, entries.get(current_actor(), kind, entry_id)))


@registry.post("")
def create(kind: Kind) -> ResponseReturnValue:
    spec = read_json(shapes.SPECS[kind.word])
    entry = entries.register_once(current_actor(), kind, spec.fields(), experiment=spec.experiment_name)
    return jsonify(shapes.entry(kind, entry))


@registry.patch("/id/<id:entry_id>")
def update(kind: Kind, entry_id: str) -> ResponseReturnValue:
    spec = read_json(shapes.CHANGES[kind.word])
    entry = entries.get(current_actor(), kind, entry_id)
    entry = entries.edit(current_actor(), entry, spec.fields(), experiment=spec.experiment_name)
    return jsonify(shapes.entry(kind, entry))


@registry.delete("/id/<id:entry_id>")
def delete(kind: Kind, entry_id: str) -> ResponseReturnValue:
    entries.remove(current_actor(), entries.get(current_actor(), kind, entry_id))
    return jsonify({})


@registry.get("/id/<id:entry_id>/experiments")
def list_experiments(kind: Kind, entry_id: str) -> ResponseReturnValue:
    found = experiments.of_entry(entries.get(current_actor(), kind, entry_id).id)
    if not found:
        raise NotFound(f"This {kind.word} belongs to no experiment.")
    return jsonify(shapes.experiments(kind, found))


def _listed(kind: Kind, wanted: listing.Wanted) -> Response:
    page = read_page()
    found, total = listing.find(current_actor(), kind, wanted, page.limit, page.offset)
    if not found:
        raise NotFound(f"No {kind.word} matches.")
    return paged(jsonify([shapes.entry(kind, entry) for entry in found]), page, total)


def _info(parameter: str) -> dict[str, Any] | None:
    text = request.args.get(parameter)
    if text is None:
        return None
    value = strict_json.loads(text)
    if not isinstance(value, dict):
        raise BadRequest(f"{parameter} takes a JSON object.", fields=[(parameter, "Takes a JSON object.")])
    return value
