"""Looking through records: first pages, deep pages and counts, at 10,000 records and at a hundred times as many.

    python -m tests.bench.record_pages [--rows 10000 100000 1000000] [--runs 5] [--postgresql] [--keep FOLDER] [--nginx]

`--keep` leaves the databases in FOLDER for the next run: making them takes minutes a million records. `--only TEXT`
plays the cases with that in their names. The records are field trials (record_trials.py), and a quarter of them are
in another person's private entries, which the reader must not see. Peers (optional): see record_peers.py.

All sizes are played in the same rounds: "growth" is what the largest costs beside the smallest. Counts are the total,
the values of every filter, and the days of the histogram: "kept" where nothing was written since they were last asked
for, "cold" where a record was posted just before (and is deleted after). Pages show the counts, too: kept ones, unless
the page is called cold.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from tests.bench import record_peers, record_trials
from tests.bench.ours import BehindNginx, Portal
from tests.bench.rounds import Results, median, play, ratio, table, workplace
from tests.bench.visits import Around, Request, Visits

YEAR = {"start_timestamp": "2020-01-01", "end_timestamp": "2021-01-01"}
DEEP = "2017-07-01"  # a page from here on has most records before it
BESIDE = {
    "Datasette: JSON": "all: JSON",
    "Datasette: page": "all: page",
    "Datasette: counts": "all: counts cold",
    "MLflow: runs/search": "all: JSON",
}


class Reader:
    """Of a running portal, what its user asks for; by the name of the case."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._client = portal.client()
        self._entry: str = self._client.call("POST", "/api/models", {"model_name": record_trials.WITHIN})["id"]
        self._token = {"Authorization": f"Bearer {portal.token}"}
        self._cookie = {"Cookie": portal.sign_in()}

    def cases(self) -> Iterator[tuple[str, Visits]]:
        yield from self._of("all", "/api/models/records", "/records")
        yield from self._of("entry", f"/api/models/id/{self._entry}/records", f"/models/{self._entry}/records")

    def _of(self, where: str, stream: str, page: str) -> Iterator[tuple[str, Visits]]:
        first = f"{stream}?limit=50&order=newest"
        deep = self._client.call("GET", f"{stream}?limit=1&order=newest&end_timestamp={DEEP}")["id"]
        after = [{"after": deep}]
        for name, queries in self._filters(where == "entry"):
            counts = self._visits(f"{stream}/facets?", queries, self._token, b'"total"')
            shown = self._visits(f"{page}?", queries, self._cookie, b"/records/")
            yield f"{where}: JSON, {name}", self._visits(first, queries, self._token, b'"model_data"')
            yield f"{where}: page, {name}", shown
            yield f"{where}: page cold, {name}", shown._replace(around=self._change())
            yield f"{where}: counts kept, {name}", counts
            yield f"{where}: counts cold, {name}", counts._replace(around=self._change())
        yield f"{where}: JSON, deep", self._visits(first, after, self._token, b'"model_data"')
        yield f"{where}: page, deep", self._visits(f"{page}?", after, self._cookie, b"/records/")

    def _filters(self, is_within: bool) -> Iterator[tuple[str, list[dict[str, str]]]]:
        for number, name in enumerate(record_trials.FILTERS):
            asked = record_trials.asked(number, within=is_within)
            keys = ("experiment_names", "season_names", "site_names")[:number]
            yield name, [dict(zip(keys, each, strict=True)) for each in asked]
        yield "a year", [YEAR]

    def _visits(
        self, path: str, queries: Sequence[Mapping[str, str]], headers: Mapping[str, str], shows: bytes
    ) -> Visits:
        requests = [Request(f"{path}&{urlencode(query)}", shows) for query in queries]
        return Visits(self._portal, requests, headers)

    def _change(self) -> Around:
        """Adds a record and takes it away, in an entry of the user's own."""
        ((experiment, season, site),) = record_trials.asked(3, within=True)[:1]
        names = {"experiment_name": experiment, "season_name": season, "site_name": site, "dataset_name": "bench"}
        added: list[str] = []

        def before() -> None:
            body = {**names, "timestamp": datetime.now(UTC).isoformat(), "model_data": {"yield": 1}}
            added.append(self._client.call("POST", f"/api/models/id/{self._entry}/records", body)["id"])

        def after() -> None:
            self._client.call("DELETE", f"/api/models/records/id/{added.pop()}")

        return before, after


def prepare(
    work: Path, kept: Path, databases: record_trials.Databases, size: int, servers: ExitStack, nginx: bool
) -> dict[str, Visits]:
    folder = work / str(size)
    folder.mkdir()
    portal = servers.enter_context(Portal(folder, workers=1, database_url=databases.of(size), has_user=True))
    cases = dict(Reader(portal).cases())
    if nginx:
        behind = servers.enter_context(BehindNginx(portal, folder))
        cases |= {f"{name}, nginx": visits._replace(server=behind) for name, visits in cases.items()}
    return cases | record_peers.datasette(kept, size, servers) | record_peers.mlflow(kept, size, servers)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.record_pages")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", default="", metavar="TEXT")
    parser.add_argument("--nginx", action="store_true", help="once more through the shipped nginx")
    options = parser.parse_args()
    sizes = sorted(options.rows)
    with workplace(minutes=240) as work, ExitStack() as servers:
        kept = (options.keep or work).absolute()
        databases = (
            record_trials.PostgresqlServer(options.keep) if options.postgresql else record_trials.SqliteFiles(kept)
        )
        servers.callback(databases.stop)
        by_size = {size: prepare(work, kept, databases, size, servers, options.nginx) for size in sizes}
        cases = {
            place(name, size): visits.play
            for size in sizes
            for name, visits in by_size[size].items()
            if options.only in name
        }
        results = play(cases, options.runs)
        report(results, sizes, list(dict.fromkeys(name for each in by_size.values() for name in each)))


def place(name: str, size: int) -> str:
    return f"{name}, {size:,}"


def report(results: Results, sizes: Sequence[int], names: Sequence[str]) -> None:
    rows = []
    for name in names:
        row = {"p50 (p99) ms": name}
        own = [size for size in sizes if place(name, size) in results]
        for size in own:
            p50, p99 = (median(results, place(name, size), figure) for figure in ("p50", "p99"))
            row[f"{size:,}"] = f"{p50:.1f} ({p99:.1f})"
        if len(own) > 1:
            row["growth"] = f"{ratio(results, place(name, own[-1]), place(name, own[0]), 'p50'):.2f}"
        what, _, filters = name.partition(", ")
        ours = f"{BESIDE.get(what)}, {filters}"
        beside = [size for size in own if place(ours, size) in results]
        if beside:
            each = (ratio(results, place(name, size), place(ours, size), "p50") for size in beside)
            row["x portal"] = " / ".join(f"{times:.1f}" for times in each)
        if own:
            rows.append(row)
    table(rows)


if __name__ == "__main__":
    main()
