"""Datasets of an entry: list, add."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from portal.api.bodies import read_json
from portal.api.registry import record_shapes, registry
from portal.api.registry.pages import paged, read_page
from portal.api.registry.parameters import PAGE, takes
from portal.domain import datasets, entries
from portal.domain.kinds import Kind
from portal.errors import NotFound
from portal.identity import current_actor


@registry.get("/id/<id:entry_id>/datasets")
@takes(*PAGE)
def list_datasets(kind: Kind, entry_id: str) -> ResponseReturnValue:
    page, entry = read_page(), entries.get(current_actor(), kind, entry_id)
    found, total = datasets.find(current_actor(), entry, page.limit, page.offset)
    if not found:
        raise NotFound(f"This {kind.word} has no datasets here.")
    return paged(jsonify([record_shapes.dataset(each) for each in found]), page, total)


@registry.post("/id/<id:entry_id>/datasets")
def add_dataset(kind: Kind, entry_id: str) -> ResponseReturnValue:
    spec = read_json(record_shapes.DatasetSpec)
    entry = entries.get(current_actor(), kind, entry_id)
    dataset = datasets.add(
        current_actor(),
        entry,
        spec.dataset_name,
        info=spec.dataset_info,
        collection_date=spec.collection_date,
        experiment=spec.experiment_name,
    )
    return jsonify(record_shapes.dataset(dataset))
