"""How many records there are over time, as bars: days, weeks, months or years by the length of the range."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple

from portal.domain.record_filters import Wanted
from portal.web.figures import count, counted
from portal.web.record_filters import Asked, address

MOST_BARS = 120
MOST_DAYS, MOST_WEEKS, MOST_MONTHS = 92, 104 * 7, 10 * 365
HEIGHT, SLOT = 100, 10  # in units of the drawing
LOWEST = 2


class Bar(NamedTuple):
    """`href` narrows the range to the bar; None where there is nothing in it."""

    x: int
    y: float
    height: float
    words: str
    href: str | None


class Histogram(NamedTuple):
    """`width` is in units of the drawing, `first` and `last` stand below its ends."""

    bars: list[Bar]
    width: int
    unit: str
    summary: str
    first: str
    last: str


def histogram(base: str, asked: Asked, days: Sequence[tuple[date, int]]) -> Histogram | None:
    """None where it would be a single bar, or none."""
    if not days:
        return None
    unit, starts = _bins(*_ends(asked.wanted, days))
    if len(starts) < 3:
        return None
    numbers = _summed(days, starts)
    highest = max(numbers)
    labels = [_words(unit, start, end) for start, end in pairwise(starts)]
    bars = []
    for place, (number, label, start, end) in enumerate(zip(numbers, labels, starts, starts[1:], strict=False)):
        height = round(max(number / highest * HEIGHT, LOWEST), 1) if number else 0
        href = address(base, asked.query(**_narrowed(asked.wanted, start, end))) if number else None
        bars.append(Bar(place * SLOT, HEIGHT - height, height, f"{label}: {counted(number, 'record')}", href))
    summary = (
        f"{counted(sum(numbers), 'record')} from {labels[0]} to {labels[-1]}, by {unit}; "
        f"most in {labels[numbers.index(highest)]}: {count(highest)}."
    )
    return Histogram(bars, len(bars) * SLOT, unit, summary, _alone(labels[0]), _alone(labels[-1]))


def _ends(wanted: Wanted, days: Sequence[tuple[date, int]]) -> tuple[date, date]:
    """First and last day to be shown: of the range that is asked for, as far as one is, else of what there is."""
    first, last = days[0][0], days[-1][0]
    if wanted.start is not None:
        first = min(first, wanted.start.date())
    if wanted.end is not None:
        last = max(last, (wanted.end - timedelta(microseconds=1)).date())
    return first, last


def _bins(first: date, last: date) -> tuple[str, list[date]]:
    """The unit, and where each bar begins, with the end of the last one behind them."""
    span = (last - first).days + 1
    if span <= MOST_DAYS:
        return "day", [_plus(first, number) for number in range(span + 1)]
    if span <= MOST_WEEKS:
        monday = first - timedelta(days=min(first.weekday(), first.toordinal() - 1))
        return "week", [_plus(monday, 7 * number) for number in range((last - monday).days // 7 + 2)]
    if span <= MOST_MONTHS:
        months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month + 1)
        return "month", [_month(number) for number in months]
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100) if (last.year - first.year) / step < MOST_BARS - 1)
    years = range(first.year // step * step, last.year + step + 1, step)
    return "year" if step == 1 else f"{step} years", [_month(max(year, 1) * 12) for year in years]


def _plus(day: date, number: int) -> date:
    return date.fromordinal(min(day.toordinal() + number, date.max.toordinal()))


def _month(number: int) -> date:
    return date.max if number >= 10_000 * 12 else date(number // 12, number % 12 + 1, 1)


def _summed(days: Sequence[tuple[date, int]], starts: Sequence[date]) -> list[int]:
    """How many records begin in each bar; what lies beyond the end of the calendar belongs to the last."""
    numbers, place = [0] * (len(starts) - 1), 0
    for day, number in days:
        while place < len(numbers) - 1 and day >= starts[place + 1]:
            place += 1
        numbers[place] += number
    return numbers


def _narrowed(wanted: Wanted, start: date, end: date) -> dict[str, datetime | None]:
    """The bar's range, as far as it lies in the range that is asked for already."""
    begin, finish = (datetime.combine(day, time(), UTC) for day in (start, end))
    is_last = end == date.max
    return {
        "start": max(begin, wanted.start or begin),
        "end": wanted.end if is_last else min(finish, wanted.end or finish),
    }


def _alone(label: str) -> str:
    label = label.removeprefix("the ")
    return label[:1].upper() + label[1:]


def _words(unit: str, start: date, end: date) -> str:
    if unit == "day":
        return f"{start.day} {start:%B} {start.year}"
    if unit == "week":
        return f"the week of {start.day} {start:%B} {start.year}"
    if unit == "month":
        return f"{start:%B} {start.year}"
    return str(start.year) if unit == "year" else f"{start.year} to {end.year - 1}"
