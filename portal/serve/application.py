"""The portal as gunicorn calls it: the forwarded headers of proxies that are trusted, and `/metrics` beside it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from flask import Flask
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import create_app
from portal.serve import metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class TrustedProxies:
    """Believes `X-Forwarded-For` and `X-Forwarded-Proto` of who connects from one of `networks`, nobody else's."""

    def __init__(self, app: WSGIApplication, networks: str) -> None:
        self.direct = app
        self.proxied = ProxyFix(app, x_for=1, x_proto=1)
        trusted = [ip_network(each.strip()) for each in networks.split(",")]

        @lru_cache(1024)
        def is_trusted(address: str) -> bool:
            try:
                return any(ip_address(address) in each for each in trusted)
            except ValueError:
                return False

        self._is_trusted = is_trusted

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        app = self.proxied if self._is_trusted(environ.get("REMOTE_ADDR", "")) else self.direct
        return app(environ, start_response)


class Measured:
    """Tells the numbers to who may read them, for whom else there is nothing at that address; counts what flows."""

    def __init__(self, app: WSGIApplication, portal: Flask) -> None:
        self._app, self.portal = app, portal
        self._token: str | None = portal.extensions["portal"].metrics_token

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == "/metrics" and metrics.may_read(environ, self._token):
            text = metrics.text(self.portal)
            headers = [("Content-Type", CONTENT_TYPE_PLAIN_0_0_4), ("Content-Length", str(len(text)))]
            start_response("200 OK", [*headers, ("Cache-Control", "no-store")])
            return [text] if environ["REQUEST_METHOD"] == "GET" else []
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", ""):
            environ["wsgi.input"] = metrics.CountedBody(environ["wsgi.input"])
        has_length = True

        def start(status: str, headers: list[tuple[str, str]], *fault: Any) -> Any:
            nonlocal has_length
            has_length = any(name.lower() == "content-length" for name, _ in headers)
            return start_response(status, headers, *fault)

        body = self._app(environ, start)
        return body if has_length else metrics.CountedStream(body)


def make() -> Measured:
    app = create_app()
    return Measured(TrustedProxies(app, app.extensions["portal"].trusted_proxies), app)
