"""Teams: which there are, who is in one, what it shares; made, joined and left."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, StringField

from portal.domain import acquaintances, app_pages, listing, team_pages, teams
from portal.domain.kinds import KINDS, Kind
from portal.domain.teams import Team
from portal.identity import current_actor
from portal.security.guard import enforce
from portal.security.policy import OnTeam, Portal, can
from portal.web.figures import Pages, counted
from portal.web.filters import address, page_number
from portal.web.forms import REFUSALS, DeleteForm, Form, required
from portal.web.htmx import wants_fragment
from portal.web.rows import entry_rows

pages = Blueprint("teams", __name__, url_prefix="/teams")

ENTRIES_SHOWN = 10
GONE_ALREADY = "This person is not in the team any more."


class TeamForm(Form):
    name = StringField("Name", required("Give the team a name."))
    with_me = BooleanField("I am in it, as team admin", default=True)


class MemberForm(Form):
    person = StringField("Add somebody by user name or e-mail", required("Say who."))
    as_admin = BooleanField("As team admin, who looks after the team, too")


@pages.before_request
def _know_the_caller() -> None:
    enforce(current_actor(), Portal.USE)


@pages.get("")
def index() -> ResponseReturnValue:
    text, number = _asked()
    rows, total = team_pages.overview(current_actor(), text, team_pages.PAGE_ROWS, _offset(number))
    return render_template(
        "teams/index.html",
        rows=rows,
        total=total,
        text=text,
        pages=_pages(url_for("teams.index"), text, number, total),
        may_create=can(current_actor(), Portal.ADMINISTER),
    )


@pages.get("/people")
def people() -> ResponseReturnValue:
    """Options for who types a name: those the caller knows. No page, so whoever opens it is shown one."""
    if not wants_fragment():
        return redirect(url_for("teams.index"))
    text = request.args.get("person", "")
    return render_template("teams/_people.html", known=acquaintances.known(current_actor(), text[:255]))


@pages.get("/new")
def new() -> ResponseReturnValue:
    enforce(current_actor(), Portal.ADMINISTER)
    return render_template("teams/new.html", form=TeamForm(formdata=None))


@pages.post("/new")
def create() -> ResponseReturnValue:
    enforce(current_actor(), Portal.ADMINISTER)
    form, status = TeamForm(), 422
    if form.validate():
        try:
            team = teams.create(current_actor(), form.name.data or "", with_me=form.with_me.data)
        except REFUSALS as error:
            status = form.complain(error)
        else:
            flash("The team is made. Add the people who belong to it.", "success")
            return redirect(url_for("teams.show", team_id=team.id))
    return render_template("teams/new.html", form=form), status


@pages.get("/<id:team_id>")
def show(team_id: str) -> ResponseReturnValue:
    return _page(teams.get(current_actor(), team_id), MemberForm(formdata=None))


@pages.post("/<id:team_id>/members")
def add(team_id: str) -> ResponseReturnValue:
    team, form, status = _get_for(OnTeam.ADMINISTER, team_id), MemberForm(), 422
    if form.validate():
        try:
            user = acquaintances.named(current_actor(), form.person.data or "", "person")
            teams.add(current_actor(), team, user.id, as_admin=form.as_admin.data)
        except REFUSALS as error:
            status = form.complain(error)
        else:
            return _back(team_id, f"{user.username} is in the team.")
    return _page(team, form), status


@pages.post("/<id:team_id>/members/<id:user_id>/removal")
def dismiss(team_id: str, user_id: str) -> ResponseReturnValue:
    team = _get_for(OnTeam.ADMINISTER, team_id)
    name = team_pages.name_of(current_actor(), team, user_id)
    teams.dismiss(current_actor(), team, user_id)
    if user_id == current_actor().user_id:
        flash(f"You have left the team “{team.name}”.", "success")
        return redirect(url_for("teams.index"))
    return _back(team_id, f"{name} is out of the team." if name else GONE_ALREADY)


@pages.post("/<id:team_id>/admins/<id:user_id>")
def promote(team_id: str, user_id: str) -> ResponseReturnValue:
    team = _get_for(OnTeam.ADMINISTER, team_id)
    teams.add(current_actor(), team, user_id, as_admin=True)
    return _back(team_id, f"{team_pages.name_of(current_actor(), team, user_id)} is team admin now.")


@pages.post("/<id:team_id>/admins/<id:user_id>/removal")
def demote(team_id: str, user_id: str) -> ResponseReturnValue:
    team = _get_for(OnTeam.ADMINISTER, team_id)
    teams.demote(current_actor(), team, user_id)
    name = team_pages.name_of(current_actor(), team, user_id)
    return _back(team_id, f"{name} is team admin no more, but a member." if name else GONE_ALREADY)


@pages.get("/<id:team_id>/leave")
def leave(team_id: str) -> ResponseReturnValue:
    team = _get_for(OnTeam.LEAVE, team_id)
    own = _shared(team, owner=(current_actor().username,))
    closed = {kind: found.total - own[kind].total for kind, found in _shared(team).items()}
    return render_template("teams/leave.html", team=team, closed=_in_words(closed))


@pages.post("/<id:team_id>/leave")
def depart(team_id: str) -> ResponseReturnValue:
    team = _get_for(OnTeam.LEAVE, team_id)
    teams.leave(current_actor(), team)
    flash(f"You have left the team “{team.name}”.", "success")
    return redirect(url_for("teams.index"))


@pages.get("/<id:team_id>/edit")
def edit(team_id: str) -> ResponseReturnValue:
    team = _get_for(OnTeam.ADMINISTER, team_id)
    return render_template("teams/edit.html", team=team, form=_rename_form(formdata=None, obj=team))


@pages.post("/<id:team_id>/edit")
def rename(team_id: str) -> ResponseReturnValue:
    team, form, status = _get_for(OnTeam.ADMINISTER, team_id), _rename_form(), 422
    if form.validate():
        try:
            teams.rename(current_actor(), team, form.name.data or "")
        except REFUSALS as error:
            status = form.complain(error)
        else:
            return _back(team_id, "Saved.")
    return render_template("teams/edit.html", team=team, form=form), status


@pages.get("/<id:team_id>/delete")
def delete(team_id: str) -> ResponseReturnValue:
    return _delete_page(_get_for(OnTeam.REMOVE, team_id), DeleteForm(formdata=None))


@pages.post("/<id:team_id>/delete")
def remove(team_id: str) -> ResponseReturnValue:
    team = _get_for(OnTeam.REMOVE, team_id)
    form, name, status = DeleteForm(), team.name, 422
    if form.validate():
        try:
            form.require(name)
            teams.remove(current_actor(), team)
        except REFUSALS as error:
            status = form.complain(error)
        else:
            flash(f"The team “{name}” is deleted. What it shared is private now.", "success")
            return redirect(url_for("teams.index"))
    return _delete_page(team, form), status


def _get_for(permission: OnTeam, team_id: str) -> Team:
    """The team whose form is shown; the verb asks again when the form is sent."""
    team = teams.get(current_actor(), team_id)
    enforce(current_actor(), permission, team)
    return team


def _page(team: Team, form: MemberForm) -> str:
    actor, (text, number) = current_actor(), _asked()
    rows, total = team_pages.members(actor, team, text, team_pages.PAGE_ROWS, _offset(number))
    may_administer = can(actor, OnTeam.ADMINISTER, team)
    return render_template(
        "teams/show.html",
        team=team,
        form=form,
        members=rows,
        total=total,
        text=text,
        pages=_pages(url_for("teams.show", team_id=team.id), text, number, total),
        shared=[
            (kind, found.total, entry_rows(found.rows[:ENTRIES_SHOWN]), _list_of(kind, team))
            for kind, found in _shared(team).items()
        ],
        apps=app_pages.overview(actor, team),
        may_contribute=can(actor, OnTeam.CONTRIBUTE, team),
        is_in=team.id in actor.teams,
        may_administer=may_administer,
        may_remove=can(actor, OnTeam.REMOVE, team),
        may_leave=team.id in actor.teams and can(actor, OnTeam.LEAVE, team),
        known=acquaintances.known(actor, "", most=100) if may_administer else [],
    )


def _delete_page(team: Team, form: DeleteForm) -> str:
    _rows, people = team_pages.members(current_actor(), team, "", 0, 0)
    gone = [f"the team “{team.name}”" + (f" with its {counted(people, 'membership')}" if people else "")]
    if apps := len(app_pages.overview(current_actor(), team)):
        gone.append(f"its {counted(apps, 'app')}; what is in them stays its owner's")
    if shared := _in_words({kind: found.total for kind, found in _shared(team).items()}):
        gone.append(f"the team's access to {shared}: from then on private, each still its owner's")
    return render_template("teams/delete.html", team=team, form=form, gone=gone)


def _shared(team: Team, **more: tuple[str, ...]) -> dict[Kind, listing.EntryPage]:
    return {kind: listing.page(current_actor(), kind, {"team": (team.name,), **more}) for kind in KINDS}


def _in_words(numbers: dict[Kind, int]) -> str:
    return " and ".join(counted(number, kind.word) for kind, number in numbers.items() if number)


def _list_of(kind: Kind, team: Team) -> str:
    return address(url_for("entries.index", kind=kind), {"team": (team.name,)}, "newest")


def _rename_form(**given: Any) -> TeamForm:
    form = TeamForm(**given)
    del form.with_me
    return form


def _asked() -> tuple[str, int]:
    return request.args.get("q", "").strip()[:255], page_number(request.args)


def _offset(number: int) -> int:
    return (number - 1) * team_pages.PAGE_ROWS


def _pages(base: str, text: str, number: int, total: int) -> Pages:
    chosen = {"q": [text]} if text else {}
    return Pages.of(number, total, team_pages.PAGE_ROWS, address(base, chosen, "newest", page=""))


def _back(team_id: str, done: str) -> ResponseReturnValue:
    flash(done, "success")
    return redirect(url_for("teams.show", team_id=team_id))
