"""Loading many records from a file: rehearsed, then loaded; whole by the form, in slices by static/js/import.js."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.file import FileField

from portal.domain import entries, record_bulk, record_lines, record_sheets
from portal.domain.entries import Entry
from portal.domain.kinds import Kind
from portal.domain.record_bulk import Loaded, Rejected
from portal.domain.record_lines import BadLine, Batch, Line
from portal.errors import PortalError, invalid
from portal.identity import current_actor
from portal.security.guard import enforce, require_reader
from portal.security.policy import OnEntry
from portal.web.figures import counted
from portal.web.forms import REFUSALS, Form, take_whole_file

pages = Blueprint("record_import", __name__)

MOST_SHOWN = 20
SAMPLE = 5
MOST_DATA = 200  # characters
OTHER_FIELDS = 2**20  # bytes
_PIECE = 256 << 10


class ImportForm(Form):
    file = FileField("File")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of a file that was gone through; `sample` is of its first records."""

    loaded: Loaded
    sample: list[Line]
    file_name: str
    is_rehearsal: bool

    @property
    def wrong(self) -> list[Rejected]:
        return [each for each in self.loaded.rejected if not each.is_present][:MOST_SHOWN]


@pages.url_value_preprocessor
def take_whole_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    if endpoint == "record_import.send":
        take_whole_file(OTHER_FIELDS)


@pages.before_request
def _know_the_visitor() -> None:
    require_reader(current_actor())


@pages.get("/<kind:kind>/<id:entry_id>/records/import")
def new(kind: Kind, entry_id: str) -> ResponseReturnValue:
    return _page(kind, _get(kind, entry_id), ImportForm(formdata=None))


@pages.post("/<kind:kind>/<id:entry_id>/records/import")
def send(kind: Kind, entry_id: str) -> ResponseReturnValue:
    """Goes through the file, and adds its records if `step` is `load`. Answers the script with JSON."""
    entry, form = _get(kind, entry_id), ImportForm()
    try:
        outcome = _go_through(kind, entry, form.file.data, is_rehearsal=request.form.get("step") != "load")
    except REFUSALS as error:
        status = form.complain(error)
        if _is_for_script():
            return jsonify({"detail": error.detail if isinstance(error, PortalError) else str(error)}), status
        return _page(kind, entry, form), status
    if _is_for_script():
        return jsonify(_shape(outcome))
    if outcome.is_rehearsal or outcome.loaded.wrong:
        return _page(kind, entry, ImportForm(formdata=None), outcome)
    flash(f"{counted(outcome.loaded.inserted, 'record')} added.", "success")
    return redirect(url_for("records.of_entry", kind=kind, entry_id=entry_id))


def _get(kind: Kind, entry_id: str) -> Entry:
    entry = entries.get(current_actor(), kind, entry_id)
    enforce(current_actor(), OnEntry.WRITE, entry)
    return entry


def _go_through(kind: Kind, entry: Entry, file: Any, *, is_rehearsal: bool) -> Outcome:
    if not file:
        raise invalid("file", "Choose a file.")
    is_sheet = (file.filename or "").lower().endswith((".csv", ".tsv"))
    batches = (record_sheets.read_csv if is_sheet else record_lines.read_ndjson)(kind, _pieces(file.stream))
    outcome = Outcome(Loaded(), [], file.filename or "", is_rehearsal)
    sampled = _sampled(batches, outcome.sample)
    for loaded in record_bulk.add_many(current_actor(), entry, sampled, rehearsal=is_rehearsal):
        outcome = Outcome(loaded, outcome.sample, outcome.file_name, is_rehearsal)
    return outcome


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _sampled(batches: Iterator[Batch], sample: list[Line]) -> Iterator[Batch]:
    for batch in batches:
        if len(sample) < SAMPLE:
            sample += [line for line in batch if not isinstance(line, BadLine)][: SAMPLE - len(sample)]
        yield batch


def _is_for_script() -> bool:
    return request.accept_mimetypes.best == "application/json"


def _shape(outcome: Outcome) -> dict[str, Any]:
    loaded = outcome.loaded
    return {
        "inserted": loaded.inserted,
        "present": loaded.present,
        "wrong": loaded.wrong,
        "rejected": [{"line": line, "error": error} for line, error, _ in outcome.wrong],
        "sample": [shown(line) for line in outcome.sample],
    }


def shown(line: Line) -> list[str]:
    """The cells of a row of the sample."""
    number, names, dataset, time, _collected, data, _info = line
    data = data or ""
    short = f"{data[:MOST_DATA]}…" if len(data) > MOST_DATA else data
    return [f"{number:,}", time[:19].replace("T", " "), *(name or "" for name in names), dataset or "", short]


def _page(kind: Kind, entry: Entry, form: ImportForm, outcome: Outcome | None = None) -> str:
    sample = [shown(line) for line in outcome.sample] if outcome else []
    return render_template(
        "records/import.html", kind=kind, entry=entry, form=form, outcome=outcome, sample=sample, most_shown=MOST_SHOWN
    )
