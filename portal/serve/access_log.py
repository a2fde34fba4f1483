"""One line a request: who, what, how it ended, how long, and the id that the portal's own log lines carry."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger

REQUEST_ID = "{x-request-id}o"
FORMAT = f'%(t)s %(h)s "%(m)s %(U)s" %(s)s %(B)s bytes %(M)s ms [%({REQUEST_ID})s]'


class Log(Logger):
    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> dict[str, Any]:
        """What FORMAT names and no more: gunicorn's own takes every header along, a twentieth of a small request.

        The path is as it was sent: decoded it could break the line, and its query may carry a signature.
        """
        return {
            "t": self.now(),
            "h": environ.get("REMOTE_ADDR", "-"),
            "m": environ.get("REQUEST_METHOD", "-"),
            "U": str(environ.get("RAW_URI", "-")).partition("?")[0],
            "s": str(resp.status).partition(" ")[0],
            "B": resp.sent,
            "M": round(request_time.total_seconds() * 1000),
            REQUEST_ID: next((value for name, value in resp.headers if name.lower() == "x-request-id"), "-"),
        }
