"""Entries in the bazaar dialect: list, info, delete, permissions, download."""

import re

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from portal.api.bazaar import bazaar, shapes
from portal.api.shapes import rfc3339
from portal.domain import entries, versions
from portal.domain.kinds import Kind
from portal.downloads import of_version, send
from portal.errors import BadRequest, NotFound
from portal.identity import current_actor
from portal.security.policy import OnEntry, can


@bazaar.get("/<word:kind>/list")
def list_entries(kind: Kind) -> ResponseReturnValue:
    return jsonify(shapes.entries(current_actor(), kind, entries.visible_ids(current_actor(), kind)))


@bazaar.get("/<word:kind>/<id:entry_id>")
def show_entry(kind: Kind, entry_id: str) -> ResponseReturnValue:
    entry = entries.get(current_actor(), kind, entry_id)
    found = shapes.entries(current_actor(), kind, [entry.id])
    if not found:  # deleted this moment
        raise NotFound(f"There is no such {kind.word}.")
    return jsonify(found[0])


@bazaar.delete("/<word:kind>/<id:entry_id>")
def delete_entry(kind: Kind, entry_id: str) -> ResponseReturnValue:
    entries.remove(current_actor(), entries.get(current_actor(), kind, entry_id))
    return jsonify({})


@bazaar.get("/<word:kind>/<id:entry_id>/permissions")
def show_permissions(kind: Kind, entry_id: str) -> ResponseReturnValue:
    """All false for what may not be seen, as for an id that does not exist."""
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
def download(kind: Kind, entry_id: str) -> ResponseReturnValue:
    entry = entries.get(current_actor(), kind, entry_id)
    return send(of_version(versions.get(current_actor(), entry, _number())))


def _number() -> int | None:
    text = request.args.get("version")
    if text is None:
        return None
    if not re.fullmatch("-?[0-9]+", text):
        raise BadRequest(fields=[("version", "Takes the number of a version.")])
    return max(int(text[:20]), 0)
