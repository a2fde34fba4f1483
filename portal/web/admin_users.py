"""Administration of people: who is here, adding, verifying, who administers, and deleting with what passes to whom."""

from typing import Any
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain import oversight, people
from portal.errors import Invalid
from portal.identity import current_actor
from portal.uploads import session as uploads
from portal.web.admin import pages
from portal.web.figures import Pages, counted, human_size
from portal.web.filters import page_number
from portal.web.forms import REFUSALS, DeleteForm, SignUpForm
from portal.web.redirects import safe_path

NAMED = 5  # names in a sentence


@pages.get("/users", endpoint="users")
def list_users() -> ResponseReturnValue:
    text, number = request.args.get("q", "").strip()[:255], page_number(request.args)
    found, total = oversight.people(current_actor(), text, number)
    here = url_for("admin.users")
    return render_template(
        "admin/users.html",
        text=text,
        rows=found,
        total=total,
        base=here,
        pages=Pages.of(number, total, oversight.PAGE_PEOPLE, f"{here}?{urlencode({'q': text})}&page="),
    )


@pages.get("/users/new")
def new_user() -> ResponseReturnValue:
    return render_template("admin/new_user.html", form=SignUpForm(formdata=None))


@pages.post("/users/new")
def create_user() -> ResponseReturnValue:
    form, status = SignUpForm(), 422
    if form.validate():
        try:
            made = people.create(current_actor(), form.username.data, form.email.data, form.password.data)
        except REFUSALS as error:
            status = form.complain(error)
        else:
            flash(f"{made.username} can log in now.", "success")
            return redirect(url_for("admin.users", q=made.username))
    return render_template("admin/new_user.html", form=form), status


@pages.post("/users/<id:user_id>/verification")
def verify(user_id: str) -> ResponseReturnValue:
    people.verify(current_actor(), user_id)
    return _back(f"{_name(user_id)} may log in now.")


@pages.post("/users/<id:user_id>/promotion")
def promote(user_id: str) -> ResponseReturnValue:
    people.promote(current_actor(), user_id)
    return _back(f"{_name(user_id)} is an administrator now.")


@pages.post("/users/<id:user_id>/demotion")
def demote(user_id: str) -> ResponseReturnValue:
    try:
        people.demote(current_actor(), user_id)
    except Invalid as error:
        flash(error.detail, "danger")
        return redirect(safe_path(request.form.get("next")))
    if user_id.lower() == current_actor().user_id:
        flash("You are no administrator any more.", "success")
        return redirect(url_for("home.index"))
    return _back(f"{_name(user_id)} is an ordinary user now.")


@pages.get("/users/<id:user_id>/delete")
def delete_user(user_id: str) -> ResponseReturnValue:
    return _delete_page(user_id, DeleteForm(formdata=None))


@pages.post("/users/<id:user_id>/delete")
def remove_user(user_id: str) -> ResponseReturnValue:
    name = oversight.person(current_actor(), user_id).username
    form, status = DeleteForm(), 422
    if form.validate():
        try:
            form.require(name, "This is not the user name.")
            people.remove(current_actor(), user_id)
        except REFUSALS as error:
            status = form.complain(error)
        else:
            flash(f"The account of {name} is deleted.", "success")
            return redirect(url_for("admin.users"))
    return _delete_page(user_id, form), status


def _name(user_id: str) -> str:
    name: str = oversight.person(current_actor(), user_id).username
    return name


def _back(words: str) -> ResponseReturnValue:
    flash(words, "success")
    return redirect(safe_path(request.form.get("next")))


def _delete_page(user_id: str, form: DeleteForm) -> str:
    actor = current_actor()
    person = oversight.person(actor, user_id)
    _, waiting = uploads.list_all_unfinished(actor, 0, person.id)
    teams = oversight.teams_of(actor, person.id)
    gone = ["the account with its e-mail, sessions and API tokens"]
    if teams:
        gone.append(
            f"their place in {counted(len(teams), 'team')}: {', '.join(teams[:NAMED])}{' …' * (len(teams) > NAMED)}"
        )
    if waiting:
        gone.append(
            f"{counted(waiting, 'unfinished upload')} with what has arrived of {'it' if waiting == 1 else 'them'}"
        )
    return render_template(
        "admin/delete_user.html",
        person=person,
        form=form,
        gone=gone,
        passed=_passed(person),
        is_self=person.id == actor.user_id,
    )


def _passed(person: Any) -> list[str]:
    """What gets a new owner, in sentences."""
    if not person.entries:
        return []
    actor = current_actor()
    owned = [counted(person.entries, "model or script", "models and scripts")]
    if person.versions:
        owned.append(f"{counted(person.versions, 'version')} with {human_size(int(person.size))}")
    clashes, number = oversight.clashes(actor, person.id, NAMED)
    renamed = [
        f"“{each.name}” becomes “{each.name} ({person.username})”, as you have one of that name" for each in clashes
    ]
    more = [f"and {counted(number - NAMED, 'name')} more"] if number > NAMED else []
    return [", ".join(owned), *renamed, *more]
