"""Single records: add, show, update, delete."""

from flask import jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal import strict_json
from portal.api.bodies import read_body
from portal.api.declared import Parameter, accepts, answers, reads, takes
from portal.api.registry import record_form, record_shapes, records_bulk, registry
from portal.api.registry.record_shapes import CHANGES, RECORD, RecordChanges
from portal.api.shapes import Empty
from portal.domain import entries, record_lines, record_links, records
from portal.domain.kinds import Kind
from portal.errors import Conflict, NotFound, WrongType
from portal.identity import current_actor

LOCATION = (Parameter("Location", "Where it is, for 15 minutes."),)


@registry.post("/id/<id:entry_id>/records")
@takes(records_bulk.ATOMIC)
@accepts(record_form.BODIES)
@answers(records_bulk.ADDED, Conflict, about="The record, or what became of the lines.")
def add_record(kind: Kind, entry_id: str) -> ResponseReturnValue:
    """Add a record to an entry, with a file perhaps, or many records as NDJSON.

    Lines are committed some thousands at a time, and a bad one rejects itself alone.
    """
    actor = current_actor()
    if request.mimetype in records_bulk.TYPES:
        return records_bulk.load(kind, entries.get(actor, kind, entry_id))
    if request.mimetype == "multipart/form-data":
        entry = entries.get(actor, kind, entry_id)
        return jsonify(record_shapes.record(kind, entry, record_form.add(kind, entry)))
    if request.mimetype != "application/json":
        raise WrongType("Send a record as application/json, or as multipart/form-data.")
    new = record_lines.new_record(kind, strict_json.loads(read_body(strict_json.MAX_BYTES)))
    entry = entries.get_held(current_actor(), kind, entry_id)
    return jsonify(record_shapes.record(kind, entry, records.add(current_actor(), entry, new)))


@registry.get("/records/id/<id:record_id>")
@answers(RECORD)
def show_record(kind: Kind, record_id: str) -> ResponseReturnValue:
    """One record."""
    record, entry = records.get(current_actor(), record_id, kind)
    return jsonify(record_shapes.record(kind, entry, record))


@registry.get("/records/id/<id:record_id>/download")
@answers(bytes, status=307, media=("text/html",), headers=LOCATION, about="The file is at an address that expires.")
def download_record(kind: Kind, record_id: str) -> ResponseReturnValue:
    """The file of a record. It can be fetched in ranges."""
    record, _ = records.get(current_actor(), record_id, kind)
    return redirect(url_for("record_files.signed", token=record_links.token_for(record)), 307)


@registry.patch("/records/id/<id:record_id>")
@reads(CHANGES)
@answers(RECORD, Conflict)
def update_record(kind: Kind, record_id: str, said: RecordChanges) -> ResponseReturnValue:
    """Replace the data or the info of a record."""
    _, entry = records.get(current_actor(), record_id, kind)
    record = records.edit(current_actor(), entry, record_id, said.fields())
    return jsonify(record_shapes.record(kind, entry, record))


@registry.delete("/records/id/<id:record_id>")
@answers(Empty)
def delete_record(kind: Kind, record_id: str) -> ResponseReturnValue:
    """Delete a record and its file."""
    _, entry = records.get(current_actor(), record_id, kind)
    if not records.remove(current_actor(), entry, [record_id]):
        raise NotFound("There is no such record.")
    return jsonify({})
