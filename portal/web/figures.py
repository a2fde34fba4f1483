"""Figures in words, computed before a page is rendered: row loops print, they do not calculate.

What is `Markup` here is made of digits and of our own words, so that nothing in it can need escaping.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import Self

from flask import Flask
from markupsafe import Markup

SIZE_UNITS = ("kB", "MB", "GB", "TB", "PB", "EB")
MINUTE, HOUR, DAY, MONTH, YEAR = 60, 3_600, 86_400, 30 * 86_400, 365 * 86_400
SPANS = (
    (MINUTE, "minute", 60),
    (HOUR, "hour", 24),
    (DAY, "day", 60),
    (MONTH, "month", 24),
    (YEAR, "year", inf),
)
"""Seconds, word, and how many of them are told in the next longer span."""


def count(number: int) -> str:
    """10000 -> '10,000'."""
    return f"{number:,}"


def counted(number: int, word: str, plural: str = "") -> str:
    """(1, 'model') -> '1 model', (2, 'model') -> '2 models'."""
    return f"{count(number)} {word if number == 1 else plural or word + 's'}"


def human_size(size: int) -> str:
    """Bytes in decimal units, as disks and networks count: 90868376 -> '90.9 MB'."""
    if size < 1000:
        return exact_size(size)
    power = 1
    while round(size / 1000**power, 1) >= 1000:
        power += 1
    return f"{size / 1000**power:.1f} {SIZE_UNITS[power - 1]}"


def exact_size(size: int) -> str:
    """90868376 -> '90,868,376 bytes'."""
    return counted(size, "byte")


def ago(when: datetime, now: datetime) -> str:
    """'3 days ago', 'just now', or 'in 3 days' for what is yet to come, to the nearest. Both times carry their zone."""
    seconds = (now - when).total_seconds()
    number, word = _in_spans(abs(seconds))
    if not number:
        return "just now" if seconds >= 0 else "in less than a minute"
    return f"{counted(number, word)} ago" if seconds > 0 else f"in {counted(number, word)}"


def _in_spans(seconds: float) -> tuple[int, str]:
    """The number of the shortest span in which so much time is told, and its word."""
    return next((number, word) for span, word, most in SPANS if (number := int(seconds / span + 0.5)) < most)


def iso_time(when: datetime) -> str:
    """'2026-11-21T09:14:07Z'."""
    return f"{_utc(when).replace(' ', 'T')}Z"


def exact_time(when: datetime) -> str:
    """'2026-11-21 09:14:07 UTC'."""
    return f"{_utc(when)} UTC"


def _utc(when: datetime) -> str:
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "seconds")


def time_tag(when: datetime, now: datetime) -> Markup:
    """`<time …>3 days ago</time>`, with the exact time on hover."""
    exact = _utc(when)
    iso = exact.replace(" ", "T")
    return Markup(f'<time datetime="{iso}Z" title="{exact} UTC">{ago(when, now)}</time>')  # noqa: S704


def size_tag(size: int) -> Markup:
    """`<span …>90.9 MB</span>`, with the exact size on hover."""
    return Markup(f'<span title="{exact_size(size)}">{human_size(size)}</span>')  # noqa: S704


@dataclass(frozen=True)
class Pages:
    """Numbered pages from 1 to `last`; `href` is the address up to the number: '/models?q=x&page='."""

    number: int
    last: int
    href: str

    @classmethod
    def of(cls, number: int, total: int, rows: int, href: str) -> Self:
        """Of `total` rows, so many on a page; at least one page."""
        return cls(number, max(-(-total // rows), 1), href)

    @property
    def numbers(self) -> list[int | None]:
        """The first, the last and the neighbours; None where numbers are left out."""
        near = {1, self.last, *range(max(1, self.number - 1), min(self.last, self.number + 1) + 1)}
        shown: list[int | None] = []
        for page in sorted(near):
            if shown and page - (shown[-1] or 0) == 2:
                shown.append(page - 1)
            elif shown and page - (shown[-1] or 0) > 2:
                shown.append(None)
            shown.append(page)
        return shown


def init_app(app: Flask) -> None:
    """The same figures as template filters, for single values outside of row loops."""
    app.jinja_env.filters.update(
        count=count,
        counted=counted,
        human_size=human_size,
        iso_time=iso_time,
        exact_time=exact_time,
        size_tag=size_tag,
        time_tag=lambda when: time_tag(when, datetime.now(UTC)),
    )
