"""An upload that stopped half way, for visitors to finish: they choose its file, which lies in the data directory."""

import io
import json
import random
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from portal.domain.kinds import MODEL
from portal.errors import PortalError
from portal.extensions import db
from portal.security.actor import Actor
from portal.uploads import machine, session
from portal.uploads.machine import Announcement

FILE = "plot-embeddings.safetensors"
ROWS, COLUMNS = 65_536, 384
CHUNK_SIZE = 2 << 20
CHUNKS_SENT = 5

DESCRIPTION = """
One row of 384 numbers, eight bits each, for every photograph of a plot.

The numbers are made up: this upload is here to be finished. Its page asks for the file again and sends only what is
missing.
"""


def begin(actor: Actor, data_dir: Path) -> None:
    file = data_dir / FILE
    file.write_bytes(_safetensors())
    said = Announcement(
        name="Plot embeddings",
        type="image embedding",
        file_name=FILE,
        size=file.stat().st_size,
        chunk_size=CHUNK_SIZE,
        description=DESCRIPTION,
        attributes={"made by": "DINOv2 small", "precision": "int8"},
    )
    upload = machine.begin(actor, MODEL, said)
    db.session.commit()
    with file.open("rb") as source:
        for idx in range(CHUNKS_SENT):
            machine.put_chunk(actor, upload, idx, CHUNK_SIZE, io.BytesIO(source.read(CHUNK_SIZE)))
    db.session.commit()


def forget(actors: Iterable[Actor]) -> None:
    """Ends what an interrupted start has left unfinished."""
    for actor in actors:
        for upload in session.list_unfinished(actor):
            with suppress(PortalError):
                machine.abort(actor, upload)


def _safetensors() -> bytes:
    size = ROWS * COLUMNS
    header = json.dumps({"embeddings": {"dtype": "I8", "shape": [ROWS, COLUMNS], "data_offsets": [0, size]}}).encode()
    header += b" " * (-len(header) % 8)
    numbers = random.Random(1931).randbytes(size)  # noqa: S311 - no secret
    return struct.pack("<Q", len(header)) + header + numbers
