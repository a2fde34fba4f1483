"""Figures in words: what a person reads in lists and asides."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.web.figures import Pages, ago, count, counted, exact_size, exact_time, human_size, iso_time

NOW = datetime(2026, 11, 21, 9, 14, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (90_868_376, "90.9 MB"),
        (999_949_999, "999.9 MB"),
        (999_950_000, "1.0 GB"),
        (1_073_741_824, "1.1 GB"),
        (2 * 10**12, "2.0 TB"),
        (2**63 - 1, "9.2 EB"),
    ],
)
def test_a_size_reads_as_on_a_disk(size: int, words: str) -> None:
    assert human_size(size) == words


@given(st.integers(min_value=1000, max_value=2**63 - 1))
def test_a_size_never_shows_four_digits_before_the_point(size: int) -> None:
    assert float(human_size(size).split()[0]) < 1000


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(), "just now"),
        (timedelta(seconds=29), "just now"),
        (timedelta(seconds=30), "1 minute ago"),
        (timedelta(minutes=59, seconds=29), "59 minutes ago"),
        (timedelta(minutes=59, seconds=30), "1 hour ago"),
        (timedelta(hours=1, minutes=29), "1 hour ago"),
        (timedelta(hours=1, minutes=30), "2 hours ago"),
        (timedelta(hours=23, minutes=29), "23 hours ago"),
        (timedelta(hours=23, minutes=30), "1 day ago"),
        (timedelta(days=3, hours=5), "3 days ago"),
        (timedelta(days=59, hours=11), "59 days ago"),
        (timedelta(days=59, hours=12), "2 months ago"),
        (timedelta(days=364), "12 months ago"),
        (timedelta(days=704), "23 months ago"),
        (timedelta(days=705), "2 years ago"),
        (timedelta(days=911), "2 years ago"),
        (timedelta(days=913), "3 years ago"),
        (timedelta(seconds=-5), "in less than a minute"),
        (timedelta(seconds=-31), "in 1 minute"),
        (-timedelta(days=7) + timedelta(seconds=1), "in 7 days"),
        (-timedelta(days=90) + timedelta(seconds=1), "in 3 months"),
        (-timedelta(days=365) + timedelta(seconds=1), "in 12 months"),
    ],
)
def test_a_time_is_told_by_its_distance(passed: timedelta, words: str) -> None:
    assert ago(NOW - passed, NOW) == words


def test_a_time_of_another_zone_is_told_in_utc() -> None:
    berlin = datetime(2026, 11, 21, 10, 14, 7, tzinfo=timezone(timedelta(hours=1)))

    assert ago(berlin, NOW) == "just now"
    assert iso_time(berlin) == "2026-11-21T09:14:07Z"
    assert exact_time(berlin) == "2026-11-21 09:14:07 UTC"


def test_counts_have_separators_and_agree_with_their_noun() -> None:
    assert count(10_000) == "10,000"
    assert counted(1, "model") == "1 model"
    assert counted(0, "model") == "0 models"
    assert counted(1_200, "entry", "entries") == "1,200 entries"
    assert exact_size(90_868_376) == "90,868,376 bytes"


@pytest.mark.parametrize(
    ("number", "last", "numbers"),
    [
        (1, 1, [1]),
        (1, 2, [1, 2]),
        (3, 5, [1, 2, 3, 4, 5]),
        (1, 9, [1, 2, None, 9]),
        (4, 9, [1, 2, 3, 4, 5, None, 9]),
        (100, 200, [1, None, 99, 100, 101, None, 200]),
        (200, 200, [1, None, 199, 200]),
    ],
)
def test_pages_leave_out_what_is_far_away(number: int, last: int, numbers: list[int | None]) -> None:
    assert Pages(number, last, "/models?page=").numbers == numbers


@given(st.integers(1, 500), st.data())
def test_every_gap_between_pages_hides_at_least_two(last: int, data: st.DataObject) -> None:
    shown = Pages(data.draw(st.integers(1, last)), last, "?page=").numbers

    for before, gap, after in zip(shown, shown[1:], shown[2:], strict=False):
        if gap is None:
            assert before is not None
            assert after is not None
            assert after - before > 2
