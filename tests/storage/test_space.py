"""The free regions of a data file, against a plain set of bytes."""

from hypothesis import given
from hypothesis import strategies as st

from portal.storage.space import Space


@given(st.integers(0, 5), st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.integers(1, 8)), max_size=60))
def test_a_place_is_free_and_every_free_byte_is_found(start, steps):
    space, taken, used = Space(start), [], set()
    for take, where, length in steps:
        if take:
            first = start + where
            if used & set(range(first, first + length)):
                continue
            taken.append((first, first + length))
            space.take(first, first + length)
        elif taken:
            space.give(*taken.pop(where % len(taken)))
        used = {byte for first, past in taken for byte in range(first, past)}

        free = {byte for first, past in space.gaps for byte in range(first, past)}
        assert not free & used
        assert free | used == set(range(start, space.end))
        assert space.end == max(used, default=start - 1) + 1
        assert all(past < following for (_, past), (following, _) in zip(space.gaps, space.gaps[1:], strict=False))
        for place in space.places(length):
            assert not used & set(range(place, place + length))
