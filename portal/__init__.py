"""Model Portal: a self-hosted registry of machine-learning models and scripts."""

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from flask import Flask

from portal import api, identity, logs, problems, public_url, security_headers, web
from portal.converters import add_converters
from portal.database import TransactionalFlask, init_database
from portal.extensions import csrf, login_manager
from portal.security.guard import undeclared_verbs
from portal.settings import Settings
from portal.storage import open_store

try:
    __version__ = version("model-portal")
except PackageNotFoundError:
    __version__ = "0"


def folder(name: str) -> Path:
    """Where `templates`, `static` or `migrations` lie: inside the installed package, or beside it in a checkout."""
    inside = Path(__file__).parent / name
    return inside if inside.is_dir() else Path(__file__).parent.parent / name


def create_app(settings: Settings | None = None) -> Flask:
    """The portal on `settings`, by default those of the environment's `PORTAL_…` variables."""
    settings = settings or Settings.from_environ(os.environ)
    undeclared = undeclared_verbs("portal.domain", "portal.uploads")
    if undeclared:
        raise RuntimeError(f"Verbs without a declared permission: {', '.join(undeclared)}")

    app = TransactionalFlask("portal", template_folder=str(folder("templates")), static_folder=str(folder("static")))
    app.config.from_mapping(settings.flask_config())
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.extensions["portal"] = settings
    app.extensions["storage"] = open_store(settings)
    logs.init_app(app)
    init_database(app, settings.database_url, settings.database_connections)
    csrf.init_app(app)
    login_manager.init_app(app, add_context_processor=False)
    add_converters(app)
    public_url.init_app(app, settings.public_url)
    identity.init_app(app)
    security_headers.init_app(app)
    problems.init_app(app)
    api.init_app(app)
    web.init_app(app)
    return app
