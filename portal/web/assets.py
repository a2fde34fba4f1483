"""Addresses of static files, worked out far cheaper than by `url_for`: the icons of one page ask dozens of times."""

from functools import lru_cache

from flask import Flask, request
from markupsafe import Markup


def init_app(app: Flask) -> None:
    below = f"{app.static_url_path}/"
    sprite = f"{below}vendor/icons.svg"

    def asset(path: str) -> str:
        """'css/page.css' -> '/static/css/page.css', below the prefix that the portal is mounted at, if any."""
        return request.script_root + below + path

    def icon(name: str) -> Markup:
        """A drawing that says nothing to a screen reader; it always stands beside words. Names: .build/icons.txt."""
        return _drawing(request.script_root + sprite, name)

    app.jinja_env.globals.update(asset=asset, icon=icon)


@lru_cache(maxsize=256)
def _drawing(sprite: str, name: str) -> Markup:
    return Markup('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>').format(
        sprite, name
    )
