"""The audit trail in the bazaar dialect: an entry's for its owner, the portal's for administrators."""

from urllib.parse import urlencode

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue

from portal.api.bazaar import bazaar
from portal.api.declared import Parameter, answers, takes
from portal.api.registry.pages import DEFAULT_LIMIT, MAX_LIMIT, read_limit
from portal.api.shapes import Id, Object, Shape, Time, rfc3339
from portal.domain import audit, entries, rules
from portal.domain.audit import AuditEntry, Trail
from portal.domain.kinds import Kind
from portal.errors import BadRequest, Denied
from portal.identity import current_actor

LIMIT = Parameter("limit", "How many at most.", type="integer", minimum=1, maximum=MAX_LIMIT, default=DEFAULT_LIMIT)
BEFORE = Parameter("before", "The id of the change that this page goes on after, to older ones.", format="uuid")
LINK = Parameter("Link", "The next page, with older changes (RFC 8288).")


class AuditShape(Shape):
    """`user_id` is null for visitors and for what the portal did by itself; `about` is a user name."""

    id: Id
    at: Time
    user_id: Id | None
    username: str
    via: str
    address: str | None
    what: str
    kind: str | None
    entry_id: Id | None
    entry_name: str
    team_id: Id | None
    team_name: str
    about: str
    details: Object


@bazaar.get("/<word:kind>/<id:entry_id>/audit")
@takes(LIMIT, BEFORE)
@answers(list[AuditShape], Denied, headers=(LINK,))
def list_changes(kind: Kind, entry_id: str) -> ResponseReturnValue:
    """What was done to an entry, by whom and from where, newest first."""
    entry = entries.get(current_actor(), kind, entry_id)
    return _answer(audit.of_entry(current_actor(), entry, read_limit(), _before()))


@bazaar.get("/audit")
@takes(LIMIT, BEFORE)
@answers(list[AuditShape], Denied, headers=(LINK,))
def list_all_changes() -> ResponseReturnValue:
    """What was done in the whole portal, newest first. For administrators."""
    return _answer(audit.recent(current_actor(), read_limit(), _before()))


def _answer(found: Trail) -> Response:
    response = jsonify([_shape(row) for row in found.rows])
    if found.older:
        query = urlencode({"limit": read_limit(), "before": found.older})
        response.headers["Link"] = f'<{request.base_url}?{query}>; rel="next"'
    return response


def _before() -> str | None:
    before = request.args.get("before")
    if before is not None and not rules.is_id(before):
        raise BadRequest(fields=[("before", "Takes the id of a change.")])
    return before


def _shape(row: AuditEntry) -> Object:
    team_id, team_name, details = audit.said(current_actor(), row)
    return {
        "id": row.id,
        "at": rfc3339(row.at),
        "user_id": row.actor_id,
        "username": row.username,
        "via": row.via,
        "address": row.address,
        "what": row.what,
        "kind": row.kind,
        "entry_id": row.entry_id,
        "entry_name": row.entry_name,
        "team_id": team_id,
        "team_name": team_name,
        "about": row.about,
        "details": details,
    }
