"""What people do in an hour, all at once: browse, search, look at records, take them away, download, upload.

    python -m tests.bench.mix [--seconds 20] [--connections 32] [--workers 1 2 4] [--postgresql] [--nginx]

Wants wrk (apt-get install wrk), whose connections each ask for one thing after the other, drawn by the weights below.
Says requests a second and latencies over all of them, and how busy the processors were: where these are full, they are
the limit.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil

from portal import create_app
from portal.settings import Settings
from tests.bench.list_page import portal, postgresql, settle
from tests.bench.ours import BehindNginx, Portal
from tests.bench.rounds import workplace

CHUNK = 1 << 20
RECORDS = 20_000
SCRIPT = """
local asks = {%s}
local weights = {%s}
local total = 0
for _, weight in ipairs(weights) do total = total + weight end
local chunk = string.rep("x", %d)

function init() math.randomseed(os.time() + tonumber(tostring({}):match("0x(%%x+)"), 16)) end

function request()
  local drawn = math.random() * total
  for number, weight in ipairs(weights) do
    drawn = drawn - weight
    if drawn <= 0 then
      local ask = asks[number]
      return wrk.format(ask.method, ask.path, ask.headers, ask.body and chunk)
    end
  end
end
"""


def lua(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"[{lua(name)}] = {lua(each)}" for name, each in value.items()) + "}"
    return json.dumps(value)


def send(url: str, token: str, kind: str, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    with urlopen(Request(url, body, headers)) as answer:
        answer.read()


def asks(server: Portal, cookie: str) -> list[tuple[int, dict[str, Any]]]:
    """Each with its weight; makes what they ask for."""
    client = server.client()
    begun = client.call("POST", "/api/v2/model/upload", {"model_name": "mix", "size": CHUNK, "chunk_size": CHUNK})
    send(f"{server.url}/api/v2/model/upload/0", begun["token"], "application/octet-stream", bytes(CHUNK))
    server.client(begun["token"]).call("POST", "/api/v2/model/upload/commit")
    entry = begun["model_id"]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    lines = (
        json.dumps(
            {
                "timestamp": (start + timedelta(minutes=n)).isoformat(),
                "site_name": f"site {n % 30}",
                "model_data": {"yield": n},
            }
        )
        for n in range(RECORDS)
    )
    address = f"{server.url}/api/models/id/{entry}/records"
    send(address, server.token, "application/x-ndjson", "\n".join(lines).encode())
    with create_app(Settings.from_environ(server.environ)).app_context():
        settle()
    waiting = {"model_id": entry, "size": CHUNK, "chunk_size": CHUNK}
    token = client.call("POST", "/api/v2/model/upload", waiting)["token"]
    upload = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    bearer, signed_in = {"Authorization": f"Bearer {server.token}"}, {"Cookie": cookie}
    return [
        (30, {"method": "GET", "path": "/models", "headers": signed_in}),
        (15, {"method": "GET", "path": "/models?q=model-01", "headers": signed_in}),
        (20, {"method": "GET", "path": f"/models/{entry}", "headers": signed_in}),
        (15, {"method": "GET", "path": f"/models/{entry}/records?site_names=site+3", "headers": signed_in}),
        (8, {"method": "GET", "path": f"/api/models/id/{entry}/records?limit=1000", "headers": bearer}),
        (6, {"method": "GET", "path": f"/api/v2/model/{entry}/download", "headers": bearer}),
        (6, {"method": "POST", "path": "/api/v2/model/upload/0", "headers": upload, "body": True}),
    ]


def load(server: Portal, script: Path, seconds: int, connections: int) -> str:
    """A line: requests a second, p50 and p99, what went wrong, how full the processors were."""
    psutil.cpu_percent()
    command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), server.url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    busy = psutil.cpu_percent()
    found = {name: re.search(rf"{name}:?\s+(\S+)", said) for name in ("Requests/sec", "50%", "99%")}
    figures = ", ".join(f"{name} {match[1] if match else '?'}" for name, match in found.items())
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    errors = re.search(r"Socket errors: (.*)", said)
    wrong = "; ".join(match[0] for match in (failed, errors) if match) or "no failure"
    return f"{figures}; {wrong}; processors {busy:.0f} % busy"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--nginx", action="store_true")
    given = parser.parse_args()
    for workers in given.workers:
        with workplace(30) as folder, ExitStack() as servers:
            url = postgresql(folder, servers) if given.postgresql else None
            direct, _path, headers = portal(folder, servers, url, workers=workers)
            server = servers.enter_context(BehindNginx(direct, folder)) if given.nginx else direct
            drawn = asks(server, headers["Cookie"])
            script = folder / "mix.lua"
            script.write_text(
                SCRIPT % (", ".join(lua(ask) for _, ask in drawn), ", ".join(str(weight) for weight, _ in drawn), CHUNK)
            )
            load(server, script, 3, given.connections)
            print(f"{workers} workers: {load(server, script, given.seconds, given.connections)}", flush=True)


if __name__ == "__main__":
    main()
