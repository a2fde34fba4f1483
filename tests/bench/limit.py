"""The limit of an upload: a raw socket written to a file, sha256 of every chunk, fdatasync after every chunk."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from pathlib import Path

from portal.storage.files import PIECE
from tests.bench.rounds import Figures


def receive(source: Path, target: Path, chunk_size: int) -> Figures:
    """Seconds, and receiver's CPU seconds, for `source` to arrive in `target` and be durable.

    The sender waits for one byte after each chunk, as a client with one chunk in flight must. (A sender that never
    waits is slower: its bytes then lie in the socket's buffer during fdatasync and are out of the cache after it.)
    """
    size = source.stat().st_size
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = threading.Thread(target=_send, args=(source, listener.getsockname(), chunk_size), daemon=True)
        began = time.perf_counter()
        sender.start()
        connection, _ = listener.accept()
    cpu = time.thread_time()
    with connection, target.open("wb") as file:
        buffer = memoryview(bytearray(PIECE))
        for offset in range(0, size, chunk_size):
            end = min(offset + chunk_size, size)
            digest = hashlib.sha256()
            while offset < end and (count := connection.recv_into(buffer, min(PIECE, end - offset))):
                os.pwrite(file.fileno(), buffer[:count], offset)
                digest.update(buffer[:count])
                offset += count
            digest.digest()
            os.fdatasync(file.fileno())
            connection.sendall(b"+")
        sender.join()
    figures = {"seconds": time.perf_counter() - began, "cpu": time.thread_time() - cpu}
    if target.stat().st_size != size:
        raise SystemExit("the limit lost bytes")
    target.unlink()
    return figures


def _send(source: Path, address: tuple[str, int], chunk_size: int) -> None:
    with source.open("rb") as file, socket.create_connection(address) as connection:
        for offset in range(0, source.stat().st_size, chunk_size):
            connection.sendfile(file, offset, chunk_size)
            connection.recv(1)
