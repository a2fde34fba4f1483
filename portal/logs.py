"""Logging with a request id: one that a proxy sent, or our own; it is also in the answer and on error pages."""

import json
import logging
import re
import secrets
import time
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, has_request_context, request

_SENT = re.compile(r"[A-Za-z0-9._-]{1,64}")
USER, ROUTE = "portal.user", "portal.route"
"""Where the WSGI environment has, for the access log, the id of who called and the URL rule."""

log = logging.getLogger("portal.access")


class _RequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = g.get("request_id", "-") if has_request_context() else "-"
        return True


class TextLines(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_time_format, default_msec_format = "%Y-%m-%dT%H:%M:%S", "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s [%(request_id)s] %(name)s: %(message)s")


class JsonLines(logging.Formatter):
    """One object a line, in ASCII, so that nothing in it can break the line. A record's `fields` are members."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        said: dict[str, Any] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if getattr(record, "request_id", "-") != "-":
            said["request_id"] = record.request_id  # type: ignore[attr-defined]
        said |= getattr(record, "fields", {})
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str)


def init_app(app: Flask) -> None:
    if not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.addFilter(_RequestId())
        is_json = app.extensions["portal"].log_format == "json"
        handler.setFormatter(JsonLines() if is_json else TextLines())
        logging.getLogger().addHandler(handler)
    logging.getLogger("portal").setLevel(logging.INFO)
    app.url_value_preprocessor(_begin)  # the first of all hooks: whatever another one raises can name its request
    app.after_request(_end)


def _begin(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    sent = request.headers.get("X-Request-Id", "")
    g.request_id = sent if _SENT.fullmatch(sent) else secrets.token_hex(8)
    g.began = time.perf_counter()
    request.environ[ROUTE] = request.url_rule and request.url_rule.rule


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "-")
    user_id = getattr(g.get("actor"), "user_id", None)
    request.environ[USER] = user_id
    if response.status_code in (401, 403, 429) and (user_id or response.status_code != 401 or _has_credential()):
        asked = request.method, request.path, request.remote_addr
        log.warning("%d for user %s: %s %r from %r", response.status_code, user_id or "unknown", *asked)
    return response


def _has_credential() -> bool:
    return any(name in request.headers for name in ("Authorization", "X-API-TOKEN", "X-API-Key"))
