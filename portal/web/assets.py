"""Addresses of static files, worked out far cheaper than by `url_for`: the icons of one page ask dozens of times."""

from flask import Flask, current_app, request


def init_app(app: Flask) -> None:
    app.jinja_env.globals["asset"] = asset


def asset(path: str) -> str:
    """'css/page.css' -> '/static/css/page.css', below the prefix that the portal is mounted at, if any."""
    return f"{request.script_root}{current_app.static_url_path}/{path}"
