"""Every worker's sweeper. Between them they sweep about once in a quarter of an hour, each at its own odd moments."""

import logging
import random
import threading
import time

from flask import Flask

from portal.uploads.sweep import reap

SWEEP_SECONDS = 15 * 60

log = logging.getLogger("portal.serve")


def start(app: Flask, workers: int) -> None:
    threading.Thread(target=_sweep, args=(app, workers), name="sweeper", daemon=True).start()


def _sweep(app: Flask, workers: int) -> None:
    while True:
        time.sleep(random.uniform(0.5, 1.5) * SWEEP_SECONDS * workers)  # noqa: S311 - no secret
        try:
            with app.app_context():
                reap(unattended=True)
        except Exception:
            log.exception("the sweep failed and will be tried again")
