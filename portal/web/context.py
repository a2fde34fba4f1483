"""What every template may ask for."""

from typing import Any

from flask import Flask, current_app, request
from jinja2 import StrictUndefined

from portal.domain.kinds import KINDS
from portal.identity import current_actor
from portal.uploads import session as uploads
from portal.web import assets, figures

THEMES = ("light", "dark")


def init_app(app: Flask) -> None:
    app.context_processor(_frame)
    app.jinja_env.undefined = StrictUndefined  # a name that a view forgot is a mistake, not an empty text
    figures.init_app(app)
    assets.init_app(app)


def _frame() -> dict[str, Any]:
    chosen = request.cookies.get("theme")
    return {
        "current": current_actor(),
        "kinds": KINDS,
        "theme": chosen if chosen in THEMES else None,
        "unfinished_uploads": uploads.count_unfinished(current_actor()),
        "may_sign_up": current_app.extensions["portal"].signup != "closed",
    }
