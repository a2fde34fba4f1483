"""Downloads from the pages."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from portal.domain import entries, versions
from portal.domain.kinds import Kind
from portal.downloads import of_version, send
from portal.identity import current_actor

pages = Blueprint("files", __name__)


@pages.get("/<kind:kind>/<id:entry_id>/versions/<number:number>/download")
def download(kind: Kind, entry_id: str, number: int) -> ResponseReturnValue:
    entry = entries.get(current_actor(), kind, entry_id)
    return send(of_version(versions.get(current_actor(), entry, number)))
