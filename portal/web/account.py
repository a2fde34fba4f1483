"""The account: name, e-mail, password, personal tokens."""

from datetime import timedelta

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.database import now
from portal.domain import people, sessions, tokens, users
from portal.errors import PortalError
from portal.identity import current_actor
from portal.web.forms import PasswordForm, ProfileForm, TokenForm

pages = Blueprint("account", __name__, url_prefix="/account")


@pages.get("")
def show() -> ResponseReturnValue:
    return _page()


@pages.post("")
def rename() -> ResponseReturnValue:
    form, actor = ProfileForm(), current_actor()
    if not form.validate():
        return _page(profile=form), 422
    given = form.username.data, form.email.data, form.current.data
    try:
        users.rename(actor, actor.user_id, *given, limit=_limit())
    except PortalError as error:
        form.complain(error)
        return _page(profile=form), error.status, error.headers
    flash("Your name and e-mail are saved.", "success")
    return redirect(url_for("account.show"))


@pages.post("/password")
def change_password() -> ResponseReturnValue:
    form, actor = PasswordForm(), current_actor()
    if not form.validate():
        return _page(password=form), 422
    try:
        users.change_password(actor, actor.user_id, form.current.data, form.new.data, limit=_limit())
    except PortalError as error:
        form.complain(error)
        return _page(password=form), error.status, error.headers
    flash("Your password is changed. Your other sessions have ended.", "success")
    return redirect(url_for("account.show"))


@pages.post("/tokens")
def issue_token() -> ResponseReturnValue:
    form, status = TokenForm(), 422
    if form.validate():
        days = form.expires_in.data
        expires_at = now() + timedelta(days=int(days)) if days else None
        actor = current_actor()
        try:
            _token, secret = tokens.issue(actor, actor.user_id, form.name.data, form.scope.data, expires_at)
        except PortalError as error:
            status = form.complain(error)
        else:
            return _page(new_token=secret)
    return _page(token=form), status


@pages.post("/tokens/<id:token_id>/revocation")
def revoke_token(token_id: str) -> ResponseReturnValue:
    tokens.revoke(current_actor(), current_actor().user_id, token_id)
    flash("The token is revoked. It stopped working at once.", "success")
    return redirect(url_for("account.show"))


@pages.post("/sessions/end")
def end_sessions() -> ResponseReturnValue:
    sessions.end_others(current_actor(), current_actor().user_id)
    flash("You are logged out everywhere else.", "success")
    return redirect(url_for("account.show"))


def _limit() -> str:
    limit: str = current_app.extensions["portal"].login_throttle
    return limit


def _page(
    profile: ProfileForm | None = None,
    password: PasswordForm | None = None,
    token: TokenForm | None = None,
    new_token: str | None = None,
) -> str:
    actor = current_actor()
    user, _teams = people.profile(actor)
    return render_template(
        "account/show.html",
        profile_form=profile or ProfileForm(formdata=None, obj=user),
        password_form=password or PasswordForm(formdata=None),
        token_form=token or TokenForm(formdata=None),
        tokens=tokens.list_own(actor),
        new_token=new_token,
        sessions=sessions.list_own(actor),
    )
