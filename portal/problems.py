"""Errors as the caller reads them: a page, or problem+json under `/api`. One rendering each."""

import json
import re
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, PendingRollbackError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from portal import outages
from portal.database import undo
from portal.domain import entries
from portal.domain.kinds import BY_SLUG
from portal.domain.users import User
from portal.errors import BadRequest, Conflict, NotFound, PortalError, TooLarge, Unauthenticated
from portal.extensions import db
from portal.identity import SAFE_METHODS, be_nobody, caller_or_nobody, has_header_credential
from portal.storage.base import StorageError
from portal.uploads.translate import translate

_CHALLENGE = 'Bearer realm="portal"'


def init_app(app: Flask) -> None:
    app.register_error_handler(PortalError, render)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(DBAPIError, _database)
    app.register_error_handler(DataError, _data)
    app.register_error_handler(IntegrityError, _integrity)
    app.register_error_handler(PoolTimeout, _database)
    app.register_error_handler(PendingRollbackError, _database)
    app.register_error_handler(ObjectDeletedError, lambda _error: render(NotFound()))
    app.register_error_handler(StaleDataError, lambda _error: render(NotFound()))
    app.register_error_handler(StorageError, _storage)
    app.register_error_handler(Exception, _unexpected)


def is_api() -> bool:
    return request.path.startswith("/api/")


def render(error: PortalError) -> ResponseReturnValue:
    undo()
    if is_api():
        response = problem(error)
    elif _sends_to_login(error):
        return _to_login()
    else:
        response = _page(error)
    response.headers.update(error.headers)
    if error.status == 401:
        response.headers.setdefault("WWW-Authenticate", _CHALLENGE)
    return response


def _page(error: PortalError) -> Response:
    """The page of a fault asks the database nothing: it may be what is at fault."""
    if error.status >= 500:
        be_nobody()
    else:
        caller_or_nobody()
    return Response(render_template("errors/error.html", error=error, status=error.status), error.status)


def problem(error: PortalError) -> Response:
    """RFC 9457, with the seeds' `error` and `error_description` beside it."""
    names: dict[str, str] = g.get("field_names", {})
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "error": error.title,
        "error_description": error.detail,
        **error.members,
    }
    if error.fields:
        body["errors"] = [{"field": names.get(field, field), "message": message} for field, message in error.fields]
    return Response(json.dumps(body), error.status, content_type="application/problem+json")


def _sends_to_login(error: PortalError) -> bool:
    """A visitor who is not signed in is sent to log in, also for every entry, record and dataset that they cannot see,
    existing or not.

    Not so whose credential in the headers is bad: they would be sent round in a circle.
    """
    if isinstance(error, Unauthenticated):
        return not has_header_credential()
    is_visitor = isinstance(error, NotFound) and not caller_or_nobody().is_known
    return is_visitor and (_OF_ENTRIES.fullmatch(request.path) is not None or _is_below_hidden_entry())


_OF_ENTRIES = re.compile(r"/(records|datasets)/[^/.]+(/edit|/delete)?")


def _is_below_hidden_entry() -> bool:
    slug, entry_id, *_ = [*request.path.split("/")[1:], ""]
    if slug not in BY_SLUG:
        return False
    try:
        entries.get(caller_or_nobody(), BY_SLUG[slug], entry_id)
    except (NotFound, SQLAlchemyError):
        return True
    return False


def _to_login() -> ResponseReturnValue:
    """htmx would follow a redirect by itself and swap the log-in page into the list: it is told to leave the page."""
    if request.headers.get("HX-Request") != "true":
        return redirect(url_for("sessions.login", next=_here() or "/"))
    _origin, _, page = request.headers.get("HX-Current-URL", "").partition("://")[2].partition("/")
    leave = url_for("sessions.login", next=_here() or f"/{page}")
    return Response("", 401, {"HX-Redirect": leave, "WWW-Authenticate": _CHALLENGE})


def _here() -> str:
    """This address if it can be opened, else nothing."""
    return request.full_path.rstrip("?") if request.method in SAFE_METHODS else ""


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error
    if isinstance(error, RequestEntityTooLarge):
        return render(TooLarge("The request body is larger than this address takes."))
    if error.code == 404:
        return render(NotFound("There is nothing at this address."))
    status = HTTPStatus(error.code)
    ours = PortalError(error.description or status.phrase)
    ours.status, ours.title = status.value, status.phrase
    ours.headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return render(ours)


def _csrf(_error: CSRFError) -> ResponseReturnValue:
    return render(BadRequest("This form is too old, or it did not come from this page. Reload the page and try again."))


def _storage(error: StorageError) -> ResponseReturnValue:
    found = translate(error)
    if found.status >= 500:
        current_app.logger.warning("storage: %s", error)
    return render(found)


_POSTGRESQL_OUT_OF_RANGE = "22003"


def _database(error: Exception) -> ResponseReturnValue:
    found = outages.explain(error)
    if found is None:
        return _unexpected(error)
    current_app.logger.warning("database unavailable: %s", error)
    return render(found)


def _data(error: Exception) -> ResponseReturnValue:
    """PostgreSQL refuses text that SQLite stores, a NUL above all; a number out of range would be our mistake."""
    if getattr(getattr(error, "orig", None), "sqlstate", None) == _POSTGRESQL_OUT_OF_RANGE:
        return _unexpected(error)
    current_app.logger.info("refused by the database: %s", error)
    return render(BadRequest("The request holds text that no name can be."))


def _integrity(error: Exception) -> ResponseReturnValue:
    """What a verb ought to have foreseen, but two requests at once could still bring about."""
    if _caller_is_gone():
        return render(Unauthenticated("This account has just been deleted."))
    current_app.logger.exception("unforeseen conflict")
    return render(Conflict("This was changed by somebody else at the same time. Try again."))


def _caller_is_gone() -> bool:
    """Whether the account of who calls was deleted in the meantime, with all that rows could refer to."""
    undo()
    user_id = caller_or_nobody().user_id
    return user_id is not None and db.session.get(User, user_id) is None


def _unexpected(error: Exception) -> ResponseReturnValue:
    current_app.logger.exception("unexpected error")
    undo()
    ours = PortalError("The portal made a mistake. It has been written to the log.")
    return render(ours)
