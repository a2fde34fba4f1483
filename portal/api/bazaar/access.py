"""Access level, default permission and owner in the bazaar dialect."""

from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from portal.api.bazaar import bazaar
from portal.api.bodies import Spec
from portal.api.declared import answers, reads
from portal.api.shapes import EXAMPLE_ID, Empty
from portal.domain import access, entries
from portal.domain.kinds import Kind
from portal.errors import Conflict
from portal.identity import current_actor


class AccessSpec(Spec):
    access: str = Field(examples=["public"], json_schema_extra={"enum": list(access.ACCESSES)})
    team_id: str | None = None


class PermissionSpec(Spec):
    permission: str = Field(examples=["read"], json_schema_extra={"enum": list(access.DEFAULT_PERMISSIONS)})


class OwnerSpec(Spec):
    user_id: str = Field(examples=[EXAMPLE_ID])


@bazaar.post("/<word:kind>/<id:entry_id>/access")
@reads(AccessSpec)
@answers(Empty)
def set_access(kind: Kind, entry_id: str, said: AccessSpec) -> ResponseReturnValue:
    """Say who sees an entry: `private`, `protected` (a team's, whose `team_id` is given) or `public`."""
    access.set_access(current_actor(), entries.get(current_actor(), kind, entry_id), said.access, said.team_id)
    return jsonify({})


@bazaar.post("/<word:kind>/<id:entry_id>/default-permission")
@reads(PermissionSpec)
@answers(Empty)
def set_default_permission(kind: Kind, entry_id: str, said: PermissionSpec) -> ResponseReturnValue:
    """Say what those who see an entry may do with it: `read` or `write`."""
    access.set_default_permission(current_actor(), entries.get(current_actor(), kind, entry_id), said.permission)
    return jsonify({})


@bazaar.post("/<word:kind>/<id:entry_id>/owner")
@reads(OwnerSpec)
@answers(Empty, Conflict)
def set_owner(kind: Kind, entry_id: str, said: OwnerSpec) -> ResponseReturnValue:
    """Hand an entry over to somebody else."""
    access.set_owner(current_actor(), entries.get(current_actor(), kind, entry_id), said.user_id)
    return jsonify({})
