"""Records are found and counted as a careful reader of all rows would find and count them, and nobody sees more."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.domain import entries, record_counts, record_plan, record_search, records, rules
from portal.domain.circumstances import Names
from portal.domain.entries import Entry
from portal.domain.kinds import BY_WORD, KINDS, Kind
from portal.domain.record_search import Wanted
from portal.domain.records import NewRecord, Record, Writer, cell
from portal.errors import BadRequest
from portal.extensions import db
from portal.search.json_conditions import holds, parse
from portal.security.policy import Level, level
from tests import make
from tests.people import People, Person, in_transaction
from tests.recorded import several

SMALL = {"FEW": 3, "TRIED": 4, "MOST_SORTED": 5}

FIRST = datetime(2026, 5, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
MOMENTS = [
    FIRST + days * DAY + rest for days in range(5) for rest in (0 * SECOND, SECOND, DAY / 2, DAY - SECOND / 1000)
]
EXPERIMENTS = (None, "Barley 1931", "Größe")
SEASONS = (None, "1931", "1932")
SITES = (None, "Morris", "Waseca")
DATASETS = (None, "plots", "PLOTS 2")
CONDITIONS = (
    "yield > 40",
    "yield <= 40.5",
    "variety = Manchuria",
    "note contains FROST",
    "by = 7",
    "yield != 40",
    "no = 1",
)
WORDS = {"experiments": "experiment_name", "seasons": "season_name", "sites": "site_name", "datasets": "dataset_name"}
FACETS = {f"{field[:-1]}_names": column for field, column in WORDS.items()}


class Row(NamedTuple):
    """One stored record with all that is known of it."""

    entry: Entry
    record: Record
    names: dict[str, str | None]

    @property
    def place(self) -> tuple[datetime, str]:
        return self.record.timestamp, self.record.id


class Shelf(NamedTuple):
    """A portal with records, and all its records as a list."""

    app: Flask
    people: People
    rows: list[Row]
    entry_ids: list[str]


def fill(person: Person, kind: Kind, entry_id: str, number: int, chance: random.Random) -> None:
    """Adds `number` random records, fewer where chance makes the same one twice."""
    with in_transaction(person.app):
        writer = Writer(entries.get(person.actor, kind, entry_id))
        kept = set()
        for _ in range(number):
            names = Names(chance.choice(EXPERIMENTS), chance.choice(SEASONS), chance.choice(SITES))
            if names == Names():
                continue
            data = {
                "yield": chance.choice([39, 40, 40.5, 41, "40", None]),
                "variety": chance.choice(["Manchuria", "Trebi"]),
            }
            moment = chance.choice(MOMENTS)
            collected = chance.choice([None, date(2026, 5, 1), moment.date() + DAY])
            new = NewRecord(
                data,
                {"note": "Frost"} if chance.random() < 0.2 else {"by": "7"},
                names,
                chance.choice(DATASETS),
                moment,
                collected,
            )
            row = writer.row(new)
            same = (cell(row), row["timestamp"])
            if same not in kept:
                kept.add(same)
                records.keep(row)


@pytest.fixture
def shelf(people: People) -> Iterator[Shelf]:
    chance = random.Random(7)
    entry_ids = []
    owners = people.owner, people.owner, people.owner, people.stranger, people.teammate
    for number, access in enumerate(("private", "protected", "public", "private", "public")):
        owner, kind = owners[number], KINDS[number % 2]
        name = "Yield net" if number < 3 else "yield NET "
        team_id = people.team_id if access == "protected" else None
        entry_id = make.entry(owner, f"{name}{' 2' if number == 2 else ''}", kind=kind, access=access, team_id=team_id)
        fill(owner, kind, entry_id, 60, chance)
        entry_ids.append(entry_id)
    with people.owner.app.app_context():
        rows = [
            Row(entry, record, named(record))
            for record, entry in db.session.query(Record, Entry).filter(Record.entry_id == Entry.id)
        ]
        assert len(rows) > 200
        yield Shelf(people.owner.app, people, rows, entry_ids)


def named(record: Record) -> dict[str, str | None]:
    dataset, *others = records.facts(record.id)
    words = ("experiment", "season", "site")
    return {"dataset": dataset.name} | {word: each and each.name for word, each in zip(words, others, strict=True)}


def wanted_by(shelf: Shelf) -> st.SearchStrategy[Wanted]:
    def some(values: tuple[str | None, ...]) -> st.SearchStrategy[tuple[str, ...]]:
        names = [each or "" for each in values] + ["unknown", " " + (values[1] or "").upper()]
        return st.just(()) | st.lists(st.sampled_from(names), max_size=2, unique=True).map(tuple)

    moments = (
        st.none()
        | st.none()
        | st.sampled_from(MOMENTS)
        | st.datetimes(FIRST.replace(tzinfo=None) - DAY, MOMENTS[-1].replace(tzinfo=None) + DAY, timezones=st.just(UTC))
    )
    return st.builds(
        Wanted,
        kind=st.none() | st.sampled_from(KINDS),
        entry_id=st.none() | st.sampled_from([*shelf.entry_ids, shelf.entry_ids[0].upper(), "no id"]),
        entries=st.just(()) | st.just(()) | st.sampled_from([("YIELD net",), ("yield net 2", "other"), ("other",)]),
        experiments=some(EXPERIMENTS),
        seasons=some(SEASONS),
        sites=some(SITES),
        datasets=st.just(()) | some(DATASETS),
        collection_date=st.none() | st.none() | st.sampled_from([date(2026, 5, 1), date(2026, 6, 1), date(2027, 1, 1)]),
        start=moments,
        end=moments,
        where=st.just(()) | st.just(()) | st.sampled_from(CONDITIONS).map(parse),
    )


def fits(row: Row, wanted: Wanted, but: str = "") -> bool:
    """The whole rule, for one row; `but` is a field of `wanted` that is not heeded."""
    record = row.record
    conditions = {
        "kind": wanted.kind is None or row.entry.kind == wanted.kind.word,
        "entry_id": wanted.entry_id is None or row.entry.id == wanted.entry_id.lower(),
        "entries": is_among(row.entry.name, wanted.entries),
        **{f"{word}s": is_among(name, getattr(wanted, f"{word}s")) for word, name in row.names.items()},
        "collection_date": wanted.collection_date in (None, record.collection_date),
        "start": wanted.start is None or wanted.start <= record.timestamp,
        "end": wanted.end is None or record.timestamp < wanted.end,
        "where": all(holds(each, record.data) or holds(each, record.info) for each in wanted.where),
    }
    return all(holds_true for field, holds_true in conditions.items() if field != but)


def is_among(name: str | None, wanted: tuple[str, ...]) -> bool:
    return not wanted or rules.key(name or "") in map(rules.key, wanted)


def seen_by(shelf: Shelf, person: Person) -> list[Row]:
    actor = person.actor
    return [row for row in shelf.rows if level(actor, row.entry) >= Level.READ]


@pytest.fixture(params=["as it is", "every way to find"])
def steps(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small portal would be searched in one way alone; bounds that are small, too, make it take them all."""
    if request.param == "every way to find":
        for name, bound in SMALL.items():
            monkeypatch.setattr(record_plan, name, bound)


