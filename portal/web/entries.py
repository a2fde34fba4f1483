"""The pages of entries: list, show, register, edit, delete. Written once for both kinds."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain import (
    app_pages,
    belonging,
    dependencies,
    entries,
    environments,
    experiments,
    listing,
    sharing,
    versions,
)
from portal.domain.entries import Entry
from portal.domain.kinds import Kind
from portal.domain.versions import Version
from portal.identity import current_actor
from portal.security.guard import enforce, require_reader
from portal.security.policy import OnEntry, Portal, can
from portal.web import filters, snippets
from portal.web.entry_form import EntryForm
from portal.web.figures import counted, human_size
from portal.web.forms import REFUSALS, DeleteForm
from portal.web.htmx import page
from portal.web.markdown import render
from portal.web.rows import entry_rows

pages = Blueprint("entries", __name__)
VERSIONS_SHOWN = 3


@pages.before_request
def _know_the_visitor() -> None:
    require_reader(current_actor())


@pages.get("/<kind:kind>")
def index(kind: Kind) -> ResponseReturnValue:
    asked = filters.asked(request.args)
    found = listing.page(current_actor(), kind, *asked)
    return page(
        "entries/index.html",
        "entries/_results.html",
        kind=kind,
        **filters.shown(kind, asked, found),
        rows=entry_rows(found.rows),
        may_create=can(current_actor(), Portal.CHANGE),
    )


@pages.get("/<kind:kind>/<id:entry_id>")
def show(kind: Kind, entry_id: str) -> ResponseReturnValue:
    actor = current_actor()
    entry = entries.get(actor, kind, entry_id)
    made = versions.list_for(actor, entry)
    return render_template(
        "entries/show.html",
        **head(kind, entry, made),
        versions=made[:VERSIONS_SHOWN],
        environments=environments.list_of(actor, entry) if made else (),
        app=app_pages.app_of(actor, entry),
        description_html=render(entry.description),
        experiments=[experiment.name for experiment in experiments.of_entry(entry.id)],
        depends_on=dependencies.of_entries(actor, [entry.id]).get(entry.id, []),
        dependents=dependencies.dependents(actor, entry.id),
        snippets=snippets.download(kind, entry, made[0]) if made and not made[0].is_damaged else [],
    )


@pages.get("/<kind:kind>/<id:entry_id>/versions", endpoint="versions")
def list_versions(kind: Kind, entry_id: str) -> ResponseReturnValue:
    actor = current_actor()
    entry = entries.get(actor, kind, entry_id)
    made = versions.list_for(actor, entry)
    return render_template(
        "entries/versions.html",
        **head(kind, entry, made),
        versions=made,
        environments=environments.list_of(actor, entry),
        deployments=environments.history(actor, entry),
    )


@pages.get("/<kind:kind>/new")
def new(kind: Kind) -> ResponseReturnValue:
    enforce(current_actor(), Portal.USE)
    return render_template("entries/new.html", kind=kind, form=EntryForm.for_kind(kind))


@pages.post("/<kind:kind>/new")
def register(kind: Kind) -> ResponseReturnValue:
    form, status = EntryForm.for_kind(kind), 422
    if form.validate():
        try:
            entry = entries.register(current_actor(), kind, **form.given())
            if names := form.named_experiments():
                experiments.replace(current_actor(), entry, names)
        except REFUSALS as error:
            status = form.complain(error)
        else:
            flash(f"The {kind.word} is registered. Only you see it until you share it.", "success")
            return redirect(url_for("entries.show", kind=kind, entry_id=entry.id))
    return render_template("entries/new.html", kind=kind, form=form), status


@pages.get("/<kind:kind>/<id:entry_id>/edit")
def edit(kind: Kind, entry_id: str) -> ResponseReturnValue:
    entry = _get_for(OnEntry.WRITE, kind, entry_id)
    built_on = dependencies.of_entries(current_actor(), [entry.id]).get(entry.id, [])
    form = EntryForm.filled(kind, entry, built_on, experiments.of_entry(entry.id))
    return render_template("entries/edit.html", kind=kind, entry=entry, form=form)


@pages.post("/<kind:kind>/<id:entry_id>/edit")
def save(kind: Kind, entry_id: str) -> ResponseReturnValue:
    entry = _get_for(OnEntry.WRITE, kind, entry_id)
    form, status = EntryForm.for_kind(kind), 422
    if form.validate():
        try:
            entries.edit(current_actor(), entry, **form.given())
            experiments.replace(current_actor(), entry, form.named_experiments())
        except REFUSALS as error:
            status = form.complain(error)
        else:
            flash("Saved.", "success")
            return redirect(url_for("entries.show", kind=kind, entry_id=entry.id))
    return render_template("entries/edit.html", kind=kind, entry=entry, form=form), status


@pages.get("/<kind:kind>/<id:entry_id>/delete")
def delete(kind: Kind, entry_id: str) -> ResponseReturnValue:
    return _delete_page(kind, _get_for(OnEntry.OWN, kind, entry_id), DeleteForm(formdata=None))


@pages.post("/<kind:kind>/<id:entry_id>/delete")
def remove(kind: Kind, entry_id: str) -> ResponseReturnValue:
    entry = _get_for(OnEntry.OWN, kind, entry_id)
    form, name, status = DeleteForm(), entry.name, 422
    if form.validate():
        try:
            form.require(name)
            entries.remove(current_actor(), entry)
        except REFUSALS as error:
            status = form.complain(error)
        else:
            flash(f"“{name}” is deleted.", "success")
            return redirect(url_for("entries.index", kind=kind))
    return _delete_page(kind, entry, form), status


def head(kind: Kind, entry: Entry, made: Sequence[Version] | None = None) -> dict[str, Any]:
    """What `entries/_head.html` needs; `made` are the entry's versions, where they are known already."""
    made = versions.list_for(current_actor(), entry) if made is None else made
    return {
        "kind": kind,
        "entry": entry,
        "latest": made[0] if made else None,
        "version_count": len(made),
        "parts": belonging.parts(current_actor(), entry),
        "may_write": can(current_actor(), OnEntry.WRITE, entry),
        "may_delete": can(current_actor(), OnEntry.OWN, entry),
        "may_oversee": can(current_actor(), OnEntry.OVERSEE, entry),
        "team": sharing.team_of(current_actor(), entry),
    }


def _get_for(permission: OnEntry, kind: Kind, entry_id: str) -> Entry:
    """The entry whose form is shown; the verb asks again when the form is sent."""
    entry = entries.get(current_actor(), kind, entry_id)
    enforce(current_actor(), permission, entry)
    return entry


def _delete_page(kind: Kind, entry: Entry, form: DeleteForm) -> str:
    made = versions.list_for(current_actor(), entry)
    gone = [f"the {kind.word} “{entry.name}” with its description, info and attributes"]
    if made:
        size = human_size(sum(version.size for version in made))
        gone.append(f"{counted(len(made), 'version')} with {'its file' if len(made) == 1 else 'their files'}, {size}")
    dependents = dependencies.count_dependents(entry)
    return render_template("entries/delete.html", kind=kind, entry=entry, form=form, gone=gone, dependents=dependents)
