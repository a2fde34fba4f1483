"""The body of a large request as it arrives, without the copies that `request.stream` makes on its way."""

from typing import Any

from flask import request
from gunicorn.http.body import Body, LengthReader


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
