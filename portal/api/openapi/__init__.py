"""`/api/openapi.json`, and `/api/docs` for people."""

from importlib.metadata import PackageNotFoundError, version

from flask import Blueprint, Response, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from portal.api.declared import Schema, answers
from portal.api.openapi.document import document
from portal.identity import current_actor

description = Blueprint("description", __name__, url_prefix="/api")


@description.get("/openapi.json")
@answers(dict[str, object])
def show_json() -> Response:
    """This description."""
    current_actor()
    below = {"servers": [{"url": request.script_root}]} if request.script_root else {}
    return jsonify({**_document(), **below})


@description.get("/docs")
@answers(str, media=("text/html",))
def show_page() -> ResponseReturnValue:
    """This description for people, to read and to try."""
    paths = _document()["paths"].items()
    rows = [
        {"method": method.upper(), "path": path, "summary": said["summary"]}
        for path, item in paths
        for method, said in item.items()
    ]
    return render_template("description/show.html", operations=rows)


def _document() -> Schema:
    """The same for every request, so made by the first."""
    made = current_app.extensions.get("openapi")
    if made is None:
        made = current_app.extensions["openapi"] = document(current_app, _version())
    found: Schema = made
    return found


def _version() -> str:
    try:
        return version("model-portal")
    except PackageNotFoundError:
        return "0"
