"""The real 90 MB file through the API, byte for byte, in two ways."""

import hashlib
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import stored
from tests.api.sending import Sending
from tests.api.test_upload_wire import empty
from tests.api.wire import Wire
from tests.people import People
from tests.real_file import real_file
from tests.served import Served, served

__all__ = ["real_file", "served"]

WAYS = {
    "18,174 undeclared chunks of 5,000 bytes": ("sqlite", 5000, False),
    "11 declared chunks of 8 MiB": ("sqlite", 8 << 20, True),
    "11 declared chunks of 8 MiB, PostgreSQL": ("postgresql", 8 << 20, True),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("database_url", "chunk_size", "declared"), WAYS.values(), ids=list(WAYS), indirect=["database_url"]
)
def test_the_real_file_comes_back_byte_for_byte(
    served: Served, people: People, real_file: Path, chunk_size: int, declared: bool
) -> None:
    data = real_file.read_bytes()
    sending = Sending(people.owner, data, chunk_size, declared=declared, file_name=real_file.name)
    lanes = [Wire(served, sending.begun["token"]) for _ in range(4)]
    waiting = random.sample(range(sending.count), sending.count)
    began = time.monotonic()
    with ThreadPoolExecutor(4) as crowd:
        assert sum(crowd.map(empty, lanes, [sending] * 4, [waiting] * 4)) == sending.count
    sent = time.monotonic()
    done = lanes[0].commit().json
    print(f"{sent - began:.1f} s to send, {time.monotonic() - sent:.1f} s to check")  # noqa: T201 - shown by -rP
    for lane in lanes:
        lane.close()
    sha256 = hashlib.sha256(data).hexdigest()
    assert (done["size"], done["sha256"]) == (len(data), sha256)
    assert downloaded(served, people, sending) == sha256


def downloaded(served: Served, people: People, sending: Sending) -> str:
    """The sha256 of what comes back."""
    url = f"{served.address}/api/v2/model/{sending.entry_id}/download"
    return hashlib.sha256(stored.fetched(url, people.owner.headers)).hexdigest()
