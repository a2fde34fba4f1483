"""Everything that gunicorn is told, but for address and number of workers; the measurements are in ../README.md."""

import gc
import sys
from typing import Any

from portal.serve import metrics, sweeper
from portal.serve.access_log import FORMAT

worker_class = "portal.serve.worker.Worker"
threads = 256
worker_connections = 4096
backlog = 2048

preload_app = True  # one copy of the code in memory, whatever the number of workers

TURN_SECONDS = 0.001
"""How long a thread that computes may keep the others waiting. By Python's 5 ms a page queues behind every stream."""

timeout = 60
graceful_timeout = 30
keepalive = 75

# gunicorn sends files by sendfile(2) unless `sendfile` is set at all, even to True: leave it out
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190

forwarded_allow_ips = "127.0.0.1,::1"
forwarder_headers = ""
control_socket_disable = True

accesslog = "-"
access_log_format = FORMAT
logger_class = "portal.serve.access_log.Log"


def when_ready(server: Any) -> None:
    """Before the first fork: what is there stays out of garbage collection, which would write to every page of it."""
    gc.collect()
    gc.freeze()


def post_worker_init(worker: Any) -> None:
    sys.setswitchinterval(TURN_SECONDS)
    portal = worker.wsgi.portal
    sweeper.start(portal, worker.cfg.workers)
    metrics.watch_uploads()
    worker.every_second.append(metrics.sampler(portal))


def child_exit(server: Any, worker: Any) -> None:
    metrics.forget_worker(worker.pid)


def on_exit(server: Any) -> None:
    metrics.forget_all()
