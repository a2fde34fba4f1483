"""A form with one file as it arrives: nobody holds the file, and a body that breaks off is never a form."""

from collections.abc import Iterator

from flask import current_app, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData, Preamble

from portal.api.arriving import ArrivingBody
from portal.errors import BadRequest, TooLarge, WrongType, invalid
from portal.settings import LARGEST_SIZE

MOST_TEXT = 1 << 20  # bytes of one field
MOST_FIELDS = 100
READ = 256 << 10  # bytes


class ArrivingForm:
    """The current request's multipart/form-data: text fields, and at most one file in the field `file_field`.

    Take them in this order: `find_file`, `file`, `rest`. 400 where the body is cut short or no form, 413 too large,
    415 where it is encoded, 422 for a field that comes twice. Other parts are text, even where they have a file name.
    """

    def __init__(self, file_field: str) -> None:
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise WrongType("Send the form as it is, without Content-Encoding.")
        boundary = request.mimetype_params.get("boundary")
        if not boundary:
            raise BadRequest("The form's Content-Type names no boundary.")
        _require_small_enough()
        self._file_field = file_field
        self._decoder = MultipartDecoder(boundary.encode(), 2 * MOST_TEXT, max_parts=MOST_FIELDS)
        self._body, self._read = ArrivingBody(), 0
        self._events = self._arriving()
        self._fields: dict[str, str] = {}
        self._data: Iterator[bytes] = iter(())
        self._first = b""

    def find_file(self) -> str | None:
        """The name of the next file, or None where no more comes; then everything has been read."""
        for event in self._events:
            if event.name != self._file_field:
                self._keep(event)
            elif not isinstance(event, File):
                raise invalid(self._file_field, "Takes a file.")
            else:
                self._data = self._data_of_part()
                self._first = next(self._data, b"")
                if self._first or event.filename:  # else nothing was chosen in a form
                    return event.filename
        return None

    def file(self) -> Iterator[bytes]:
        """The bytes of the file that was found."""
        yield self._first
        yield from self._data

    def rest(self) -> dict[str, str]:
        """All text fields; the form has come to its proper end."""
        if self.find_file() is not None:
            raise invalid(self._file_field, "Takes one file.")
        return self._fields

    def _keep(self, part: Field | File) -> None:
        name, text = part.name or "", bytearray()
        for data in self._data_of_part():
            text += data
            if len(text) > MOST_TEXT:
                raise TooLarge(f"The field {name} takes at most {MOST_TEXT >> 20} MiB.")
        if name in self._fields:
            raise invalid(name, "Takes one value.")
        try:
            self._fields[name] = text.decode()
        except UnicodeDecodeError:
            raise BadRequest(fields=[(name, "Text must be UTF-8.")]) from None

    def _data_of_part(self) -> Iterator[bytes]:
        for event in self._decoded():
            assert isinstance(event, Data)
            yield event.data
            if not event.more_data:
                return

    def _arriving(self) -> Iterator[Field | File]:
        for event in self._decoded():
            if isinstance(event, Field | File):
                yield event
        if request.content_length is not None and self._read < request.content_length:
            raise BadRequest("The form was cut short.")

    def _decoded(self) -> Iterator[Event]:
        """The events from here to the closing boundary."""
        while True:
            try:
                event = self._decoder.next_event()
            except ValueError:
                raise BadRequest("The form was cut short, or it is none.") from None
            if isinstance(event, Epilogue):
                return
            if isinstance(event, NeedData):
                self._decoder.receive_data(self._receive() or None)
            elif not isinstance(event, Preamble):
                yield event

    def _receive(self) -> bytes:
        try:
            data = self._body.read(READ)
        except (ClientDisconnected, OSError, ParseException) as error:
            raise BadRequest("The form was cut short.") from error
        self._read += len(data)
        return data


class ReadForm:
    """The same of a form that was read whole while its CSRF token was looked for."""

    def __init__(self, file_field: str) -> None:
        self._files = request.files.getlist(file_field)

    def find_file(self) -> str | None:
        return self._files[0].filename if self._files else None

    def file(self) -> Iterator[bytes]:
        while data := self._files[0].stream.read(READ):
            yield data

    def rest(self) -> dict[str, str]:
        fields = {name: values for name, values in request.form.lists() if name != "csrf_token"}
        for name, values in fields.items():
            if len(values) > 1:
                raise invalid(name, "Takes one value.")
        return {name: values[0] for name, values in fields.items()}


def opened(file_field: str) -> ArrivingForm | ReadForm:
    """The current request's form."""
    return ReadForm(file_field) if "form" in vars(request) else ArrivingForm(file_field)


def _require_small_enough() -> None:
    """Forms carry files as large as files may be."""
    largest = current_app.extensions["portal"].max_file_size or LARGEST_SIZE
    request.max_content_length = min(largest + 2 * MOST_TEXT, LARGEST_SIZE)
    if (request.content_length or 0) > request.max_content_length:
        raise TooLarge(f"Files take at most {largest:,} bytes here.")
