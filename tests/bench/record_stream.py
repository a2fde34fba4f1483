"""A million records as one stream: the portal beside the databases' own programs, and beside an ORM with pydantic.

    python -m tests.bench.record_stream [--rows 1000000] [--runs 5] [--only sqlite|postgresql] [--nginx]

Peers (optional): apt-get install sqlite3 postgresql-client
The peers read a table that has every name in every row, so that they need no join, in the same order by an index. Those
of the databases write to nowhere; the portal and the ORM answer over HTTP, under gunicorn with one worker each.
"""

from __future__ import annotations

import argparse
import http.client
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import psutil
from sqlalchemy import create_engine, text

from tests.bench import record_data
from tests.bench.ours import BehindNginx, Portal
from tests.bench.process import Server
from tests.bench.rounds import Figures, Results, median, play, ratio, table, workplace
from tests.databases import PostgresqlServer

ORM_ROWS = 50_000  # as many as the ORM is asked for: its rate is the same from the first to the last
FLAT = """CREATE TABLE flat AS SELECT {id} AS id, {timestamp} AS timestamp, r.collection_date, {dataset} AS dataset_id,
  d.name AS dataset_name, {entry} AS model_id, e.name AS model_name, {data} AS model_data,
  {experiment} AS experiment_id, x.name AS experiment_name, {season} AS season_id, s.name AS season_name,
  {site} AS site_id, t.name AS site_name,
  r.file_name AS record_file, {info} AS record_info
FROM record r JOIN circumstances c ON c.id = r.circumstances_id JOIN dataset d ON d.id = r.dataset_id
  JOIN entry e ON e.id = c.entry_id LEFT JOIN experiment x ON x.id = c.experiment_id
  LEFT JOIN season s ON s.id = c.season_id LEFT JOIN site t ON t.id = c.site_id"""
IDS = {"id": "r.id", "dataset": "d.id", "entry": "e.id", "experiment": "x.id", "season": "s.id", "site": "t.id"}
SQLITE = {**IDS, "timestamp": "replace(substr(r.timestamp, 1, 26), 'T', ' ')", "data": "r.data", "info": "r.info"}
POSTGRESQL = {name: f"{column}::text" for name, column in IDS.items()} | {
    "timestamp": "r.timestamp",
    "data": "r.data::json",
    "info": "r.info::json",
}


