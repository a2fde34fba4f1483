"""Download of one 1 GiB file, whole and from byte 1 on: the portal beside nginx, which sends with sendfile(2).

    python -m tests.bench.download [--runs 5] [--no-portal] [--nginx]

Peers (optional): apt-get install nginx strace
strace shows which system call carries the bytes of the portal's answers; the timed runs are without it.
"""

from __future__ import annotations

import argparse
import getpass
import http.client
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.bench.ours import BehindNginx, Portal
from tests.bench.process import Server
from tests.bench.rounds import Figures, Results, median, play, random_file, ratio, table, workplace

SIZE = 1 << 30
CHUNK_SIZE = 32 << 20
RANGES: dict[str, dict[str, str]] = {"whole": {}, "bytes=1-": {"Range": "bytes=1-"}}
NGINX = """daemon off; worker_processes 1; user {user}; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{}} http {{ access_log off; sendfile on; server {{ listen 127.0.0.1:{port}; root {folder}; }} }}"""


def fetch(server: Server, path: str, headers: Mapping[str, str]) -> Figures:
    """Seconds for the whole body to arrive (and be thrown away), and server's CPU seconds."""
    expected = SIZE - ("Range" in headers)
    buffer = memoryview(bytearray(256 << 10))
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    cpu, began, received = server.cpu(), time.perf_counter(), 0
    connection.request("GET", path, headers=dict(headers))
    response = connection.getresponse()
    while arrived := response.readinto(buffer):
        received += arrived
    figures = {"seconds": time.perf_counter() - began, "cpu": server.cpu() - cpu}
    connection.close()
    if response.status != (206 if "Range" in headers else 200) or received != expected:
        raise SystemExit(f"{path}: {response.status}, {received} bytes")
    return figures


def nginx(folder: Path) -> Server:
    conf = folder / "nginx.conf"
    server = Server(["nginx", "-p", folder, "-c", conf], folder / "nginx.log")
    conf.write_text(NGINX.format(user=getpass.getuser(), folder=folder, port=server.port))
    return server


def store(portal: Portal, source: Path) -> str:
    """Uploads the file; the path it downloads from."""
    owner = portal.client()
    begin = {"model_name": "bench", "model_type": "bench", "size": SIZE, "chunk_size": CHUNK_SIZE}
    upload = owner.call("POST", "/api/v2/model/upload", begin)
    sender = portal.client(upload["token"])
    for index in range(SIZE // CHUNK_SIZE):
        sender.send_part(f"/api/v2/model/upload/{index}", source, index * CHUNK_SIZE, CHUNK_SIZE)
    sender.commit()
    owner.close()
    sender.close()
    return f"/api/v2/model/{upload['model_id']}/download"


def system_calls(portal: Portal, path: str, headers: Mapping[str, str], trace: Path) -> str:
    """Which system calls of the server carried the bytes of one download, with how many bytes each."""
    processes = [word for process in portal.tree() for word in ("-p", str(process.pid))]
    calls = "trace=sendfile,splice,send,sendto,sendmsg,write"
    strace = subprocess.Popen(["strace", "-f", "-q", "-e", calls, "-s", "0", "-o", trace, *processes])
    time.sleep(1)
    fetch(portal, path, headers)
    strace.terminate()
    strace.wait()
    carried: dict[str, tuple[int, int]] = {}
    for call, sent in re.findall(r"(\w+)(?:\(| resumed>).* = (\d+)$", trace.read_text(), re.MULTILINE):
        times, total = carried.get(call, (0, 0))
        carried[call] = (times + 1, total + int(sent))
    heavy = {call: counts for call, counts in carried.items() if counts[1] > SIZE / 100}
    return ", ".join(f"{call} {total} bytes in {times} calls" for call, (times, total) in heavy.items())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.download")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-portal", action="store_true", help="the peer alone")
    parser.add_argument("--nginx", action="store_true", help="once more through the shipped nginx")
    options = parser.parse_args()
    with workplace(minutes=10) as folder, ExitStack() as servers:
        source = random_file(folder / "source", SIZE)
        cases: dict[str, Callable[[], Figures]] = {}
        if shutil.which("nginx"):
            peer = servers.enter_context(nginx(folder))
            for part, headers in RANGES.items():
                cases[f"nginx, {part}"] = partial(fetch, peer, "/source", headers)
        else:
            print("left out: nginx is not installed")
        if not options.no_portal:
            portal = servers.enter_context(Portal(folder, workers=1))
            path = store(portal, source)
            caller = {"Authorization": f"Bearer {portal.token}"}
            doors: dict[str, Portal] = {"portal": portal}
            if options.nginx:
                doors["portal behind nginx"] = servers.enter_context(BehindNginx(portal, folder))
            for door, server in doors.items():
                for part, headers in RANGES.items():
                    cases[f"{door}, {part}"] = partial(fetch, server, path, caller | headers)
        report(play(cases, options.runs))
        if options.no_portal:
            return
        print(f"memory of the portal's largest process: {portal.memory()}")
        if shutil.which("strace"):
            for part, headers in RANGES.items():
                print(f"portal, {part}: {system_calls(portal, path, caller | headers, folder / 'trace')}")
        else:
            print("left out: strace is not installed")


def report(results: Results) -> None:
    rows = []
    for name in results:
        row = {
            "": name,
            "MiB/s": f"{SIZE / (1 << 20) / median(results, name, 'seconds'):.0f}",
            "CPU s/GiB": f"{median(results, name, 'cpu') * (1 << 30) / SIZE:.2f}",
        }
        nginx = f"nginx, {name.partition(', ')[2]}"
        if nginx in results:
            row["x nginx"] = f"{ratio(results, nginx, name, 'seconds'):.2f}"
        rows.append(row)
    table(rows)


if __name__ == "__main__":
    main()
