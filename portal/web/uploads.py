"""The upload page, the list of unfinished uploads, and the terminal client as a file."""

import os
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

import portal.client
from portal.domain import entries, listing
from portal.domain.entries import Entry
from portal.domain.kinds import BY_SLUG, KINDS, MODEL, Kind
from portal.errors import Conflict, NotFound, invalid
from portal.identity import current_actor
from portal.security.guard import enforce
from portal.security.policy import OnEntry, Portal
from portal.uploads import machine, session, taken
from portal.uploads.machine import Announcement
from portal.uploads.session import Status
from portal.uploads.taken import Taken
from portal.uploads.whole import upload_whole
from portal.web import snippets
from portal.web.forms import REFUSALS, UploadForm, choices, take_whole_file
from portal.web.rows import UploadRow, upload_row, upload_rows

pages = Blueprint("uploads", __name__, url_prefix="/uploads")

OTHER_FIELDS = 2**20  # bytes


@pages.url_value_preprocessor
def take_whole_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    if endpoint == "uploads.send":
        take_whole_file(OTHER_FIELDS)


@pages.get("")
def index() -> ResponseReturnValue:
    enforce(current_actor(), Portal.USE)
    return render_template("uploads/index.html", rows=_unfinished())


@pages.get("/new")
def new() -> ResponseReturnValue:
    """For something new, or with `?entry=ID` for a new version of it."""
    enforce(current_actor(), Portal.USE)
    kind, entry = _target()
    return render_template("uploads/new.html", **_page(kind, entry, UploadForm(formdata=None)))


@pages.post("/new")
def send() -> ResponseReturnValue:
    """The whole file in one form, for a browser without JavaScript."""
    enforce(current_actor(), Portal.USE)
    kind, entry = _target()
    form = UploadForm()
    try:
        made = upload_whole(current_actor(), kind, _announcement(form, entry), form.file.data)
    except REFUSALS as error:
        name_of = taken.find(current_actor(), kind, form.name.data or "") if isinstance(error, Conflict) else None
        status = form.complain(name_of.conflict(kind.word, url_for("uploads.index")) if name_of else error)
        return render_template("uploads/new.html", **_page(kind, entry, form, name_of)), status
    flash(f"Version {made.number} is there. Its sha256 is {made.sha256}.", "success")
    return redirect(url_for("entries.show", kind=kind, entry_id=made.entry_id))


@pages.get("/<id:upload_id>")
def show(upload_id: str) -> ResponseReturnValue:
    enforce(current_actor(), Portal.USE)
    upload = session.get(current_actor(), upload_id)
    row = upload_row(current_actor(), upload)
    if upload.state is Status.DONE and upload.entry_id:
        return redirect(url_for("entries.show", kind=row.kind, entry_id=upload.entry_id))
    upload.require_alive()
    return render_template("uploads/new.html", kind=row.kind, upload=row, entry=None, **_limits())


@pages.post("/<id:upload_id>/cancellation")
def abort(upload_id: str) -> ResponseReturnValue:
    enforce(current_actor(), Portal.USE)
    machine.abort(current_actor(), session.get(current_actor(), upload_id))
    flash("The upload is cancelled and what had arrived is deleted.", "success")
    return redirect(url_for("uploads.index"))


@pages.get("/client.py")
def client() -> Response:
    """Standard library only, so that any machine with Python can finish an upload."""
    return send_file(Path(portal.client.__file__), mimetype="text/x-python", as_attachment=True)


def _announcement(form: UploadForm, entry: Entry | None) -> Announcement:
    file = form.file.data
    if not file:
        raise invalid("file", "Choose a file.")
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    entry_id = entry.id if entry else form.entry.data or None
    return Announcement(
        name=None if entry_id else form.name.data,
        entry_id=entry_id,
        type="" if entry_id else form.type.data or "",
        file_name=file.filename,
        size=size,
        chunk_size=min(machine.SUGGESTED_CHUNK, current_app.extensions["portal"].max_chunk_size),
        description=form.description.data or "",
    )


def _target() -> tuple[Kind, Entry | None]:
    kind = BY_SLUG.get(request.args.get("kind", MODEL.slug))
    if kind is None:
        raise NotFound()
    entry_id = request.args.get("entry")
    if not entry_id:
        return kind, None
    entry = entries.get(current_actor(), kind, entry_id)
    enforce(current_actor(), OnEntry.WRITE, entry)
    return kind, entry


def _page(kind: Kind, entry: Entry | None, form: UploadForm, name_of: Taken | None = None) -> dict[str, Any]:
    if entry is None:
        own = listing.own_names(current_actor(), kind)
        form.entry.choices = choices(
            ("", f"A new {kind.word}"), *((row.id, f"New version of {row.name}") for row in own)
        )
    return {
        "kind": kind,
        "other_kind": next(other for other in KINDS if other is not kind),
        "entry": entry,
        "form": form,
        "name_of": name_of,
        "unfinished": _unfinished(),
        "upload": None,
        "terminal": snippets.upload(kind, entry),
        **_limits(),
    }


def _unfinished() -> list[UploadRow]:
    return upload_rows(current_actor(), session.list_unfinished(current_actor()))


def _limits() -> dict[str, Any]:
    settings = current_app.extensions["portal"]
    return {"max_file_size": settings.max_file_size, "max_chunk_size": settings.max_chunk_size}
