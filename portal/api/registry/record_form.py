"""A record as multipart/form-data: its fields as text, JSON among them as JSON text, and perhaps a file."""

from collections.abc import Mapping
from typing import Any

from portal import strict_json
from portal.api import multipart
from portal.api.declared import JSON
from portal.database import end_read
from portal.domain import record_lines, records, rules
from portal.domain.entries import Entry
from portal.domain.kinds import KINDS, Kind
from portal.domain.records import NewRecord, Record
from portal.errors import PortalError
from portal.identity import current_actor, forget_actor
from portal.security.guard import enforce
from portal.security.policy import OnEntry
from portal.strict_json import compact
from portal.uploads.record_file import add_with_file

FILE = "record_file"


def _bodies() -> Mapping[str, Any]:
    """How a record may be sent, or many of them."""
    record, form, many = {}, {}, {}
    for kind in KINDS:
        fields = record_lines.schemas(kind)
        example = {"timestamp": "2026-08-01T12:00:00Z", "site_name": "Waseca", f"{kind.word}_data": {"yield": 48.9}}
        record[kind.word] = _object(fields, example)
        file = {FILE: {"type": "string", "format": "binary"}}
        said = {name: text if isinstance(text, str) else compact(text) for name, text in example.items()}
        form[kind.word] = _object({name: {"type": "string"} for name in fields} | file, said)
        many[kind.word] = {"type": "string", "examples": [f"{compact(example)}\n"]}
    return {JSON: record, "multipart/form-data": form, "application/x-ndjson": many}


def _object(fields: Mapping[str, Any], example: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "additionalProperties": False, "examples": [example]}


BODIES = _bodies()


def add(kind: Kind, entry: Entry) -> Record:
    """The record that the current request's form describes. Nothing is read of who may not add one."""
    enforce(current_actor(), OnEntry.WRITE, entry)
    end_read()
    form = multipart.opened(FILE)
    file_name = form.find_file()

    def describe() -> NewRecord:
        name = None if file_name is None else rules.file_name(file_name)
        return record_lines.new_record(kind, _said(kind, form.rest()), file_name=name)

    if file_name is None:
        new = describe()
        forget_actor()
        return records.add(current_actor(), entry, new)
    return add_with_file(current_actor(), entry, file_name, form.file(), describe)


def _said(kind: Kind, fields: dict[str, str]) -> dict[str, Any]:
    """As the JSON body would be. A field left empty in a form is not given."""
    in_json = (f"{kind.word}_data", "record_info")
    return {name: _json(name, text) if name in in_json else text for name, text in fields.items() if text.strip()}


def _json(field: str, text: str) -> Any:
    try:
        return strict_json.loads(text)
    except PortalError as error:
        error.fields = [(field, error.detail)]
        raise
