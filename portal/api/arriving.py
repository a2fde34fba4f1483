"""The body of a large request as it arrives, without the copies that `request.stream` makes on its way."""

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from flask import current_app, request
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

from portal.errors import BadRequest, NoSpace, TooLarge

_PIECE = 256 << 10  # bytes
_IN_MEMORY = 1 << 20


class ArrivingBody:
    """The current request's body as a storage `Source`. It must not have been read by anyone before.

    Under gunicorn `readinto` receives from the socket straight into the caller's buffer: gunicorn's own reader makes
    several copies in new memory, which costs half the speed. On any other server, and where
    the body has another form than announced length on a plain connection, it reads `wsgi.input`.
    """

    def __init__(self) -> None:
        self._input: Any = request.environ["wsgi.input"]
        self._socket: Any = request.environ.get("gunicorn.socket")
        self.is_direct = (
            self._socket is not None
            and isinstance(self._input, Body)
            and isinstance(self._input.reader, LengthReader)
            and not self._input.buf.tell()
        )

    def read(self, size: int, /) -> bytes:
        data: bytes = self._input.read(size) if self.is_direct else request.stream.read(size)
        return data

    def readinto(self, buffer: memoryview, /) -> int:
        """Bytes put at the start of `buffer`; 0 at the end, announced or not. OSError if the connection broke."""
        if not self.is_direct:
            data = self.read(len(buffer))
            buffer[: len(data)] = data
            return len(data)
        reader = self._input.reader
        wanted = min(len(buffer), reader.length)
        if not wanted:
            return 0
        came_with_the_headers = reader.unreader.take_buffered()
        if came_with_the_headers:
            count = min(wanted, len(came_with_the_headers))
            buffer[:count] = came_with_the_headers[:count]
            reader.unreader.unread(came_with_the_headers[count:])
        else:
            count = self._socket.recv_into(buffer, wanted)
        reader.length -= count  # what gunicorn skips before it looks for the next request
        return count

    def skip(self, length: int | None) -> None:
        """Reads what is left of a refused body, or the server would close the connection that the client means to use
        again. Not so what is longer than a chunk may be."""
        most = current_app.extensions["portal"].max_chunk_size
        with suppress(OSError, ClientDisconnected):
            while length is not None and length <= most and self.read(_PIECE):
                pass

    @contextmanager
    def spooled(self) -> Iterator[tuple[int, IO[bytes]]]:
        """All of a body that did not say how long it is: its length, and a file that is gone after the block.

        400 where it is cut short, 413 past the largest file, 507 where the disk for temporary files is full.
        """
        largest = current_app.extensions["portal"].max_file_size
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
            while data := self._read_piece():
                if largest is not None and file.tell() + len(data) > largest:
                    raise TooLarge(f"Files take at most {largest:,} bytes here.")
                _write(file, data)
            length = file.tell()
            file.seek(0)
            yield length, file

    def _read_piece(self) -> bytes:
        try:
            return self.read(_PIECE)
        except (ClientDisconnected, ParseException, OSError) as error:
            raise BadRequest("The body was cut short.") from error


def _write(file: IO[bytes], data: bytes) -> None:
    try:
        file.write(data)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise NoSpace("The portal has no room for a body of unknown length. Send it with a Content-Length.") from None
