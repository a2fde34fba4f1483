"""Upload of one 1 GiB file: the portal beside the limit and beside tus-js-client on @tus/server.

    python -m tests.bench.upload [--runs 5] [--no-portal] [--nginx]

Peers (optional), below the folder that $BENCH_PEERS names:
    npm --prefix $BENCH_PEERS/tus install @tus/server@2.4.5 @tus/file-store tus-js-client     (Node 20 or later)
The portal hashes every chunk, compares it with the Content-Digest sent along, and answers only once it is on the disk,
as the limit does; the tus server does neither.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path

from tests.bench import limit
from tests.bench.ours import BehindNginx, Client, Portal
from tests.bench.process import Server
from tests.bench.rounds import Figures, Results, median, peer, play, random_file, ratio, table, workplace

SIZE = 1 << 30
CHUNK_SIZES = {"8 MiB": 8 << 20, "32 MiB": 32 << 20}
HERE = Path(__file__).parent
_serial = count(1)


def chunk_digests(source: Path, chunk_size: int) -> list[str]:
    """Content-Digest of each chunk, made before the clock runs: the server is measured, not this client."""
    with source.open("rb") as file:
        chunks = iter(partial(file.read, chunk_size), b"")
        return [f"sha-256=:{base64.b64encode(hashlib.sha256(chunk).digest()).decode()}:" for chunk in chunks]


def to_portal(portal: Portal, source: Path, chunk_size: int, in_flight: int, digests: list[str]) -> Figures:
    """Seconds until the last chunk is acknowledged, seconds of the commit after that, and server's CPU seconds."""
    owner = portal.client()
    begin = {"model_name": f"bench {next(_serial)}", "model_type": "bench", "size": SIZE, "chunk_size": chunk_size}
    upload = owner.call("POST", "/api/v2/model/upload", begin)
    senders = [portal.client(upload["token"]) for _ in range(in_flight)]
    indexes = iter(range(len(digests)))

    def send(sender: Client) -> None:
        for index in indexes:
            offset = index * chunk_size
            length = min(chunk_size, SIZE - offset)
            sender.send_part(f"/api/v2/model/upload/{index}", source, offset, length, digests[index])

    cpu, began = portal.cpu(), time.perf_counter()
    with ThreadPoolExecutor(in_flight) as threads:
        list(threads.map(send, senders))
    sent, sending_cpu = time.perf_counter(), portal.cpu() - cpu
    version = senders[0].commit()
    done = time.perf_counter()
    if version["size"] != SIZE:
        raise SystemExit(f"the portal holds {version['size']} bytes")
    figures = {"seconds": sent - began, "cpu": sending_cpu, "checking": done - sent, "checking cpu": portal.cpu() - cpu}
    owner.call("DELETE", f"/api/v2/model/{upload['model_id']}")
    portal.drop_files()
    for client in [owner, *senders]:
        client.close()
    return figures | {"whole": done - began}


def to_tus(tus: Server, modules: Path, folder: Path, source: Path, chunk_size: int) -> Figures:
    cpu = tus.cpu()
    program = str(HERE / "peers/tus_upload.mjs")
    client = ["node", program, str(modules), f"{tus.url}/files", str(source), str(chunk_size)]
    seconds = float(subprocess.run(client, check=True, stdout=subprocess.PIPE, text=True).stdout)
    figures = {"seconds": seconds, "cpu": tus.cpu() - cpu, "whole": seconds}
    if SIZE not in {kept.stat().st_size for kept in folder.iterdir()}:
        raise SystemExit("the tus server lost bytes")
    for kept in folder.iterdir():
        kept.unlink()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.upload")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-portal", action="store_true", help="the limit and the peer alone")
    parser.add_argument("--nginx", action="store_true", help="once more through the shipped nginx")
    options = parser.parse_args()
    with workplace(minutes=15) as folder, ExitStack() as servers:
        source = random_file(folder / "source", SIZE)
        cases: dict[str, Callable[[], Figures]] = {}
        for size, chunk_size in CHUNK_SIZES.items():
            cases[f"limit, {size}"] = partial(limit.receive, source, folder / "limit", chunk_size)
        if modules := peer("tus", "node_modules"):
            (kept := folder / "tus").mkdir()
            command = ["node", HERE / "peers/tus_server.mjs", modules, "{port}", kept]
            tus = servers.enter_context(Server(command, folder / "tus.log"))
            for size, chunk_size in CHUNK_SIZES.items():
                cases[f"tus, {size}"] = partial(to_tus, tus, modules, kept, source, chunk_size)
        workers = () if options.no_portal else (1, 2)
        portals = {f"{number}w": servers.enter_context(Portal(folder, number)) for number in workers}
        if options.nginx:
            portals["2w nginx"] = servers.enter_context(BehindNginx(portals["2w"], folder))
        for size, chunk_size in CHUNK_SIZES.items():
            digests = chunk_digests(source, chunk_size)
            for door, portal in portals.items():
                for in_flight in (1, 2):
                    name = f"portal {door}, {in_flight} in flight, {size}"
                    cases[name] = partial(to_portal, portal, source, chunk_size, in_flight, digests)
        results = play(cases, options.runs)
        report(results)
        if modules:
            print(f"memory of the tus server: {tus.memory()}")
        for door, portal in portals.items():
            print(f"memory of the largest process, portal {door}: {portal.memory()}")


def report(results: Results) -> None:
    rows = []
    for name in results:
        size = name.rpartition(", ")[2]
        row = {
            "": name,
            "MiB/s": f"{SIZE / (1 << 20) / median(results, name, 'seconds'):.0f}",
            "x limit": f"{ratio(results, f'limit, {size}', name, 'seconds'):.2f}",
            "CPU s/GiB": f"{median(results, name, 'cpu') * (1 << 30) / SIZE:.2f}",
        }
        if (direct := name.replace(" nginx", "")) != name:
            row["x direct"] = f"{ratio(results, direct, name, 'seconds'):.2f}"
        if tus := f"tus, {size}" if f"tus, {size}" in results else None:
            row["x tus"] = f"{ratio(results, tus, name, 'seconds'):.2f}"
        if name.startswith("portal"):
            row["checking s"] = f"{median(results, name, 'checking'):.2f}"
            row["CPU with checking"] = f"{median(results, name, 'checking cpu') * (1 << 30) / SIZE:.2f}"
            if tus:
                row["x tus with checking"] = f"{ratio(results, tus, name, 'whole'):.2f}"
        rows.append(row)
    table(rows)


if __name__ == "__main__":
    main()
