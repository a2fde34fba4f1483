"""PORTAL_PUBLIC_URL: the one address that people use, whatever stands between them and the portal.

A request for another Host is refused, so no address that the portal writes can be made to lead elsewhere, and those it
writes have the public scheme even where the last proxy speaks plain HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, request

from portal.errors import BadRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

DEFAULT_PORTS = {"http": 80, "https": 443}


def init_app(app: Flask, public_url: str | None) -> None:
    if public_url is None:
        return
    expected = host_of(public_url)

    sentence = (
        f"This portal answers at {public_url} only. Open that address, or, if you run the portal and mean this one, "
        "set PORTAL_PUBLIC_URL to it and start the portal again."
    )

    def refuse_other_hosts() -> Response | None:
        if request.host.lower() == expected or request.blueprint == "health":
            return None
        if request.path.startswith("/api/"):
            raise BadRequest(sentence)
        return Response(sentence, 400, mimetype="text/plain")  # a page would ask this Host for its styles, in vain

    app.before_request(refuse_other_hosts)
    app.wsgi_app = PublicScheme(app.wsgi_app, urlsplit(public_url).scheme)  # type: ignore[method-assign]


def host_of(public_url: str) -> str:
    """As browsers send it in `Host`: lower case, in ASCII, without the scheme's own port."""
    url = urlsplit(public_url)
    name = url.hostname or ""
    name = f"[{name}]" if ":" in name else name.encode("idna").decode("ascii")
    return name if url.port in (None, DEFAULT_PORTS[url.scheme]) else f"{name}:{url.port}"


class PublicScheme:
    def __init__(self, app: WSGIApplication, scheme: str) -> None:
        self.app, self.scheme = app, scheme

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.url_scheme"] = self.scheme
        return self.app(environ, start_response)
