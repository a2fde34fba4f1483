"""The start page with its search of everything, and the choice of light or dark."""

from flask import Blueprint, current_app, redirect, render_template, request
from flask.typing import ResponseReturnValue

from portal.domain import digest, listing
from portal.domain.circumstances import TABLES
from portal.domain.kinds import KINDS
from portal.identity import current_actor
from portal.security.guard import require_reader
from portal.uploads import session as uploads
from portal.web.context import THEMES
from portal.web.redirects import safe_path
from portal.web.rows import change_rows, entry_rows, upload_rows

pages = Blueprint("home", __name__)

CHANGES, UPLOADS, FOUND = 12, 3, 8  # shown of each


@pages.get("/")
def index() -> ResponseReturnValue:
    actor = current_actor()
    require_reader(actor)
    text = request.args.get("q", "").replace("\0", " ").strip()[:255]
    if text:
        return _found(text)
    unfinished = uploads.list_unfinished(actor) if actor.is_known else []
    return render_template(
        "home/index.html",
        text=text,
        numbers=digest.numbers(actor),
        rows=change_rows(digest.changes(actor, CHANGES)),
        uploads=upload_rows(actor, unfinished[:UPLOADS]),
        signup=current_app.extensions["portal"].signup,
    )


def _found(text: str) -> str:
    """What a search of everything finds: the first few of each kind, and the way to all."""
    found = [(kind, *listing.search(current_actor(), kind, text, FOUND)) for kind in KINDS]
    return render_template(
        "home/found.html",
        text=text,
        found=[(kind, entry_rows(rows), total) for kind, rows, total in found if total],
        circumstances=list(TABLES),
    )


@pages.post("/theme")
def theme() -> ResponseReturnValue:
    chosen = request.form.get("theme", "")
    answer = redirect(safe_path(request.form.get("next")))
    if chosen in THEMES:
        answer.set_cookie("theme", chosen, max_age=31536000, httponly=True, samesite="Lax", secure=request.is_secure)
    else:
        answer.delete_cookie("theme")
    return answer
