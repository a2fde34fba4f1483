"""Runs of an entry: list, add."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from portal.api.declared import answers, reads, takes
from portal.api.registry import record_shapes, registry
from portal.api.registry.pages import PAGE, PAGED, paged, read_page
from portal.api.registry.record_shapes import RUN, RUN_SPECS, RunSpec
from portal.api.shapes import listed
from portal.domain import entries, runs
from portal.domain.kinds import Kind
from portal.errors import NotFound
from portal.identity import current_actor


@registry.get("/id/<id:entry_id>/runs")
@takes(*PAGE)
@answers(listed(RUN), headers=PAGED)
def list_runs(kind: Kind, entry_id: str) -> ResponseReturnValue:
    """The runs of an entry, oldest first; 404 where there are none."""
    page, entry = read_page(), entries.get(current_actor(), kind, entry_id)
    found, total = runs.find(current_actor(), entry, page.limit, page.offset)
    if not found:
        raise NotFound(f"This {kind.word} has no runs here.")
    return paged(jsonify([record_shapes.run(kind, entry, run) for run in found]), page, total)


@registry.post("/id/<id:entry_id>/runs")
@reads(RUN_SPECS)
@answers(RUN)
def add_run(kind: Kind, entry_id: str, said: RunSpec) -> ResponseReturnValue:
    """Add a run to an entry."""
    entry = entries.get(current_actor(), kind, entry_id)
    return jsonify(record_shapes.run(kind, entry, runs.add(current_actor(), entry, said.run_info)))
