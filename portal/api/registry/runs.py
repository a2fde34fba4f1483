"""Runs of an entry: list, add."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from portal.api.bodies import read_json
from portal.api.registry import record_shapes, registry
from portal.api.registry.pages import paged, read_page
from portal.api.registry.parameters import PAGE, takes
from portal.domain import entries, runs
from portal.domain.kinds import Kind
from portal.errors import NotFound
from portal.identity import current_actor


@registry.get("/id/<id:entry_id>/runs")
@takes(*PAGE)
def list_runs(kind: Kind, entry_id: str) -> ResponseReturnValue:
    page, entry = read_page(), entries.get(current_actor(), kind, entry_id)
    found, total = runs.find(current_actor(), entry, page.limit, page.offset)
    if not found:
        raise NotFound(f"This {kind.word} has no runs here.")
    return paged(jsonify([record_shapes.run(kind, entry, run) for run in found]), page, total)


@registry.post("/id/<id:entry_id>/runs")
def add_run(kind: Kind, entry_id: str) -> ResponseReturnValue:
    spec = read_json(record_shapes.RUNS[kind.word])
    entry = entries.get(current_actor(), kind, entry_id)
    return jsonify(record_shapes.run(kind, entry, runs.add(current_actor(), entry, spec.run_info)))
