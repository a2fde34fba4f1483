"""The start page, and the choice of light or dark."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from portal.domain import entries, listing
from portal.domain.kinds import KINDS
from portal.identity import current_actor
from portal.security.guard import require_reader
from portal.uploads import session as uploads
from portal.web.context import THEMES
from portal.web.redirects import safe_path
from portal.web.rows import entry_rows, upload_rows

pages = Blueprint("home", __name__)


@pages.get("/")
def index() -> ResponseReturnValue:
    actor = current_actor()
    require_reader(actor)
    numbers = entries.count(actor)
    return render_template(
        "home/index.html",
        rows=entry_rows(listing.newest(actor, 8)),
        counts=[(kind, numbers[kind.word]) for kind in KINDS],
        uploads=upload_rows(actor, uploads.list_unfinished(actor)) if actor.is_known else [],
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
