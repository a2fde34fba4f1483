"""Records coming in: many lines at once beside what the database alone takes, and single ones over HTTP.

    python -m tests.bench.record_ingest [--rows 100000] [--posts 2000] [--runs 5] [--postgresql]

The rows are flights (see record_data.py), on SQLite or on a PostgreSQL of its own. The limit puts the very rows that
the portal made of the same lines into the same table under the same indexes; it reads, checks and counts nothing. It
does so by the driver's `executemany`, or by `COPY`: in one transaction, and in as many as the portal makes.
"""

from __future__ import annotations

import argparse
import http.client
import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import select
from sqlalchemy.engine import make_url

from portal import create_app
from portal.database import begin_write
from portal.domain import entries, record_bulk, record_lines, users
from portal.domain.kinds import MODEL
from portal.domain.sessions import actor_for
from portal.domain.users import User
from portal.extensions import db
from portal.security.actor import Via
from tests import databases
from tests.bench import record_data
from tests.bench.ours import EMAIL, NAME, PASSWORD, Portal
from tests.bench.rounds import Figures, Results, median, play, ratio, table, workplace

PIECE = 256 << 10
IN_ONE, IN_MANY = "the rows alone, one transaction", "the rows alone, as many transactions"
BULK, BY_HTTP = "the portal, from lines", "the portal, from lines over HTTP"
COLUMNS = ("id", "entry_id", "circumstances_id", "dataset_id", "timestamp", "collection_date", "data", "info")


class Bench:
    """Makes fresh databases: `empty` has one entry and no record, `named` also all names that the rows refer to."""

    def __init__(self, folder: Path, text: bytes, *, is_postgresql: bool) -> None:
        self.folder, self.text = folder, text
        if is_postgresql:
            self.server = databases.PostgresqlServer(folder)
            self.server._run("ALTER ROLE postgres RESET synchronous_commit")
            self.templates = {"empty": "template_empty", "named": "template_named"}
            self._copy_postgresql("template_portal", "template_empty")
        else:
            self.server = None
            self.templates = {"empty": str(folder / "empty.db"), "named": str(folder / "named.db")}
            databases.migrate(folder, self.url(self.templates["empty"]))
        with self._app(self.url(self.templates["empty"])):
            begin_write()
            owner = users.create(NAME, EMAIL, PASSWORD)
            self.entry_id = entries.register(actor_for(owner, Via.COMMAND), MODEL, {"name": "flights"}).id
            db.session.commit()
        self._copy("empty", self.templates["named"])
        self.load(self.url(self.templates["named"]))
        self.rows = self._take_rows()

    def url(self, name: str) -> str:
        return self.server.url(name) if self.server else f"sqlite:///{name}"

    @contextmanager
    def fresh(self, template: str) -> Iterator[str]:
        """The URL of a copy."""
        name = f"bench_{time.time_ns()}" if self.server else str(self.folder / f"{time.time_ns()}.db")
        self._copy(template, name)
        try:
            yield self.url(name)
        finally:
            if self.server:
                self.server._run(f"DROP DATABASE {name} WITH (FORCE)")
            else:
                for file in self.folder.glob(f"{Path(name).name}*"):
                    file.unlink()

    def load(self, url: str) -> float:
        """Seconds for the portal to add all lines."""
        with self._app(url):
            actor = actor_for(db.session.scalars(select(User)).one(), Via.COMMAND)
            entry = entries.get(actor, MODEL, self.entry_id)
            pieces = (self.text[start : start + PIECE] for start in range(0, len(self.text), PIECE))
            began = time.perf_counter()
            *_, loaded = record_bulk.add_many(actor, entry, record_lines.read_ndjson(MODEL, pieces))
            seconds = time.perf_counter() - began
            if loaded.rejected:
                raise SystemExit(f"not all lines were taken: {loaded.rejected[0]}")
            return seconds

    def insert(self, url: str, step: int) -> float:
        """Seconds for the database to take the rows, `step` in a transaction."""
        parts = [self.rows[start : start + step] for start in range(0, len(self.rows), step)]
        if self.server:
            texts = ["".join("\t".join(map(str, row)).replace("\\", "\\\\") + "\n" for row in part) for part in parts]
            with psycopg.connect(_plain(url), autocommit=True) as postgresql:
                began = time.perf_counter()
                for text in texts:
                    with (
                        postgresql.cursor() as cursor,
                        cursor.copy(f"COPY record ({', '.join(COLUMNS)}) FROM STDIN") as copy,
                    ):
                        copy.write(text)
                return time.perf_counter() - began
        statement = f"INSERT INTO record ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
        with closing(sqlite3.connect(make_url(url).database or "", isolation_level=None)) as connection:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-32768"):
                connection.execute(f"PRAGMA {pragma}")
            began = time.perf_counter()
            for part in parts:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(statement, part)
                connection.execute("COMMIT")
            return time.perf_counter() - began

    @contextmanager
    def _app(self, url: str) -> Iterator[None]:
        with create_app(databases.settings(self.folder, url)).app_context():
            yield
            db.engine.dispose()

    def _copy(self, template: str, name: str) -> None:
        if self.server:
            self._copy_postgresql(self.templates[template], name)
        else:
            shutil.copy(self.templates[template], name)

    def _copy_postgresql(self, template: str, name: str) -> None:
        self.server._run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")  # type: ignore[union-attr]

    def _take_rows(self) -> list[tuple[Any, ...]]:
        """The rows of `named`, which has none any more then."""
        query, url = f"SELECT {', '.join(COLUMNS)} FROM record ORDER BY id", self.url(self.templates["named"])
        if self.server:
            with psycopg.connect(_plain(url), autocommit=True) as postgresql:
                rows = postgresql.execute(query).fetchall()
                postgresql.execute("TRUNCATE record")
                return rows
        with closing(sqlite3.connect(make_url(url).database or "", isolation_level=None)) as connection:
            rows = connection.execute(query).fetchall()
            connection.execute("DELETE FROM record")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("VACUUM")
            return rows


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql")


