"""The headers that every answer carries."""

from flask import Flask, Response, current_app, request

from portal.storage.base import StorageError

_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "worker-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "connect-src 'self'",
    )
)


def init_app(app: Flask) -> None:
    app.after_request(_add)


def content_security_policy() -> str:
    """Pages speak to the portal alone, and to its storage where uploads go straight there."""
    try:
        origin = current_app.extensions["storage"].origin
    except StorageError:  # without a key to it nobody is sent there either
        origin = None
    return f"{_POLICY} {origin}" if origin else _POLICY


def _add(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", content_security_policy())
    headers["X-Content-Type-Options"] = "nosniff"
    headers.setdefault("Referrer-Policy", "same-origin")
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["X-Frame-Options"] = "DENY"
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint != "static":
        headers.setdefault("Cache-Control", "no-store")
        response.vary.add("Cookie")
    return response
