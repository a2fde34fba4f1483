"""The histogram's bars: every record is in one, and the unit follows the range."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from portal.web import record_filters
from portal.web.histogram import MOST_BARS, histogram

BASE = "/records"


def drawn(days: list[date], **query: str):
    counted = sorted(Counter(days).items())
    return histogram(BASE, record_filters.read(MultiDict(query)), counted)


@pytest.mark.parametrize(
    ("days", "unit", "bars"),
    [(2, "day", 2), (92, "day", 92), (93, "week", 14), (700, "week", 101), (730, "month", 25), (3650, "month", 120),
     (3700, "year", 11), (36_000, "year", 99), (90_000, "5 years", 50), (3_000_000, "100 years", 83)],
)  # fmt: skip
def test_the_unit_follows_the_range_and_nothing_is_left_out(days: int, unit: str, bars: int) -> None:
    first = date(1600, 1, 3)
    every = [first + timedelta(days=number) for number in range(0, days, max(days // 500, 1))] + [
        first + timedelta(days=days - 1)
    ]

    found = drawn(every)

    assert found is not None
    assert found.unit == unit
    assert abs(len(found.bars) - bars) <= 1
    assert len(found.bars) <= MOST_BARS + 1
    assert sum(int(bar.words.rpartition(": ")[2].split()[0].replace(",", "")) for bar in found.bars) == len(every)


def test_the_ends_of_the_calendar_are_bars_too() -> None:
    found = drawn([date.min, date.max])

    assert found is not None
    assert [bar.words.rpartition(": ")[2] for bar in found.bars if bar.href] == ["1 record", "1 record"]
    assert drawn([date.max - timedelta(days=3), date.max]) is not None
    assert drawn([date.min, date.min + timedelta(days=200)]) is not None


def test_a_single_day_needs_no_histogram() -> None:
    assert drawn([date(2026, 1, 1)] * 3) is None
    assert drawn([]) is None


def test_a_bar_never_widens_the_range() -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(200)]
    start = datetime(2026, 1, 1, 6, 30, tzinfo=UTC)

    found = drawn(days, start_timestamp=start.isoformat())

    assert found is not None
    assert found.unit == "week"
    assert "start_timestamp=2026-01-01T06%3A30%3A00Z" in (found.bars[0].href or "")


def test_an_empty_stretch_has_bars_that_lead_nowhere() -> None:
    found = drawn([date(2026, 1, 1), date(2026, 1, 10)])

    assert found is not None
    assert [bar.href is None for bar in found.bars] == [False, *[True] * 8, False]


def test_the_range_that_is_asked_for_is_drawn_whole(app: Flask) -> None:
    found = drawn([date(2026, 1, 10)], start_timestamp="2026-01-01", end_timestamp="2026-02-01")

    assert found is not None
    assert (found.first, found.last) == ("1 January 2026", "31 January 2026")
