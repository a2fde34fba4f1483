"""`/healthz`: the process answers. `/readyz`: the database and the storage answer, too."""

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from portal.extensions import db
from portal.storage.base import StorageError

health = Blueprint("health", __name__)


@health.get("/healthz")
def alive() -> ResponseReturnValue:
    return jsonify(status="ok")


@health.get("/readyz")
def ready() -> ResponseReturnValue:
    states = {"database": _database(), "storage": _storage()}
    if all(state == "ok" for state in states.values()):
        return jsonify(status="ok", **states)
    return jsonify(status="unavailable", **states), 503, {"Retry-After": "5"}


def _database() -> str:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return "unreachable"
    return "ok"


def _storage() -> str:
    try:
        current_app.extensions["storage"].ready()
    except (StorageError, OSError) as error:
        current_app.logger.warning("storage: %s", error)
        return "not writable"
    return "ok"
