"""An upload over real sockets, to a portal in processes of its own."""

import http.client
import json
import socket
import struct
from contextlib import closing, suppress
from typing import Any, Literal, NamedTuple

from tests.served import Served

Cut = Literal["close", "reset", "half-close"]


class Answer(NamedTuple):
    status: int
    json: Any


class Wire:
    """One connection, kept alive, that speaks for one upload token. Used by one thread at a time."""

    def __init__(self, served: Served, token: str, word: str = "model") -> None:
        self.port, self.path = served.port, f"/api/v2/{word}/upload"
        self.headers = {"Authorization": f"Bearer {token}"}
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, method: str, path: str = "", body: bytes | None = None) -> Answer:
        """OSError or HTTPException where the server went away before it answered."""
        try:
            self.connection.request(method, self.path + path, body, self.headers)
            answer = self.connection.getresponse()
            return Answer(answer.status, json.loads(answer.read()))
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise

    def put(self, idx: int, body: bytes) -> int:
        return self.ask("POST", f"/{idx}", body).status

    def progress(self) -> Any:
        return self.ask("GET").json

    def commit(self) -> Answer:
        while (answer := self.ask("POST", "/commit")).status == 202:
            pass
        return answer

    def cut_short(self, idx: int, announced: int, body: bytes, how: Cut) -> bytes:
        """Sends `body`, announced as longer, and ends the connection; what came back, if that was still possible."""
        head = f"POST {self.path}/{idx} HTTP/1.1\r\nHost: x\r\nContent-Length: {announced}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        with closing(socket.create_connection(("127.0.0.1", self.port), 30)) as raw:
            raw.sendall(head.encode() + b"\r\n" + body)
            if how == "half-close":
                raw.shutdown(socket.SHUT_WR)
                with raw.makefile("rb") as answer:
                    return answer.read()
            if how == "reset":
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return b""

    def close(self) -> None:
        with suppress(OSError):
            self.connection.close()


def is_held(progress: Any, idx: int) -> bool:
    return any(first <= idx <= last for first, last in progress["received"])
