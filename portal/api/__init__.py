"""JSON: three dialects of one registry over the verbs of `domain` and `uploads`."""

from flask import Flask

from portal.api import health
from portal.api.bazaar import bazaar
from portal.api.openapi import description
from portal.api.organizations import organizations
from portal.api.registry import registry


def init_app(app: Flask) -> None:
    app.register_blueprint(health.health)
    app.register_blueprint(registry)
    app.register_blueprint(bazaar)
    app.register_blueprint(organizations)
    app.register_blueprint(description)