def search(shelf: Shelf) -> Callable[[Callable[[Person, Wanted, int, bool], None]], None]:
    """Runs a check for many random filters and persons."""

    def run(check: Callable[[Person, Wanted, int, bool], None]) -> None:
        allowed = [HealthCheck.too_slow, HealthCheck.data_too_large]
        searched = settings(max_examples=150, deadline=None, suppress_health_check=allowed, database=None)
        arguments = st.sampled_from(list(shelf.people)), wanted_by(shelf), st.integers(1, 20), st.booleans()
        searched(given(*arguments)(check))()

    return run


def test_pages_are_what_a_reader_of_all_rows_finds(shelf: Shelf, steps: None) -> None:
    @search(shelf)
    def check(person: Person, wanted: Wanted, limit: int, newest: bool) -> None:
        expected = sorted((row for row in seen_by(shelf, person) if fits(row, wanted)), key=lambda row: row.place)
        expected = expected[::-1] if newest else expected
        found: list[str] = []
        after = None
        for number in range(3):
            page = record_search.page(person.actor, wanted, limit, after=after, newest=newest)
            found += [row.id for row in page.rows]
            assert (page.after is None) == (len(expected) <= limit * (number + 1))
            after = page.after if number else page.rows[-1].id if page.rows else None
            if page.after is None:
                break
        assert found == [row.record.id for row in expected[: limit * 3]]


def test_counts_are_those_of_a_reader_of_all_rows(shelf: Shelf, steps: None) -> None:
    @search(shelf)
    def check(person: Person, wanted: Wanted, _limit: int, _newest: bool) -> None:
        seen = seen_by(shelf, person)
        found = record_search.counts(person.actor, wanted)
        assert found.total == sum(fits(row, wanted) for row in seen)
        assert record_search.total(person.actor, wanted) == (found.total, found.is_capped) == (found.total, False)
        known = replace(wanted, where=())
        assert Counter(dict(found.days)) == Counter(row.record.timestamp.date() for row in seen if fits(row, known))
        assert found.days == sorted(found.days)
        for word in ("experiment", "season", "site", "dataset"):
            counted = [row for row in seen if fits(row, known, but=f"{word}s")]
            assert_facet(found.facets[f"{word}_names"], [row.names[word] for row in counted])
        for kind in KINDS:
            is_counted = wanted.entry_id is None and wanted.kind in (None, kind)
            assert (f"{kind.word}_names" in found.facets) == is_counted
            if is_counted:
                counted = [row for row in seen if row.entry.kind == kind.word and fits(row, known, but="entries")]
                assert_facet(found.facets[f"{kind.word}_names"], [row.entry.name for row in counted])


def assert_facet(facet: list[tuple[str | None, int]], names: list[str | None]) -> None:
    """Names that are the same but for their case are one."""
    keys = Counter(None if name is None else rules.key(name) for name in names)
    assert {None if name is None else rules.key(name): number for name, number in facet} == keys
    assert len(facet) == len(keys)
    assert {name for name, _ in facet} <= set(names)
    assert [number for _, number in facet] == sorted(keys.values(), reverse=True)


