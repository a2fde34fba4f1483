"""The apps of a team: what is in one and deployed from it; made and filled."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField, TextAreaField

from portal.domain import app_pages, apps, environments, teams
from portal.domain.apps import App
from portal.domain.kinds import BY_WORD, MODEL
from portal.domain.teams import Team
from portal.identity import current_actor
from portal.security.guard import enforce
from portal.security.policy import OnApp, OnEntry, OnTeam, Portal, can
from portal.web.figures import Pages
from portal.web.filters import page_number
from portal.web.forms import REFUSALS, Form, required

pages = Blueprint("apps", __name__, url_prefix="/teams/<id:team_id>/apps")
KIND = MODEL


class AppForm(Form):
    name = StringField("Name", required("Give the app a name."))


class EntryForm(Form):
    name = StringField("Name", required("Give it a name."))
    description = TextAreaField("Description")


@pages.before_request
def _know_the_caller() -> None:
    enforce(current_actor(), Portal.USE)


@pages.get("/new")
def new(team_id: str) -> ResponseReturnValue:
    return render_template("apps/new.html", team=_team(team_id), form=AppForm(formdata=None))


@pages.post("/new")
def create(team_id: str) -> ResponseReturnValue:
    team, form, status = _team(team_id), AppForm(), 422
    if form.validate():
        try:
            app = apps.create(current_actor(), team, form.name.data or "")
        except REFUSALS as error:
            status = form.complain(error)
        else:
            flash("The app is made. Whoever is in the team adds models to it.", "success")
            return redirect(url_for("apps.show", team_id=team_id, app_id=app.id))
    return render_template("apps/new.html", team=team, form=form), status


@pages.get("/<id:app_id>")
def show(team_id: str, app_id: str) -> ResponseReturnValue:
    team, number = teams.get(current_actor(), team_id), page_number(request.args)
    app = apps.get(current_actor(), team, app_id)
    offset = min((number - 1) * app_pages.PAGE_ROWS, 2**62)
    rows, total = app_pages.entries(current_actor(), app, app_pages.PAGE_ROWS, offset)
    here = url_for("apps.show", team_id=team_id, app_id=app_id)
    return render_template(
        "apps/show.html",
        team=team,
        app=app,
        rows=rows,
        total=total,
        kind=KIND,
        kinds_by_word=BY_WORD,
        environments=environments.NAMES,
        writable={row.id for row in rows if can(current_actor(), OnEntry.WRITE, row)},
        may_contribute=can(current_actor(), OnApp.CONTRIBUTE, app),
        may_administer=can(current_actor(), OnApp.ADMINISTER, app),
        pages=Pages.of(number, total, app_pages.PAGE_ROWS, f"{here}?page="),
    )


@pages.get("/<id:app_id>/new")
def new_entry(team_id: str, app_id: str) -> ResponseReturnValue:
    team, app = _place(team_id, app_id)
    return render_template("apps/new_entry.html", team=team, app=app, kind=KIND, form=EntryForm(formdata=None))


@pages.post("/<id:app_id>/new")
def register(team_id: str, app_id: str) -> ResponseReturnValue:
    (team, app), form, status = _place(team_id, app_id), EntryForm(), 422
    if form.validate():
        fields = {"name": form.name.data or "", "description": form.description.data or ""}
        try:
            entry = apps.register(current_actor(), app, KIND, fields)
        except REFUSALS as error:
            status = form.complain(error)
        else:
            flash(f"The {KIND.word} is registered. Everybody in the team sees it.", "success")
            return redirect(url_for("entries.show", kind=KIND, entry_id=entry.id))
    return render_template("apps/new_entry.html", team=team, app=app, kind=KIND, form=form), status


@pages.get("/<id:app_id>/edit")
def edit(team_id: str, app_id: str) -> ResponseReturnValue:
    team, app = _place(team_id, app_id, OnApp.ADMINISTER)
    return render_template("apps/edit.html", team=team, app=app, form=AppForm(formdata=None, obj=app))


@pages.post("/<id:app_id>/edit")
def rename(team_id: str, app_id: str) -> ResponseReturnValue:
    (team, app), form, status = _place(team_id, app_id, OnApp.ADMINISTER), AppForm(), 422
    if form.validate():
        try:
            apps.rename(current_actor(), app, form.name.data or "")
        except REFUSALS as error:
            status = form.complain(error)
        else:
            flash("Saved. Programs find its models by the new name.", "success")
            return redirect(url_for("apps.show", team_id=team_id, app_id=app_id))
    return render_template("apps/edit.html", team=team, app=app, form=form), status


@pages.get("/<id:app_id>/delete")
def delete(team_id: str, app_id: str) -> ResponseReturnValue:
    team, app = _place(team_id, app_id, OnApp.ADMINISTER)
    return render_template("apps/delete.html", team=team, app=app, kind=KIND)


@pages.post("/<id:app_id>/delete")
def remove(team_id: str, app_id: str) -> ResponseReturnValue:
    _team_of_it, app = _place(team_id, app_id, OnApp.ADMINISTER)
    name = app.name
    apps.remove(current_actor(), app)
    flash(f"The app “{name}” is deleted. What was in it stays shared with the team.", "success")
    return redirect(url_for("teams.show", team_id=team_id))


def _team(team_id: str) -> Team:
    """The team for which an app is to be made; the verb asks again when the form is sent."""
    team = teams.get(current_actor(), team_id)
    enforce(current_actor(), OnTeam.CONTRIBUTE, team)
    return team


def _place(team_id: str, app_id: str, permission: OnApp = OnApp.CONTRIBUTE) -> tuple[Team, App]:
    """The app that is to be filled or changed, and its team; the verb asks again when the form is sent."""
    team = teams.get(current_actor(), team_id)
    app = apps.get(current_actor(), team, app_id)
    enforce(current_actor(), permission, app)
    return team, app
