"""Entries in the bazaar dialect: list, info, delete, permissions, download."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from portal.api.bazaar import bazaar, shapes
from portal.api.bazaar.shapes import ENTRY, PermissionsShape
from portal.api.declared import BYTES, answers, takes
from portal.api.files import ELSEWHERE, FILE_ASKED, FILE_HEADERS, VERSION, asked_version
from portal.api.shapes import Empty, listed, rfc3339
from portal.domain import entries, versions
from portal.domain.kinds import Kind
from portal.downloads import NotSatisfiable, of_version, send
from portal.errors import Invalid, NotFound
from portal.identity import current_actor
from portal.security.policy import OnEntry, can


@bazaar.get("/<word:kind>/list")
@answers(listed(ENTRY))
def list_entries(kind: Kind) -> ResponseReturnValue:
    """Every entry that the caller may see."""
    return jsonify(shapes.entries(current_actor(), kind, entries.visible_ids(current_actor(), kind)))


@bazaar.get("/<word:kind>/<id:entry_id>")
@answers(ENTRY)
def show_entry(kind: Kind, entry_id: str) -> ResponseReturnValue:
    """One entry, with its newest version beside it."""
    entry = entries.get(current_actor(), kind, entry_id)
    found = shapes.entries(current_actor(), kind, [entry.id])
    if not found:  # deleted this moment
        raise NotFound(f"There is no such {kind.word}.")
    return jsonify(found[0])


@bazaar.delete("/<word:kind>/<id:entry_id>")
@answers(Empty, Invalid)
def delete_entry(kind: Kind, entry_id: str) -> ResponseReturnValue:
    """Delete an entry with all that belongs to it. One that others depend on stays (422)."""
    entries.remove(current_actor(), entries.get(current_actor(), kind, entry_id))
    return jsonify({})


@bazaar.get("/<word:kind>/<id:entry_id>/permissions")
@answers(PermissionsShape)
def show_permissions(kind: Kind, entry_id: str) -> ResponseReturnValue:
    """What the caller may do with an entry: all false where it may not be seen, as for an id that does not exist."""
    actor = current_actor()
    try:
        entry = entries.get(actor, kind, entry_id)
    except NotFound:
        held = dict.fromkeys(("read", "write", "owner"), False)
    else:
        asked = {"read": OnEntry.READ, "write": OnEntry.WRITE, "owner": OnEntry.OWN}
        held = {name: can(actor, permission, entry) for name, permission in asked.items()}
    return jsonify({**held, "exp": rfc3339(actor.expires_at), "username": actor.username})


@bazaar.get("/<word:kind>/<id:entry_id>/download")
@takes(VERSION, headers=FILE_ASKED)
@answers(bytes, Invalid, NotSatisfiable, media=(BYTES,), headers=FILE_HEADERS)
@answers(bytes, status=206, media=(BYTES,), headers=FILE_HEADERS, about="The range that was asked for.")
@answers(None, status=304, about="The caller has these bytes.")
@answers(None, status=307, headers=ELSEWHERE, about="The storage sends them, from an address that expires.")
def download(kind: Kind, entry_id: str) -> ResponseReturnValue:
    """The file of an entry's newest version, or of another. `ETag` is its sha256."""
    entry = entries.get(current_actor(), kind, entry_id)
    return send(of_version(versions.get(current_actor(), entry, asked_version())))
