"""The runs of an entry: a tab of its pages, with a small form to add one."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import TextAreaField

from portal.domain import entries, runs
from portal.domain.entries import Entry
from portal.domain.kinds import Kind
from portal.identity import current_actor
from portal.web.entries import head, pages
from portal.web.figures import Pages
from portal.web.filters import page_number
from portal.web.forms import REFUSALS, Form
from portal.web.json_field import json_object

PAGE_ROWS = 50


class RunForm(Form):
    info = TextAreaField("Info", default="{}")


@pages.get("/<kind:kind>/<id:entry_id>/runs", endpoint="runs")
def list_runs(kind: Kind, entry_id: str) -> ResponseReturnValue:
    return _page(kind, entries.get(current_actor(), kind, entry_id), RunForm(formdata=None))


@pages.post("/<kind:kind>/<id:entry_id>/runs", endpoint="add_run")
def add(kind: Kind, entry_id: str) -> ResponseReturnValue:
    entry, form = entries.get(current_actor(), kind, entry_id), RunForm()
    try:
        runs.add(current_actor(), entry, json_object(form.info.data, "info"))
    except REFUSALS as error:
        status = form.complain(error)
        return _page(kind, entry, form), status
    flash("The run is added.", "success")
    return redirect(url_for("entries.runs", kind=kind, entry_id=entry.id))


def _page(kind: Kind, entry: Entry, form: RunForm) -> str:
    number = page_number(request.args)
    offset = min((number - 1) * PAGE_ROWS, 2**62)
    found, total = runs.find(current_actor(), entry, PAGE_ROWS, offset, newest=True)
    here = url_for("entries.runs", kind=kind, entry_id=entry.id)
    return render_template(
        "entries/runs.html",
        **head(kind, entry),
        runs=found,
        total=total,
        pages=Pages.of(number, total, PAGE_ROWS, f"{here}?page="),
        form=form,
    )