def bulk(bench: Bench, rows: int, act: Callable[[str], float], template: str) -> Figures:
    with bench.fresh(template) as url:
        return {"rate": rows / act(url)}


class Server:
    """A running portal; every measurement makes an entry of its own, and all records stay."""

    def __init__(self, portal: Portal, lines: list[bytes]) -> None:
        self.portal, self.lines = portal, lines

    def all_at_once(self) -> Figures:
        headers = {"Content-Type": "application/x-ndjson"}
        body = b"".join(self.lines)
        with self._post_to(self._new_entry()) as post:
            began = time.perf_counter()
            if json.loads(post(body, headers))["inserted"] != len(self.lines):
                raise SystemExit("not all lines were taken")
            return {"rate": len(self.lines) / (time.perf_counter() - began)}

    def one_by_one(self, clients: int, number: int) -> Figures:
        """Requests a second, and the 99th percentile in ms."""
        entry_id, each = self._new_entry(), number // clients
        times: list[float] = []

        def client(first: int) -> None:
            with self._post_to(entry_id) as post:
                for line in self.lines[first : first + each]:
                    began = time.perf_counter()
                    post(line, {"Content-Type": "application/json"})
                    times.append(time.perf_counter() - began)

        threads = [threading.Thread(target=client, args=(place * each,)) for place in range(clients)]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - began
        if len(times) != each * clients:
            raise SystemExit("a client failed")
        return {"rate": len(times) / seconds, "p99": 1000 * sorted(times)[int(0.99 * len(times))]}

    def _new_entry(self) -> str:
        name = {"model_name": f"flights {time.time_ns()}"}
        made: str = self.portal.client().call("POST", "/api/models", name)["id"]
        return made

    @contextmanager
    def _post_to(self, entry_id: str) -> Iterator[Callable[[bytes, dict[str, str]], bytes]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.portal.port)
        own = {"Authorization": f"Bearer {self.portal.token}"}

        def post(body: bytes, headers: dict[str, str]) -> bytes:
            connection.request("POST", f"/api/models/id/{entry_id}/records", body, {**headers, **own})
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                raise SystemExit(f"{answer.status} {said[:300]!r}")
            return said

        with closing(connection):
            yield post


def report(results: Results) -> None:
    limits = [name for name in (IN_ONE, IN_MANY) if name in results]
    rows = []
    for name, figures in results.items():
        row = {"": name, "a second": f"{median(results, name, 'rate'):,.0f}"}
        if "p99" in figures[0]:
            row["p99 ms"] = f"{median(results, name, 'p99'):.1f}"
        elif name not in limits:
            row |= {f"x {limit}": f"{ratio(results, name, limit, 'rate'):.2f}" for limit in limits}
        rows.append(row)
    table(rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.record_ingest")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--posts", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    lines = list(record_data.lines(record_data.some(options.rows)))
    with workplace(minutes=20) as folder:
        bench = Bench(folder, b"".join(lines), is_postgresql=options.postgresql)
        cases: dict[str, Callable[[], Figures]] = {
            IN_ONE: partial(bulk, bench, options.rows, partial(bench.insert, step=options.rows), "named"),
            IN_MANY: partial(bulk, bench, options.rows, partial(bench.insert, step=record_lines.MOST_LINES), "named"),
            BULK: partial(bulk, bench, options.rows, bench.load, "empty"),
        }
        url = None
        if bench.server:
            bench._copy_postgresql("template_portal", "served")
            url = bench.url("served")
        with Portal(folder, 1, url) as portal:
            server = Server(portal, lines)
            cases[BY_HTTP] = server.all_at_once
            for clients in (1, 8):
                cases[f"single, {clients} client{'s' * (clients > 1)}"] = partial(
                    server.one_by_one, clients, options.posts
                )
            report(play(cases, options.runs))
        if bench.server:
            bench.server.stop()


if __name__ == "__main__":
    main()
