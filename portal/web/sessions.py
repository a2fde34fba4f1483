"""Signing up, logging in, logging out."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user

from portal.domain import sessions, users
from portal.errors import PortalError, Unauthenticated
from portal.identity import SignedIn, current_actor
from portal.security.actor import Via
from portal.web.forms import LoginForm, SignUpForm
from portal.web.redirects import safe_path

pages = Blueprint("sessions", __name__)


@pages.get("/login")
def login() -> ResponseReturnValue:
    if current_actor().is_known:
        return redirect(safe_path(request.args.get("next")))
    return _login_page(LoginForm(formdata=None))


@pages.post("/login")
def log_in() -> ResponseReturnValue:
    form = LoginForm()
    if not form.validate():
        return _login_page(form), 422
    try:
        _enter(form.email.data, form.password.data)
    except Unauthenticated as error:
        form.form_errors.append(error.detail)
        return _login_page(form), 422
    except PortalError as error:
        form.complain(error)
        return _login_page(form), error.status, error.headers
    return redirect(safe_path(request.args.get("next")))


@pages.get("/signup")
def signup() -> ResponseReturnValue:
    return _signup_page(SignUpForm(formdata=None), 200)


@pages.post("/signup")
def sign_up() -> ResponseReturnValue:
    form = SignUpForm()
    policy = current_app.extensions["portal"].signup
    if policy == "closed" or not form.validate():
        return _signup_page(form, 422)
    try:
        user = users.sign_up(current_actor(), form.username.data, form.email.data, form.password.data, policy=policy)
    except PortalError as error:
        return _signup_page(form, form.complain(error))
    if not user.is_verified:
        flash("Your account waits for an administrator, who must verify it before you can log in.")
        return redirect(url_for("sessions.login"))
    if current_actor().via is Via.SESSION:
        sessions.log_out(current_actor())
    _begin_session(sessions.start(user.id, Via.SESSION))
    return redirect(safe_path(request.args.get("next")))


@pages.post("/logout")
def logout() -> ResponseReturnValue:
    sessions.log_out(current_actor())
    logout_user()
    session.clear()
    answer = redirect(url_for("home.index"))
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def _enter(email: str, password: str) -> None:
    limit = current_app.extensions["portal"].login_throttle
    address = request.remote_addr or ""
    _user_id, key = sessions.log_in(current_actor(), email, password, via=Via.SESSION, address=address, limit=limit)
    _begin_session(key)


def _begin_session(key: str) -> None:
    """A new session cookie: nothing that was in the visitor's goes on."""
    session.clear()
    session.permanent = True
    actor = sessions.resume(key, Via.SESSION)
    assert actor is not None, "the session was made a moment ago"
    login_user(SignedIn(key, actor))


def _login_page(form: LoginForm) -> str:
    return render_template("sessions/login.html", form=form)


def _signup_page(form: SignUpForm, status: int) -> ResponseReturnValue:
    policy = current_app.extensions["portal"].signup
    page = render_template("sessions/signup.html", form=form, must_be_verified=policy == "verify")
    return page, 403 if policy == "closed" else status
