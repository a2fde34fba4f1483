"""Entries in the registry dialect: all, search, one, create, update, delete, experiments."""

from typing import Any

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue

from portal import strict_json
from portal.api.declared import answers, reads, takes
from portal.api.registry import registry, shapes
from portal.api.registry.pages import PAGE, PAGED, paged, read_page
from portal.api.registry.parameters import own_fields
from portal.api.registry.shapes import CHANGES, ENTRY, EXPERIMENTS, SPECS, EntryChanges, EntrySpec
from portal.api.shapes import Empty, listed
from portal.domain import entries, experiments, listing
from portal.domain.kinds import Kind
from portal.errors import BadRequest, Conflict, Invalid, NotFound
from portal.identity import current_actor


@registry.get("/all")
@takes(*PAGE)
@answers(listed(ENTRY), NotFound, headers=PAGED)
def list_all(kind: Kind) -> Response:
    """Every entry that the caller may see; 404 where there is none."""
    return _listed(kind, listing.Wanted())


@registry.get("")
@takes("experiment_name", *PAGE, of_kind=own_fields)
@answers(listed(ENTRY), NotFound, headers=PAGED)
def search(kind: Kind) -> Response:
    """The entries that match all that is given; 404 where none does."""
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
@answers(ENTRY)
def show(kind: Kind, entry_id: str) -> ResponseReturnValue:
    """One entry."""
    return jsonify(shapes.entry(kind, entries.get(current_actor(), kind, entry_id)))


@registry.post("")
@reads(SPECS)
@answers(ENTRY, Conflict)
def create(kind: Kind, said: EntrySpec) -> ResponseReturnValue:
    """Register an entry. One of the same name and address that the caller owns already is returned as it is."""
    entry = entries.register_once(current_actor(), kind, said.fields(), experiment=said.experiment_name)
    return jsonify(shapes.entry(kind, entry))


@registry.patch("/id/<id:entry_id>")
@reads(CHANGES)
@answers(ENTRY, Conflict)
def update(kind: Kind, entry_id: str, said: EntryChanges) -> ResponseReturnValue:
    """Change what is given of an entry, and leave the rest."""
    entry = entries.get(current_actor(), kind, entry_id)
    entry = entries.edit(current_actor(), entry, said.fields(), experiment=said.experiment_name)
    return jsonify(shapes.entry(kind, entry))


@registry.delete("/id/<id:entry_id>")
@answers(Empty, Invalid)
def delete(kind: Kind, entry_id: str) -> ResponseReturnValue:
    """Delete an entry with all that belongs to it. One that others depend on stays (422)."""
    entries.remove(current_actor(), entries.get(current_actor(), kind, entry_id))
    return jsonify({})


@registry.get("/id/<id:entry_id>/experiments")
@answers(EXPERIMENTS)
def list_experiments(kind: Kind, entry_id: str) -> ResponseReturnValue:
    """The experiments that an entry belongs to; 404 where there are none."""
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
