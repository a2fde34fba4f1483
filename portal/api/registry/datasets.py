"""Datasets of an entry: list, add."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from portal.api.declared import answers, reads, takes
from portal.api.registry import record_shapes, registry
from portal.api.registry.pages import PAGE, PAGED, paged, read_page
from portal.api.registry.record_shapes import DatasetShape, DatasetSpec
from portal.domain import datasets, entries
from portal.domain.kinds import Kind
from portal.errors import Conflict, NotFound
from portal.identity import current_actor


@registry.get("/id/<id:entry_id>/datasets")
@takes(*PAGE)
@answers(list[DatasetShape], headers=PAGED)
def list_datasets(kind: Kind, entry_id: str) -> ResponseReturnValue:
    """The datasets of an entry, by name; 404 where there are none."""
    page, entry = read_page(), entries.get(current_actor(), kind, entry_id)
    found, total = datasets.find(current_actor(), entry, page.limit, page.offset)
    if not found:
        raise NotFound(f"This {kind.word} has no datasets here.")
    return paged(jsonify([record_shapes.dataset(each) for each in found]), page, total)


@registry.post("/id/<id:entry_id>/datasets")
@reads(DatasetSpec)
@answers(DatasetShape, Conflict)
def add_dataset(kind: Kind, entry_id: str, said: DatasetSpec) -> ResponseReturnValue:
    """Make a dataset of an entry."""
    entry = entries.get(current_actor(), kind, entry_id)
    dataset = datasets.add(
        current_actor(),
        entry,
        said.dataset_name,
        info=said.dataset_info,
        collection_date=said.collection_date,
        experiment=said.experiment_name,
    )
    return jsonify(record_shapes.dataset(dataset))