def fetch(server: Server, path: str, rows: int, headers: dict[str, str] | None = None) -> Figures:
    """Seconds for all rows, and until the first line; SystemExit unless there are as many as said."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    buffer, number, first = memoryview(bytearray(1 << 20)), 0, 0.0
    began = time.perf_counter()
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    while arrived := answer.readinto(buffer):
        number += bytes(buffer[:arrived]).count(b"\n")
        first = first or time.perf_counter() - began
    seconds = time.perf_counter() - began
    connection.close()
    if answer.status != 200 or number < rows:
        raise SystemExit(f"{path}: {answer.status}, {number} lines")
    return {"rate": number / seconds, "first": first * 1000}


def run(command: Sequence[object], rows: int) -> Figures:
    began = time.perf_counter()
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    return {"rate": rows / (time.perf_counter() - began)}


def load(portal: Portal, rows: int) -> str:
    """The id of an entry with so many records."""
    client = portal.client()
    entry_id: str = client.call("POST", "/api/models", {"model_name": "flights"})["id"]
    client.close()
    connection = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=3600)
    headers = {"Authorization": f"Bearer {portal.token}", "Content-Type": "application/x-ndjson"}
    lines = record_data.lines(record_data.made_up(rows))
    connection.request("POST", f"/api/models/id/{entry_id}/records", _batches(lines), headers, encode_chunked=True)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 200 or f'"inserted":{rows}'.encode() not in said.replace(b" ", b""):
        raise SystemExit(f"{answer.status} {said[:500]!r}")
    connection.close()
    return entry_id


def _batches(lines: Iterator[bytes]) -> Iterator[bytes]:
    some: list[bytes] = []
    for line in lines:
        some.append(line)
        if len(some) == 1000:
            yield b"".join(some)
            some.clear()
    yield b"".join(some)


def flatten(url: str, pieces: dict[str, str]) -> None:
    with create_engine(url).begin() as connection:
        connection.execute(text(FLAT.format(**pieces)))
        connection.execute(text("CREATE INDEX flat_order ON flat (timestamp, id)"))
        connection.execute(text("ANALYZE"))


def orm(folder: Path, url: str) -> Server:
    peer = Path(__file__).with_name("peers") / "orm_records.py"
    return Server([sys.executable, peer, "{port}"], folder / "orm.log", {"DATABASE_URL": url})


def by_orm(peer: Server, rows: int) -> Callable[[], Figures]:
    most = min(rows, ORM_ROWS)
    return partial(fetch, peer, f"/records?limit={most}", most)


def streams(portal: Portal, entry_id: str, rows: int) -> dict[str, Callable[[], Figures]]:
    caller = {"Authorization": f"Bearer {portal.token}"}
    of_entry, carrier = f"/api/models/id/{entry_id}/records", urlencode({"experiment_names": record_data.CARRIERS[1]})
    return {
        "portal": partial(fetch, portal, "/api/models/records", rows, caller),
        "portal, one entry": partial(fetch, portal, of_entry, rows, caller),
        "portal, one experiment": partial(fetch, portal, f"{of_entry}/filter?{carrier}", rows // 20, caller),
        "portal, CSV": partial(fetch, portal, of_entry, rows, caller | {"Accept": "text/csv"}),
    }


@contextmanager
def on_sqlite(folder: Path, rows: int, nginx: bool) -> Iterator[dict[str, Callable[[], Figures]]]:
    with ExitStack() as servers:
        portal = servers.enter_context(Portal(folder, workers=1))
        entry_id = load(portal, rows)
        database = next(folder.glob("data-1/*.db"))
        url = f"sqlite:///{database}"
        flatten(url, SQLITE)
        peer = servers.enter_context(orm(folder, url))
        cases = streams(portal, entry_id, rows)
        if nginx:
            behind = servers.enter_context(BehindNginx(portal, folder))
            cases["portal behind nginx"] = streams(behind, entry_id, rows)["portal"]
        cases["ORM and pydantic"] = by_orm(peer, rows)
        if sqlite3 := shutil.which("sqlite3"):
            query = "SELECT * FROM flat ORDER BY timestamp, id"
            cases["sqlite3 -json"] = partial(run, [sqlite3, "-readonly", "-json", database, query], rows)
        else:
            print("left out: sqlite3 is not installed")
        with watched(portal):
            yield cases


@contextmanager
def on_postgresql(folder: Path, rows: int, nginx: bool) -> Iterator[dict[str, Callable[[], Figures]]]:
    database = PostgresqlServer(folder)
    with ExitStack() as servers:
        servers.callback(database.stop)
        url = servers.enter_context(database.fresh(folder))
        portal = servers.enter_context(Portal(folder, workers=1, database_url=url))
        entry_id = load(portal, rows)
        flatten(url, POSTGRESQL)
        peer = servers.enter_context(orm(folder, url))
        cases = streams(portal, entry_id, rows)
        if nginx:
            behind = servers.enter_context(BehindNginx(portal, folder))
            cases["portal behind nginx"] = streams(behind, entry_id, rows)["portal"]
        cases["ORM and pydantic"] = by_orm(peer, rows)
        if psql := shutil.which("psql"):
            query = "COPY (SELECT row_to_json(flat) FROM flat ORDER BY timestamp, id) TO STDOUT"
            cases["psql COPY row_to_json"] = partial(run, [psql, "-q", url.replace("+psycopg", ""), "-c", query], rows)
        else:
            print("left out: psql is not installed")
        with watched(portal):
            yield cases


@contextmanager
def watched(portal: Portal) -> Iterator[None]:
    """Says how much the portal's largest process has grown meanwhile, at its worst."""
    processes = [psutil.Process(process.pid) for process in portal.tree()]
    before = max(process.memory_info().rss for process in processes) >> 20
    yield
    print(f"memory of the portal: {before} MiB before the streams; {portal.memory()}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.record_stream")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--nginx", action="store_true", help="once more through the shipped nginx")
    options = parser.parse_args()
    databases = {"sqlite": on_sqlite, "postgresql": on_postgresql}
    for name, prepare in databases.items():
        if options.only in (None, name):
            with workplace(minutes=30) as folder, prepare(folder, options.rows, options.nginx) as cases:
                print(f"{name}, {options.rows} records", flush=True)
                report(play(cases, options.runs))


def report(results: Results) -> None:
    rows = []
    for name in results:
        row = {"": name, "rows/s": f"{median(results, name, 'rate'):,.0f}"}
        if "first" in results[name][0]:
            row["first ms"] = f"{median(results, name, 'first'):.0f}"
        if name != "portal":
            row["portal x this"] = f"{ratio(results, 'portal', name, 'rate'):.2f}"
        rows.append(row)
    table(rows)


if __name__ == "__main__":
    main()
