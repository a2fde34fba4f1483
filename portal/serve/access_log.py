"""One line a request: who, what, how it ended, how long, and the id that the portal's own log lines carry."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger

from portal.logs import ROUTE, USER, JsonLines
from portal.serve import metrics

REQUEST_ID = "{x-request-id}o"
FORMAT = f'%(t)s %(h)s %(u)s "%(m)s %(U)s" %(s)s %(B)s bytes %(M)s ms [%({REQUEST_ID})s]'


class Log(Logger):
    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self._is_json = os.environ.get("PORTAL_LOG_FORMAT", "").lower() == "json"
        if self._is_json:
            for handler in (*self.error_log.handlers, *self.access_log.handlers):
                handler.setFormatter(JsonLines())

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        atoms = self.atoms(resp, req, environ, request_time)
        metrics.count_request(environ, atoms["s"], atoms["B"], request_time.total_seconds())
        metrics.RECEIVED.inc(received(req, environ))
        if self._is_json:
            self.access_log.info("request", extra={"fields": _fields(atoms, environ)})
        else:
            self.access_log.info(FORMAT, atoms)

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> dict[str, Any]:
        """What FORMAT names and no more: gunicorn's own takes every header along, a twentieth of a small request.

        The path is as it was sent: decoded it could break the line, and its query may carry a signature.
        """
        return {
            "t": self.now(),
            "h": environ.get("REMOTE_ADDR", "-"),
            "u": environ.get(USER) or "-",
            "m": environ.get("REQUEST_METHOD", "-"),
            "U": str(environ.get("RAW_URI", "-")).partition("?")[0],
            "s": str(resp.status).partition(" ")[0],
            "B": sent(resp),
            "M": round(request_time.total_seconds() * 1000),
            REQUEST_ID: next((value for name, value in resp.headers if name.lower() == "x-request-id"), "-"),
        }


def sent(resp: Any) -> int:
    """Bytes of the body. gunicorn does not count those of files, which leave whole unless something is raised."""
    is_file = not resp.sent and resp.headers_sent and not resp._omits_body and sys.exc_info()[0] is None
    return int(resp.response_length or 0) if is_file else int(resp.sent)


def received(req: Any, environ: dict[str, Any]) -> int:
    """Bytes of a body of announced length that were read."""
    announced = environ.get("CONTENT_LENGTH") or ""
    left = getattr(getattr(getattr(req, "body", None), "reader", None), "length", 0)
    return max(int(announced) - left, 0) if announced.isdigit() else 0


def _fields(atoms: dict[str, Any], environ: dict[str, Any]) -> dict[str, Any]:
    return {
        "request_id": atoms[REQUEST_ID],
        "address": atoms["h"],
        "user": environ.get(USER),
        "method": atoms["m"],
        "path": atoms["U"],
        "route": environ.get(ROUTE),
        "status": int(atoms["s"]),
        "bytes": atoms["B"],
        "ms": atoms["M"],
    }
