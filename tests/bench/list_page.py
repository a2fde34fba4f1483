"""A list page of 50 among 10,000 entries: the portal's HTML for someone signed in, beside MLflow and Datasette.

    python -m tests.bench.list_page [--runs 5] [--no-portal] [--nginx] [--postgresql]

Peers (optional): apt-get install wrk (for the requests a second), and below the folder that $BENCH_PEERS names:
    python -m venv $BENCH_PEERS/mlflow && $BENCH_PEERS/mlflow/bin/pip install mlflow==3.17.2
    python -m venv $BENCH_PEERS/datasette && $BENCH_PEERS/datasette/bin/pip install datasette==0.65.5
Each server has one worker. MLflow answers JSON (its pages are made in the browser) and asks for no sign-in;
neither does Datasette, which is measured as it comes (row count, suggested facets) and without both.
"""

from __future__ import annotations

import argparse
import http.client
import re
import shutil
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from sqlalchemy import select, text

from portal import create_app
from portal.domain import entries
from portal.domain.kinds import MODEL
from portal.domain.sessions import actor_for
from portal.domain.users import User
from portal.extensions import db
from portal.security.actor import Via
from portal.settings import Settings
from tests.bench.ours import BehindNginx, Portal
from tests.bench.process import Server
from tests.bench.rounds import Figures, Results, median, peer, play, ratio, table, workplace
from tests.databases import PostgresqlServer

ENTRIES = 10_000
REQUESTS = 100
CONNECTIONS, SECONDS = 8, 3
Page = tuple[Server, str, dict[str, str]]


def names() -> list[str]:
    return [f"model-{number:05}" for number in range(ENTRIES)]


def visit(server: Server, path: str, headers: dict[str, str]) -> Figures:
    """p50 and p99 in ms over one kept-alive connection, then requests a second with several."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    times = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read()
        times.append((time.perf_counter() - began) * 1000)
        if response.status != 200 or body.count(b"model-0") + body.count(b"model-1") < 50:
            raise SystemExit(f"{path}: {response.status}, not a page of 50")
    connection.close()
    figures = {"p50": statistics.median(times), "p99": statistics.quantiles(times, n=100)[98]}
    return figures | ({"rate": wrk(server.url + path, headers)} if shutil.which("wrk") else {})


def wrk(url: str, headers: dict[str, str]) -> float:
    fields = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", *fields, url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if "Non-2xx" in said or not rate:
        raise SystemExit(said)
    return float(rate[1])


def postgresql(folder: Path, servers: ExitStack) -> str:
    database = PostgresqlServer(folder)
    servers.callback(database.stop)
    return servers.enter_context(database.fresh(folder))


def portal(
    folder: Path, servers: ExitStack, database_url: str | None, workers: int = 1
) -> tuple[Portal, str, dict[str, str]]:
    server = Portal(folder, workers, database_url)
    with create_app(Settings.from_environ(server.environ)).app_context():
        owner = actor_for(db.session.scalars(select(User)).one(), Via.TOKEN)
        for name in names():
            entries.register(owner, MODEL, {"name": name, "url": f"https://example.org/{name}"})
        db.session.commit()
        settle()
    servers.enter_context(server)
    return server, "/models", {"Cookie": server.sign_in()}


def settle() -> None:
    """What PostgreSQL does by itself within a minute of a load: it looks what is there, and plans by that."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("ANALYZE"))
        db.session.commit()


def mlflow(folder: Path, program: Path, servers: ExitStack) -> Page:
    database = folder / "mlflow.db"
    subprocess.run([program, "db", "upgrade", f"sqlite:///{database}"], check=True, capture_output=True)
    with sqlite3.connect(database) as rows:
        rows.executemany(
            "INSERT INTO registered_models (name, creation_time, last_updated_time) VALUES (?, 1, 1)",
            ((name,) for name in names()),
        )
        rows.executemany(
            "INSERT INTO model_versions (name, version, creation_time, current_stage, source, status)"
            " VALUES (?, 1, 1, 'None', 's3://bucket/key', 'READY')",
            ((name,) for name in names()),
        )
    rows.close()
    command = [program, "server", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1"]
    stores = ["--backend-store-uri", f"sqlite:///{database}", "--artifacts-destination", folder / "artifacts"]
    server = servers.enter_context(Server([*command, *stores], folder / "mlflow.log"))
    return server, "/api/2.0/mlflow/registered-models/search?max_results=50", {}


def datasette(folder: Path, program: Path, servers: ExitStack) -> Server:
    database = folder / "registry.db"
    with sqlite3.connect(database) as rows:
        rows.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, name TEXT, type TEXT, owner TEXT, created_at TEXT)")
        rows.executemany(
            "INSERT INTO entry (name, type, owner, created_at) VALUES (?, 'ndb', 'bench', '2026-11-20T00:00:00Z')",
            ((name,) for name in names()),
        )
    rows.close()
    command = [program, "serve", "--host", "127.0.0.1", "--port", "{port}", "--immutable", database]
    return servers.enter_context(Server(command, folder / "datasette.log"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.list_page")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-portal", action="store_true", help="the peers alone")
    parser.add_argument("--nginx", action="store_true", help="once more through the shipped nginx")
    parser.add_argument("--postgresql", action="store_true", help="the portal on PostgreSQL")
    options = parser.parse_args()
    with workplace(minutes=15) as folder, ExitStack() as servers:
        pages: dict[str, Page] = {}
        if program := peer("mlflow", "bin", "mlflow"):
            pages["MLflow registered-models/search"] = mlflow(folder, program, servers)
        if program := peer("datasette", "bin", "datasette"):
            peers = datasette(folder, program, servers)
            pages["Datasette table"] = (peers, "/registry/entry?_size=50", {})
            pages["Datasette table, no counts"] = (peers, "/registry/entry?_size=50&_nocount=1&_nofacet=1", {})
        if not options.no_portal:
            url = postgresql(folder, servers) if options.postgresql else None
            server, path, headers = pages["portal list page"] = portal(folder, servers, url)
            if options.nginx:
                behind = servers.enter_context(BehindNginx(server, folder))
                pages["portal list page behind nginx"] = behind, path, headers
        if not shutil.which("wrk"):
            print("left out: wrk is not installed")
        for page in pages.values():
            visit(*page)
        cases: dict[str, Callable[[], Figures]] = {name: partial(visit, *page) for name, page in pages.items()}
        report(play(cases, options.runs))


def report(results: Results) -> None:
    rows = []
    for name in results:
        row = {"": name} | {f"{figure} ms": f"{median(results, name, figure):.1f}" for figure in ("p50", "p99")}
        if "rate" in results[name][0]:
            row["req/s"] = f"{median(results, name, 'rate'):.0f}"
            if "portal list page" in results:
                row["portal x this"] = f"{ratio(results, 'portal list page', name, 'rate'):.2f}"
        rows.append(row)
    table(rows)


if __name__ == "__main__":
    main()
