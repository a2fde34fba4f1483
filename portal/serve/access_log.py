"""One line a request: who, what, how it ended, how long, and the id that the portal's own log lines carry."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger

FORMAT = '%(t)s %(h)s "%(m)s %(U)s" %(s)s %(B)s bytes %(M)s ms [%({x-request-id}o)s]'


class Log(Logger):
    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> dict[str, Any]:
        """The path as it was sent: decoded it could break the line, and its query may carry a signature."""
        path = str(environ.get("RAW_URI", "-")).partition("?")[0]
        return super().atoms(resp, req, environ, request_time) | {"U": path}
