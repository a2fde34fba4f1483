"""Two hundred slow clients of each kind, and what a probe that opens a page meanwhile has to wait for.

    python -m tests.bench.slow_clients [--clients 200] [--seconds 15] [--runs 3]

Needs nginx (apt-get install nginx). `portal serve --workers 2` is asked directly and through the shipped nginx, with
Debian's limits. A client sends, or reads, a little every half a second: headers that never end; bodies of a log-in form
and of pieces of an upload; files and streams of records that are hardly read. All kinds at once is the last case.
"""

from __future__ import annotations

import argparse
import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from itertools import cycle, islice
from pathlib import Path

from tests.bench import record_data
from tests.bench.ours import BehindNginx, Portal
from tests.bench.rounds import workplace
from tests.slow_clients import Slow, crowd, probe, slow_chunk, slow_form, slow_headers, slow_reader

FILE, CHUNK = 64 << 20, 1 << 20
RECORDS = 20_000
WORKERS = 2


def kinds(portal: Portal, folder: Path) -> Mapping[str, list[Slow]]:
    """What the clients of each kind do, in turn."""
    source = folder / "source"
    source.write_bytes(bytes(FILE))
    owner = portal.client()
    stored = owner.call("POST", "/api/v2/model/upload", _begin("stored", FILE, FILE))
    with closing(portal.client(stored["token"])) as sender:
        sender.send_part("/api/v2/model/upload/0", source, 0, FILE)
        sender.commit()
    going_on = owner.call("POST", "/api/v2/model/upload", _begin("going on", CHUNK * 1000, CHUNK))
    entry_id = owner.call("POST", "/api/models", {"model_name": "flights"})["id"]
    owner.close()
    with closing(http.client.HTTPConnection("127.0.0.1", portal.port)) as connection:
        headers = {"Authorization": f"Bearer {portal.token}", "Content-Type": "application/x-ndjson"}
        body = b"".join(record_data.lines(record_data.made_up(RECORDS)))
        connection.request("POST", f"/api/models/id/{entry_id}/records", body, headers)
        answer = connection.getresponse()
        if json.loads(answer.read())["inserted"] != RECORDS:
            raise SystemExit(f"the records were not taken: {answer.status}")
    chunks = (slow_chunk(f"/api/v2/model/upload/{index}", going_on["token"], CHUNK) for index in range(1000))
    file = slow_reader(f"/api/v2/model/{stored['model_id']}/download", portal.token)
    stream = slow_reader(f"/api/models/id/{entry_id}/records", portal.token)
    return {
        "slow headers": [slow_headers()],
        "slow bodies": [each for chunk in chunks for each in (slow_form(), chunk)],
        "slow readers": [file, stream],
    }


def _begin(name: str, size: int, chunk_size: int) -> dict[str, object]:
    return {"model_name": name, "model_type": "bench", "size": size, "chunk_size": chunk_size}


def crowds(portal: Portal, folder: Path, clients: int) -> Iterator[tuple[str, list[Slow]]]:
    found = {name: list(islice(cycle(turn), clients)) for name, turn in kinds(portal, folder).items()}
    yield "nobody", []
    yield from found.items()
    yield "all of them", [each for crowd in found.values() for each in crowd]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.slow_clients")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with workplace(minutes=30) as folder, ExitStack() as servers:
        portal = servers.enter_context(Portal(folder, WORKERS))
        doors = {"direct": portal, "nginx": servers.enter_context(BehindNginx(portal, folder))}
        for name, slow in crowds(portal, folder, options.clients):
            for door, server in doors.items():
                for _ in range(options.runs):
                    with crowd(server.port, slow) as there:
                        probed = probe(server.port, options.seconds)
                        left = there()
                    times = f"p50 {probed.p50 * 1000:5.0f} ms, p99 {probed.p99 * 1000:5.0f} ms"
                    failed = f"{probed.failed} of {len(probed.times)} failed"
                    print(f"{name + ', ' + door:24} {times}, {failed}, {left} of {len(slow)} still there", flush=True)


if __name__ == "__main__":
    main()
