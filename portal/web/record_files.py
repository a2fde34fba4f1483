"""Files of records: by a signed address, and what is shown of them on the record's page."""

from flask import Blueprint, Response, request

from portal.database import end_read
from portal.domain import previews, record_links, records
from portal.domain.previews import TextStart
from portal.domain.records import Record
from portal.downloads import of_record, opened, send
from portal.errors import NotFound
from portal.identity import current_actor

pages = Blueprint("record_files", __name__)


@pages.get("/files/records/<token>")
def signed(token: str) -> Response:
    """For whoever has the address."""
    return send(of_record(record_links.record_of(token)))


@pages.get("/records/<id:record_id>/preview")
def preview(record_id: str) -> Response:
    """A picture that we have made; 404 where there is none."""
    record, _entry = records.get(current_actor(), record_id)
    if record.file_sha256 is None or not previews.has_picture(record.file_type):
        raise NotFound("There is no preview.")
    response = Response(content_type="image/webp", headers={"Cache-Control": "private, no-cache"})
    response.set_etag(f"preview-{record.file_sha256}")
    if request.if_none_match.contains_weak(f"preview-{record.file_sha256}"):
        response.status_code = 304
        return response
    stored, file_type = of_record(record), record.file_type or ""
    end_read()
    with opened(stored) as file:
        picture = previews.picture(file, file_type)
    if picture is None:
        raise NotFound("There is no preview.")
    response.data = picture
    return response


def text_start(record: Record) -> TextStart | None:
    """The beginning of the record's file where it is a text, to be shown escaped."""
    if record.file_sha256 is None or not previews.has_text(record.file_type):
        return None
    with opened(of_record(record)) as file:
        return previews.text_start(file)
