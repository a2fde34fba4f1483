"""Servers that others look through rows with, on the records of record_trials.py; they ask nobody who they are.

Below the folder that $BENCH_PEERS names:
    python -m venv $BENCH_PEERS/datasette && $BENCH_PEERS/datasette/bin/pip install datasette==0.65.5
    python -m venv $BENCH_PEERS/mlflow && $BENCH_PEERS/mlflow/bin/pip install mlflow==3.17.2
Datasette has the very same rows in one table, with every name in every row and an index for every filter. Its table
page is measured as it comes (row count, suggested facets), and its JSON also with the facets that the portal counts.
MLflow has a run for every record, of the same experiments; season and site are its parameters. It takes ten times the
room and the time, so that it is left out above `MOST_RUNS`.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from tests.bench import record_trials
from tests.bench.process import Server
from tests.bench.record_trials import Circumstances, Row
from tests.bench.rounds import peer
from tests.bench.visits import Request, Visits

MOST_RUNS = 100_000
FACETS = "".join(f"&_facet={name}_name" for name in (*Circumstances._fields, "dataset"))
COLUMNS = ("id", "timestamp", "collection_date", "dataset_name", "model_name", "model_data")
NAMES = tuple(f"{field}_name" for field in Circumstances._fields)
INDEXES = (
    (*NAMES, "timestamp", "id"),
    *((name, "timestamp", "id") for name in (*NAMES, "model_name", "dataset_name")),
    ("timestamp", "id"),
)


def everything(size: int) -> Iterator[tuple[str, Row]]:
    """Every record, with the name of its entry."""
    for number, year, some in record_trials.parts(size):
        for row in record_trials.rows(number, year, some):
            yield record_trials.MADE[number][1], row


def datasette(folder: Path, size: int, servers: ExitStack) -> dict[str, Visits]:
    program = peer("datasette", "bin", "datasette")
    if program is None:
        return {}
    database = folder / f"datasette-{size}.db"
    if not database.exists():
        _fill_datasette(database.with_suffix(".making"), size)
        database.with_suffix(".making").rename(database)
    limits = [word for name in ("sql", "facet") for word in ("--setting", f"{name}_time_limit_ms", "60000")]
    command = [program, "serve", "--host", "127.0.0.1", "--port", "{port}", *limits, "--immutable", database]
    server = servers.enter_context(Server(command, folder / f"datasette-{size}.log"))

    def visits(form: str, asked: Sequence[Circumstances], number: int, more: str = "") -> Visits:
        queries = [urlencode(dict(zip(NAMES[:number], each, strict=False))) for each in asked]
        path = f"/{database.stem}/record{form}?_sort_desc=timestamp&_size=50{more}&"
        return Visits(server, [Request(path + query, b"yield") for query in queries])

    found = {}
    for number, name in enumerate(record_trials.FILTERS):
        asked = record_trials.asked(number)
        found[f"Datasette: JSON, {name}"] = visits(".json", asked, number)
        found[f"Datasette: page, {name}"] = visits("", asked, number)
        found[f"Datasette: counts, {name}"] = visits(".json", asked, number, f"{FACETS}&_facet_date=timestamp")
    bare = "&_nocount=1&_nofacet=1"
    return found | {"Datasette: page without counts, 0 filters": visits("", record_trials.asked(0), 0, bare)}


def _fill_datasette(database: Path, size: int) -> None:
    columns = (*COLUMNS, *NAMES)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"CREATE TABLE record ({', '.join(f'{name} TEXT NOT NULL' for name in columns)})")
        statement = f"INSERT INTO record VALUES ({', '.join('?' * len(columns))})"
        connection.executemany(statement, (_flat(entry, row) for entry, row in everything(size)))
        connection.execute("CREATE UNIQUE INDEX record_id ON record (id)")
        for index in INDEXES:
            connection.execute(f"CREATE INDEX record_by_{index[0]}_{len(index)} ON record ({', '.join(index)})")
        connection.execute("ANALYZE")


def _flat(entry: str, row: Row) -> tuple[str, ...]:
    day = row.timestamp[:10]
    return (
        str(uuid.uuid4()),
        row.timestamp,
        day,
        row.dataset or f"{entry} Dataset {day}",
        entry,
        row.data,
        *row.around,
    )


def mlflow(folder: Path, size: int, servers: ExitStack) -> dict[str, Visits]:
    program = peer("mlflow", "bin", "mlflow") if size <= MOST_RUNS else None
    if program is None:
        return {}
    database = folder / f"mlflow-{size}.db"
    if not database.exists():
        making = database.with_suffix(".making")
        subprocess.run([program, "db", "upgrade", f"sqlite:///{making}"], check=True, capture_output=True)
        _fill_mlflow(making, size)
        making.rename(database)
    command = [program, "server", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1"]
    stores = ["--backend-store-uri", f"sqlite:///{database}", "--artifacts-destination", folder / "artifacts"]
    server = servers.enter_context(Server([*command, *stores], folder / f"mlflow-{size}.log"))
    all_of_them = [str(number + 1) for number in range(record_trials.EXPERIMENTS)]
    found = {}
    for number, name in enumerate(record_trials.FILTERS):
        requests = []
        for each in record_trials.asked(number):
            fields = list(zip(Circumstances._fields, each, strict=False))
            search = {
                "experiment_ids": [_experiment(each)] if number else all_of_them,
                "filter": " and ".join(f"params.{key} = '{text}'" for key, text in fields[1:]),
                "max_results": 50,
                "order_by": ["attributes.start_time DESC"],
            }
            requests.append(Request("/api/2.0/mlflow/runs/search", b'"runs"', json.dumps(search).encode()))
        found[f"MLflow: runs/search, {name}"] = Visits(server, requests)
    return found


def _experiment(around: Sequence[str]) -> str:
    return str(int(around[0].split()[-1]) + 1)


def _fill_mlflow(database: Path, size: int) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executemany(
            "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time,"
            " last_update_time) VALUES (?, ?, 'mlflow-artifacts:/0', 'active', 1, 1)",
            ((number + 1, f"Trial {number:02}") for number in range(record_trials.EXPERIMENTS)),
        )
        for entry, row in everything(size):
            run, time = uuid.uuid4().hex, int(datetime.fromisoformat(row.timestamp).timestamp() * 1000)
            experiment = _experiment(row.around)
            connection.execute(
                "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status,"
                " start_time, end_time, source_version, lifecycle_stage, artifact_uri, experiment_id)"
                " VALUES (?, 'run', 'UNKNOWN', '', '', 'bench', 'FINISHED', ?, ?, '', 'active', '', ?)",
                (run, time, time, experiment),
            )
            params = (("season", row.around.season), ("site", row.around.site), ("model", entry))
            connection.executemany("INSERT INTO params VALUES (?, ?, ?)", ((*param, run) for param in params))
            connection.execute("INSERT INTO tags VALUES ('dataset', ?, ?)", (row.dataset or row.timestamp[:10], run))
            crop = json.loads(row.data)["yield"]
            connection.execute("INSERT INTO latest_metrics VALUES ('yield', ?, ?, 0, 0, ?)", (crop, time, run))
        connection.execute("ANALYZE")
