"""What `dev` and `prod` of an entry point at: a part of its versions' page, with one button for each."""

import re

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain import app_pages, entries, environments
from portal.domain.kinds import Kind
from portal.identity import current_actor
from portal.web.entries import pages


@pages.post("/<kind:kind>/<id:entry_id>/environments")
def deploy(kind: Kind, entry_id: str) -> ResponseReturnValue:
    entry = entries.get(current_actor(), kind, entry_id)
    name, asked = request.form.get("environment", ""), request.form.get("version", "")
    number = int(asked) if re.fullmatch("[0-9]{1,9}", asked) else 0
    made = environments.deploy(current_actor(), entry, number, name)
    flash(f"{name} of {entry.name} is version {made} now.", "success")
    app = app_pages.app_of(current_actor(), entry) if "from_app" in request.form else None
    if app is not None:
        return redirect(url_for("apps.show", team_id=app.team_id, app_id=app.id))
    return redirect(url_for("entries.versions", kind=kind, entry_id=entry_id))
