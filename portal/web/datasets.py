"""Datasets: the tab of an entry, and the page of one, which several entries may share."""

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain import belonging, entries
from portal.domain.kinds import BY_WORD, Kind
from portal.identity import current_actor
from portal.security.guard import require_reader
from portal.web.entries import head
from portal.web.entries import pages as entry_pages
from portal.web.figures import Pages
from portal.web.filters import page_number

pages = Blueprint("datasets", __name__, url_prefix="/datasets")

PAGE_ROWS = 100


@pages.before_request
def _know_the_visitor() -> None:
    require_reader(current_actor())


@entry_pages.get("/<kind:kind>/<id:entry_id>/datasets", endpoint="datasets")
def list_for(kind: Kind, entry_id: str) -> ResponseReturnValue:
    entry = entries.get(current_actor(), kind, entry_id)
    number, shared = page_number(request.args), head(kind, entry)
    found = belonging.datasets_in(current_actor(), entry, PAGE_ROWS, (number - 1) * PAGE_ROWS)
    here = url_for("entries.datasets", kind=kind, entry_id=entry.id)
    pages = Pages.of(number, shared["parts"].datasets, PAGE_ROWS, f"{here}?page=")
    return render_template("entries/datasets.html", **shared, datasets=found, pages=pages)


@pages.get("/<id:dataset_id>")
def show(dataset_id: str) -> ResponseReturnValue:
    dataset = belonging.get_dataset(current_actor(), dataset_id)
    sharing = belonging.entries_with(current_actor(), dataset.id)
    return render_template(
        "datasets/show.html", dataset=dataset, entries=sharing, most=belonging.MOST, kinds_by_word=BY_WORD
    )
