"""The portal behind a proxy of the same machine: only there are the forwarded headers believed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

from portal import create_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOOPBACK = frozenset({"127.0.0.1", "::1"})


class LoopbackProxy:
    def __init__(self, app: WSGIApplication) -> None:
        self.direct = app
        self.proxied = ProxyFix(app, x_for=1, x_proto=1)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        app = self.proxied if environ.get("REMOTE_ADDR") in LOOPBACK else self.direct
        return app(environ, start_response)


def make() -> WSGIApplication:
    return LoopbackProxy(create_app())
