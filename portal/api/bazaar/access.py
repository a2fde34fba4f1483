"""Access level and default permission in the bazaar dialect."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from portal.api.bazaar import bazaar
from portal.api.bodies import Spec, read_json
from portal.domain import access, entries
from portal.domain.kinds import Kind
from portal.identity import current_actor


class AccessSpec(Spec):
    access: str
    team_id: str | None = None


class PermissionSpec(Spec):
    permission: str


@bazaar.post("/<word:kind>/<id:entry_id>/access")
def set_access(kind: Kind, entry_id: str) -> ResponseReturnValue:
    spec = read_json(AccessSpec)
    access.set_access(current_actor(), entries.get(current_actor(), kind, entry_id), spec.access, spec.team_id)
    return jsonify({})


@bazaar.post("/<word:kind>/<id:entry_id>/default-permission")
def set_default_permission(kind: Kind, entry_id: str) -> ResponseReturnValue:
    spec = read_json(PermissionSpec)
    access.set_default_permission(current_actor(), entries.get(current_actor(), kind, entry_id), spec.permission)
    return jsonify({})
