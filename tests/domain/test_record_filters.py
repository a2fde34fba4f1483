"""What an address asks of records: read, refused with the parameter's name, and written again."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from portal.domain.kinds import KINDS, MODEL, SCRIPT
from portal.domain.record_filters import FILTERS, MOST_VALUES, Wanted, address_of, asked
from portal.errors import BadRequest
from portal.search.json_conditions import parse

NAMES = st.lists(st.text(max_size=9).map(str.strip), max_size=3, unique=True).map(tuple)
MOMENTS = st.none() | st.datetimes(timezones=st.just(UTC))


@given(
    st.builds(
        Wanted,
        kind=st.sampled_from(KINDS),
        entries=NAMES,
        experiments=NAMES,
        seasons=NAMES,
        sites=NAMES,
        datasets=NAMES,
        collection_date=st.none() | st.dates(),
        start=MOMENTS,
        end=MOMENTS,
        where=st.sampled_from(["", "yield > 40", 'a.b = "x and y" and "" contains 5']).map(parse),
    )
)
def test_what_is_wanted_can_be_written_and_read_again(wanted: Wanted) -> None:
    assert asked(MultiDict(address_of(wanted)), wanted.kind) == wanted


def test_every_filter_is_understood() -> None:
    args = MultiDict(
        [
            ("model_names", "yield-net"),
            ("experiment_name", "A"),
            ("experiment_names", " B "),
            ("season_names", ""),
            ("start_timestamp", "1931-06-01T10:00:00+02:00"),
            ("end_timestamp", "1931-07-01"),
            ("collection_date", ""),
            ("where", "yield > 40"),
            ("columns", "yield"),
        ]
    )
    start, end = datetime(1931, 6, 1, 8, tzinfo=UTC), datetime(1931, 7, 1, tzinfo=UTC)
    expected = Wanted(MODEL, None, ("yield-net",), ("B", "A"), ("",), start=start, end=end, where=parse("yield > 40"))
    assert asked(args) == expected
    assert asked(MultiDict(), SCRIPT, "an id") == Wanted(SCRIPT, "an id")
    assert address_of(expected, seasons=(), end=None, where=(), entries=()) == [
        ("experiment_names", "B"),
        ("experiment_names", "A"),
        ("start_timestamp", "1931-06-01T08:00:00Z"),
    ]


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("start_timestamp", ["yesterday"]),
        ("start_timestamp", ["2026-13-01T00:00:00Z"]),
        ("start_timestamp", ["2026-01-01", "2026-01-02"]),
        ("end_timestamp", ["0001-01-01T00:00:00+14:00"]),
        ("collection_date", ["1.6.1931"]),
        ("collection_date", ["2026-02-30"]),
        ("site_names", [str(number) for number in range(MOST_VALUES + 1)]),
        ("where", ["yield"]),
        ("script_names", ["x"]),
    ],
)
def test_what_is_not_understood_is_named(key: str, values: list[str]) -> None:
    with pytest.raises(BadRequest) as refused:
        asked(MultiDict({key: values}), MODEL)
    assert [field for field, _ in refused.value.fields] == [key]


def test_names_of_models_and_of_scripts_do_not_go_together() -> None:
    with pytest.raises(BadRequest, match="script_names"):
        asked(MultiDict({"model_names": "a", "script_names": "b"}))


def test_every_filter_has_its_words() -> None:
    wanted = Wanted(collection_date=date(1931, 6, 1))
    for each in FILTERS:
        assert each.label
        assert "{}" in each.phrase
    chips = [each.phrase.format(value) for each in FILTERS for key, value in address_of(wanted) if key == each.key]
    assert chips == ["Collected on 1931-06-01"]
