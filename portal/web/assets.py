"""Addresses of static files, worked out far cheaper than by `url_for`: the icons of one page ask dozens of times."""

from flask import Flask, request


def init_app(app: Flask) -> None:
    below = f"{app.static_url_path}/"

    def asset(path: str) -> str:
        """'css/page.css' -> '/static/css/page.css', below the prefix that the portal is mounted at, if any."""
        return request.script_root + below + path

    app.jinja_env.globals["asset"] = asset
