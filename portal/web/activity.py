"""What was done to an entry, by whom, from where: a tab of its pages, for its owner."""

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain import audit, entries
from portal.domain.kinds import Kind
from portal.identity import current_actor
from portal.web import trail
from portal.web.entries import head, pages


@pages.get("/<kind:kind>/<id:entry_id>/activity", endpoint="activity")
def show(kind: Kind, entry_id: str) -> ResponseReturnValue:
    entry = entries.get(current_actor(), kind, entry_id)
    before = request.args.get("before")
    found = audit.of_entry(current_actor(), entry, before=before)
    return render_template(
        "entries/activity.html",
        **head(kind, entry),
        lines=trail.of_entry(current_actor(), found.rows),
        here=url_for("entries.activity", kind=kind, entry_id=entry.id),
        older=found.older,
        is_first=before is None,
    )
