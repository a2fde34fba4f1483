"""Single records: add, show, update, delete."""

from flask import jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal import strict_json
from portal.api.bodies import read_body, read_json
from portal.api.registry import record_form, record_shapes, records_bulk, registry
from portal.api.registry.parameters import takes
from portal.domain import entries, record_lines, record_links, records
from portal.domain.kinds import Kind
from portal.errors import NotFound, WrongType
from portal.identity import current_actor


@registry.post("/id/<id:entry_id>/records")
@takes("atomic")
def add_record(kind: Kind, entry_id: str) -> ResponseReturnValue:
    entry = entries.get(current_actor(), kind, entry_id)
    if request.mimetype in records_bulk.TYPES:
        return records_bulk.load(kind, entry)
    if request.mimetype == "multipart/form-data":
        return jsonify(record_shapes.record(kind, entry, record_form.add(kind, entry)))
    if request.mimetype != "application/json":
        raise WrongType("Send a record as application/json, or as multipart/form-data.")
    new = record_lines.new_record(kind, strict_json.loads(read_body(strict_json.MAX_BYTES)))
    return jsonify(record_shapes.record(kind, entry, records.add(current_actor(), entry, new)))


@registry.get("/records/id/<id:record_id>")
def show_record(kind: Kind, record_id: str) -> ResponseReturnValue:
    record, entry = records.get(current_actor(), record_id, kind)
    return jsonify(record_shapes.record(kind, entry, record))


@registry.get("/records/id/<id:record_id>/download")
def download_record(kind: Kind, record_id: str) -> ResponseReturnValue:
    record, _ = records.get(current_actor(), record_id, kind)
    return redirect(url_for("record_files.signed", token=record_links.token_for(record)), 307)


@registry.patch("/records/id/<id:record_id>")
def update_record(kind: Kind, record_id: str) -> ResponseReturnValue:
    spec = read_json(record_shapes.CHANGES[kind.word])
    _, entry = records.get(current_actor(), record_id, kind)
    record = records.edit(current_actor(), entry, record_id, spec.fields())
    return jsonify(record_shapes.record(kind, entry, record))


@registry.delete("/records/id/<id:record_id>")
def delete_record(kind: Kind, record_id: str) -> ResponseReturnValue:
    _, entry = records.get(current_actor(), record_id, kind)
    if not records.remove(current_actor(), entry, [record_id]):
        raise NotFound("There is no such record.")
    return jsonify({})
