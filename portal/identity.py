"""Who is calling: a credential in the headers wins, then the session cookie, then nobody."""

import base64
from dataclasses import replace
from typing import NamedTuple

from flask import Flask, Request, current_app, g, request
from flask_login import UserMixin, current_user
from sqlalchemy.exc import SQLAlchemyError

from portal.database import end_read
from portal.domain import sessions, tokens
from portal.errors import PortalError, Unauthenticated
from portal.extensions import csrf, login_manager
from portal.security.actor import Actor, Via, nobody

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class FormRequest(Request):
    """Whoever reads its form first, CSRF or a view: the sender may do by then what they might not before, or less."""

    def _load_form_data(self) -> None:
        is_arriving = "form" not in vars(self)
        super()._load_form_data()
        if is_arriving and self.method not in SAFE_METHODS:
            forget_actor()


class SignedIn(UserMixin):
    """What Flask-Login keeps: the key of a session row and the actor it opens."""

    def __init__(self, key: str, actor: Actor) -> None:
        self.key, self.actor = key, actor

    def get_id(self) -> str:
        return self.key


class Basic(NamedTuple):
    email: str
    password: str


def init_app(app: Flask) -> None:
    login_manager.user_loader(_load_session)
    login_manager.session_protection = None  # it would guard "fresh" log-ins, which nothing here asks for
    app.request_class = FormRequest
    app.before_request(_bound_form)
    app.before_request(_protect_cookie)


def bearer() -> str | None:
    """The token that the request's headers carry, if any; 401 for two that differ or an unknown scheme."""
    presented = {request.headers[name] for name in ("X-API-TOKEN", "X-API-Key") if name in request.headers}
    authorization = request.headers.get("Authorization")
    if authorization is not None:
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("Present a token as “Authorization: Bearer TOKEN”.")
        presented.add(value.strip())
    if len(presented) > 1:
        raise Unauthenticated("The request carries two different credentials.")
    return presented.pop() if presented else None


def basic() -> Basic | None:
    """E-mail and password of HTTP Basic, if the request carries them."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        email, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return None
    return Basic(email, password) if colon else None


def current_actor() -> Actor:
    """The caller of this request; 401 where a credential is presented and not good."""
    if "actor" not in g:
        g.actor = from_here(_identify())
        if request.method not in SAFE_METHODS:  # a slow body may follow
            end_read()
    return g.actor


def forget_actor() -> None:
    """Once a body has arrived: what its sender may do may have changed meanwhile, so they are asked for anew."""
    g.pop("actor", None)
    g.pop("_login_user", None)  # what Flask-Login keeps


def actor_anew() -> Actor:
    """`current_actor`, who may do by now what they may not have done before, or the other way round."""
    forget_actor()
    return current_actor()


def from_here(actor: Actor) -> Actor:
    """The actor with the address that this request comes from."""
    return replace(actor, address=request.remote_addr)


def caller_or_nobody() -> Actor:
    """For error pages, which must come out whoever asks: a caller who cannot be recognised is nobody."""
    try:
        return current_actor()
    except (PortalError, SQLAlchemyError):
        return be_nobody()


def be_nobody() -> Actor:
    """For the rest of this request the caller is nobody, and the database is not asked who they are."""
    g.actor = nobody(may_read_public=False)
    return g.actor


def _identify() -> Actor:
    token = bearer()
    if token is not None:
        is_personal = token.startswith(tokens.PREFIX)
        actor = tokens.recognise(token) if is_personal else sessions.resume(token, Via.LOGIN)
        if actor is None:
            raise Unauthenticated("This token is unknown, expired or revoked.")
        return actor
    if current_user.is_authenticated:
        return current_user.actor
    return nobody(may_read_public=current_app.extensions["portal"].anonymous_read)


def _load_session(key: str) -> SignedIn | None:
    actor = sessions.resume(key, Via.SESSION)
    return SignedIn(key, actor) if actor else None


def has_header_credential() -> bool:
    return any(name in request.headers for name in ("Authorization", "X-API-TOKEN", "X-API-Key"))


def _bound_form() -> None:
    """Werkzeug bounds the fields of a multipart form, but reads a URL-encoded one whole; so does who looks for CSRF."""
    if request.mimetype == "application/x-www-form-urlencoded":
        request.max_content_length = request.max_form_memory_size


def _protect_cookie() -> None:
    """CSRF: every change that may ride on a cookie needs the token; on pages even that of a visitor (log-in forms).

    A credential in the headers frees from it, on pages only a good one: browsers add HTTP Basic by themselves.
    """
    if request.method in SAFE_METHODS or request.url_rule is None:
        return
    is_page = not request.path.startswith("/api/")
    if has_header_credential():
        if is_page:
            current_actor()
            g.csrf_valid = True  # where Flask-WTF's forms look
    elif is_page or current_user.is_authenticated:
        csrf.protect()
