"""Logging with a request id: one that a proxy sent, or our own; it is also in the answer and on error pages."""

import logging
import re
import secrets
import time
from typing import Any

from flask import Flask, Response, g, has_request_context, request

_SENT = re.compile(r"[A-Za-z0-9._-]{1,64}")


class _RequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = g.get("request_id", "-") if has_request_context() else "-"
        return True


def init_app(app: Flask) -> None:
    if not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.addFilter(_RequestId())
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [%(request_id)s] %(name)s: %(message)s"))
        logging.getLogger().addHandler(handler)
    logging.getLogger("portal").setLevel(logging.INFO)
    app.url_value_preprocessor(_begin)  # the first of all hooks: whatever another one raises can name its request
    app.after_request(_end)


def _begin(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    sent = request.headers.get("X-Request-Id", "")
    g.request_id = sent if _SENT.fullmatch(sent) else secrets.token_hex(8)
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "-")
    return response
