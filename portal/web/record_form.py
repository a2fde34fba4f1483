"""The forms of a record: add one to an entry, change its data, delete it."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.file import FileField
from wtforms import StringField, TextAreaField

from portal.domain import belonging, circumstances, entries, record_lines, records, rules
from portal.domain.entries import Entry
from portal.domain.kinds import BY_WORD, Kind
from portal.domain.records import NewRecord, Record
from portal.errors import Invalid, PortalError
from portal.identity import current_actor
from portal.security.guard import enforce, require_reader
from portal.security.policy import OnEntry
from portal.uploads.record_file import PIECE, add_with_file
from portal.web.forms import REFUSALS, Form, take_whole_file
from portal.web.json_field import json_object, json_text

pages = Blueprint("record_form", __name__)

MOST_OFFERED = 500  # names of datasets
OTHER_FIELDS = 6 << 20  # bytes: JSON twice, written as widely as one may
TEXTS = ("experiment_name", "season_name", "site_name", "dataset_name", "timestamp", "collection_date")


class RecordForm(Form):
    """Named like the fields of the registry dialect, whose rules it is held to."""

    experiment_name = StringField("Experiment")
    season_name = StringField("Season")
    site_name = StringField("Site")
    dataset_name = StringField("Dataset")
    timestamp = StringField("Time")
    collection_date = StringField("Collected on")
    data = TextAreaField("Data")
    info = TextAreaField("Info", default="{}")
    file = FileField("File")

    def given(self, kind: Kind, file_name: str | None = None) -> NewRecord:
        """The record that was typed; 422 names every field that will not do."""
        said: dict[str, Any] = {name: self[name].data.strip() for name in TEXTS if (self[name].data or "").strip()}
        wrong: list[tuple[str, str]] = []
        for field, name in (("data", f"{kind.word}_data"), ("info", "record_info")):
            try:
                if (self[field].data or "").strip():
                    said[name] = json_object(self[field].data, field)
            except PortalError as error:
                wrong += error.fields
        try:
            new = record_lines.new_record(kind, said, file_name=file_name)
        except Invalid as error:
            raise Invalid(fields=[*wrong, *error.fields]) from None
        if wrong:
            raise Invalid(fields=wrong)
        return new


class ChangeForm(Form):
    data = TextAreaField("Data")
    info = TextAreaField("Info", default="{}")


@pages.before_request
def _know_the_visitor() -> None:
    require_reader(current_actor())


@pages.url_value_preprocessor
def take_whole_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    if endpoint == "record_form.add":
        take_whole_file(OTHER_FIELDS)


@pages.get("/<kind:kind>/<id:entry_id>/records/new")
def new(kind: Kind, entry_id: str) -> ResponseReturnValue:
    entry = entries.get(current_actor(), kind, entry_id)
    enforce(current_actor(), OnEntry.WRITE, entry)
    return _new_page(kind, entry, RecordForm(formdata=None))


@pages.post("/<kind:kind>/<id:entry_id>/records/new")
def add(kind: Kind, entry_id: str) -> ResponseReturnValue:
    entry, form = entries.get(current_actor(), kind, entry_id), RecordForm()
    enforce(current_actor(), OnEntry.WRITE, entry)
    try:
        record = _added(entry, kind, form)
    except REFUSALS as error:
        status = form.complain(error, {f"{kind.word}_data": "data", "record_info": "info", "record_file": "file"})
        return _new_page(kind, entry, form), status
    flash("The record is added.", "success")
    return redirect(url_for("records.show", record_id=record.id))


@pages.get("/records/<id:record_id>/edit")
def edit(record_id: str) -> ResponseReturnValue:
    record, entry = _get(record_id)
    texts = {"data": "" if record.data is None else json_text(record.data), "info": json_text(record.info)}
    return _edit_page(record, entry, ChangeForm(formdata=None, data=texts))


@pages.post("/records/<id:record_id>/edit")
def save(record_id: str) -> ResponseReturnValue:
    record, entry = _get(record_id)
    form, fields, wrong = ChangeForm(), {}, []
    for name in ("data", "info"):
        try:
            is_blank = name == "data" and not (form[name].data or "").strip()
            fields[name] = None if is_blank else json_object(form[name].data, name)
        except PortalError as error:
            wrong += error.fields
    try:
        if wrong:
            raise Invalid(fields=wrong)
        records.edit(current_actor(), entry, record_id, fields)
    except REFUSALS as error:
        status = form.complain(error, {f"{entry.kind}_data": "data"})
        return _edit_page(record, entry, form), status
    flash("Saved.", "success")
    return redirect(url_for("records.show", record_id=record_id))


@pages.get("/records/<id:record_id>/delete")
def delete(record_id: str) -> ResponseReturnValue:
    record, entry = _get(record_id)
    return render_template("records/delete.html", record=record, entry=entry, kind=BY_WORD[entry.kind])


@pages.post("/records/<id:record_id>/delete")
def remove(record_id: str) -> ResponseReturnValue:
    _record, entry = _get(record_id)
    records.remove(current_actor(), entry, [record_id])
    flash("The record is deleted.", "success")
    return redirect(url_for("records.of_entry", kind=BY_WORD[entry.kind], entry_id=entry.id))


def _added(entry: Entry, kind: Kind, form: RecordForm) -> Record:
    if not form.file.data:
        return records.add(current_actor(), entry, form.given(kind))
    name, data = rules.file_name(form.file.data.filename), form.file.data.stream
    new = form.given(kind, name)  # what is wrong is said before the file goes anywhere
    return add_with_file(current_actor(), entry, name, iter(lambda: data.read(PIECE), b""), lambda: new)


def _get(record_id: str) -> tuple[Record, Entry]:
    """The record whose form is shown; the verb asks again when the form is sent."""
    record, entry = records.get(current_actor(), record_id)
    enforce(current_actor(), OnEntry.WRITE, entry)
    return record, entry


def _new_page(kind: Kind, entry: Entry, form: RecordForm) -> str:
    actor = current_actor()
    known = {word: belonging.names(actor, word) for word in circumstances.TABLES}
    known["dataset"] = [dataset.name for dataset in belonging.datasets_in(actor, entry, MOST_OFFERED)]
    return render_template("records/new.html", kind=kind, entry=entry, form=form, known=known)


def _edit_page(record: Record, entry: Entry, form: ChangeForm) -> str:
    return render_template("records/edit.html", kind=BY_WORD[entry.kind], entry=entry, record=record, form=form)