def test_a_row_has_all_that_a_page_shows(shelf: Shelf) -> None:
    expected = max(shelf.rows, key=lambda row: row.place)
    (found,) = record_search.page(shelf.people.admin.actor, Wanted(), 1).rows
    dataset, experiment, season, site = records.facts(expected.record.id)
    record, entry = expected.record, expected.entry
    named_by = [
        value for each in (experiment, season, site) for value in ((each.id, each.name) if each else (None, None))
    ]
    assert found == (
        *(record.id, record.timestamp, record.collection_date, record.data, record.info),
        *(record.file_name, record.file_size, record.file_type),
        *(entry.id, entry.kind, entry.name, dataset.id, dataset.name, *named_by),
    )
    assert found.timestamp.tzinfo is UTC


def test_a_page_goes_on_where_a_record_was_deleted(shelf: Shelf) -> None:
    actor = shelf.people.admin.actor
    first = record_search.page(actor, Wanted(), 10)
    expected = record_search.page(actor, Wanted(), 10, after=first.after)
    last = first.rows[-1]
    with in_transaction(shelf.app):
        entry = entries.get(shelf.people.admin.actor, BY_WORD[last.kind], last.entry_id)
        records.remove(shelf.people.admin.actor, entry, [last.id])
    db.session.rollback()
    assert record_search.page(actor, Wanted(), 10, after=first.after) == expected
    with pytest.raises(BadRequest, match="after"):
        record_search.page(actor, Wanted(), 10, after=last.id)


def test_no_place_to_go_on_from(people: People) -> None:
    with people.owner.app.app_context():
        for after in ("", "x", "2026-01-01_", "2026-01-01_x", f"0000-01-01_{people.owner.id}", f"_x{people.owner.id}"):
            with pytest.raises(BadRequest, match="after"):
                record_search.page(people.admin.actor, Wanted(), after=after)


def test_a_record_that_may_not_be_read_is_no_place(shelf: Shelf) -> None:
    hidden = next(row for row in shelf.rows if level(shelf.people.reader.actor, row.entry) < Level.READ)
    with pytest.raises(BadRequest, match="There is no such record"):
        record_search.page(shelf.people.reader.actor, Wanted(), after=hidden.record.id)


def test_counts_that_read_json_are_capped(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_counts, "MOST_COUNTED", 20)
    wanted = Wanted(where=parse("variety = Trebi"))
    assert record_search.total(shelf.people.admin.actor, wanted) == (20, True)
    found = record_search.counts(shelf.people.admin.actor, wanted)
    assert (found.total, found.is_capped) == (20, True)
    assert sum(number for _, number in found.facets["season_names"]) == len(shelf.rows)


def test_the_largest_datasets_of_one_name_are_counted_together(people: People) -> None:
    entry_id = make.entry(people.owner)
    for experiment, dataset, number in (("A", "Plots", 2), ("B", "Plots", 2), ("C", "Plots", 2), ("A", "Soil", 5)):
        new = [
            NewRecord({"number": each}, names=Names(experiment, None, None), dataset=dataset) for each in range(number)
        ]
        several(people.owner, entry_id, new)

    with people.owner.app.app_context():
        for wanted in (Wanted(entry_id=entry_id), Wanted(entry_id=entry_id, experiments=("a", "b", "c"))):
            found = [record_search.counts(people.owner.actor, wanted, most) for most in (1, 2, None)]
            facets = [each.facets["dataset_names"] for each in found]
            assert facets == [[("Plots", 6)], [("Plots", 6), ("Soil", 5)], [("Plots", 6), ("Soil", 5)]]
            asked = record_search.counts(people.owner.actor, replace(wanted, datasets=("SOIL",)), 1)
            assert asked.facets["dataset_names"] == [("Plots", 6), ("Soil", 5)]


def test_counts_follow_every_change(shelf: Shelf) -> None:
    """They are kept while nothing changes, whoever asks; what was rolled back was never counted."""
    owner, wanted = shelf.people.owner, Wanted(entry_id=shelf.entry_ids[0])
    before = record_search.counts(owner.actor, wanted)
    db.session.rollback()

    def write() -> str:
        entry = entries.get(owner.actor, KINDS[0], shelf.entry_ids[0])
        return records.add(owner.actor, entry, NewRecord({"a": 1}, names=Names(site="Crookston"), timestamp=FIRST)).id

    write()
    assert record_search.counts(owner.actor, wanted).total == before.total + 1
    db.session.rollback()
    assert record_search.counts(owner.actor, wanted) == before
    db.session.rollback()
    record_id = write()
    db.session.commit()
    after = record_search.counts(owner.actor, wanted)
    assert ("Crookston", 1) in after.facets["site_names"]
    assert after.total == before.total + 1
    db.session.rollback()
    records.remove(owner.actor, entries.get(owner.actor, KINDS[0], shelf.entry_ids[0]), [record_id])
    db.session.commit()
    assert record_search.counts(owner.actor, wanted) == before
