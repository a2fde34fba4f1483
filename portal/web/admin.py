"""Administration: what there is, who stores how much, what is unfinished or damaged, what was done."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain import audit, oversight
from portal.domain.audit import Trail
from portal.domain.kinds import BY_WORD, KINDS
from portal.errors import NotFound, Unauthenticated
from portal.identity import current_actor
from portal.security.policy import Portal, can
from portal.uploads import session as uploads
from portal.web import trail
from portal.web.rows import upload_row

pages = Blueprint("admin", __name__, url_prefix="/admin")

SHOWN = 10  # of each list of the overview
SHOWN_DAMAGED = 100


@pages.before_request
def _know_the_administrator() -> None:
    """Others cannot tell whether there is anything here."""
    if not current_actor().is_known:
        raise Unauthenticated()
    if not can(current_actor(), Portal.OVERSEE):
        raise NotFound("There is nothing at this address.")


@pages.get("")
def index() -> ResponseReturnValue:
    actor = current_actor()
    totals = oversight.totals(actor)
    waiting, number = uploads.list_all_unfinished(actor, SHOWN)
    recent = audit.recent(actor, SHOWN)
    return render_template(
        "admin/index.html",
        totals=totals,
        entry_counts=[(kind, totals.entries[kind.word]) for kind in KINDS],
        storage=[(row, round(100 * int(row.size) / totals.size)) for row in oversight.storage(actor, SHOWN)],
        damaged=oversight.damaged(actor, SHOWN_DAMAGED),
        kinds_by_word=BY_WORD,
        uploads=[(upload_row(actor, upload), username) for upload, username in waiting],
        upload_count=number,
        lines=_lines(recent),
    )


@pages.get("/activity")
def activity() -> ResponseReturnValue:
    before = request.args.get("before")
    found = audit.recent(current_actor(), before=before)
    here = url_for("admin.activity")
    return render_template(
        "admin/activity.html", lines=_lines(found), here=here, older=found.older, is_first=before is None
    )


def _lines(found: Trail) -> list[Any]:
    there = oversight.still_there(current_actor(), (row.entry_id for row in found.rows))
    return trail.of_portal(current_actor(), found.rows, there)
