"""The pages: server-rendered HTML over the same verbs as the JSON."""

from flask import Flask

from portal.web import account, context, entries, files, home, sessions, uploads


def init_app(app: Flask) -> None:
    context.init_app(app)
    for module in (home, sessions, account, entries, files, uploads):
        app.register_blueprint(module.pages)
