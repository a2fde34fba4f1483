"""What is kept in memory: made once, and all of it forgotten when there is more than may be."""

from itertools import count

from portal.domain.kept import Kept


def test_a_value_is_made_once() -> None:
    kept, made = Kept[int](2), count()
    assert [kept.get(key, lambda: next(made)) for key in "abab"] == [0, 1, 0, 1]


def test_one_more_than_may_be_kept_has_the_others_forgotten() -> None:
    kept, made = Kept[int](2), count()
    assert [kept.get(key, lambda: next(made)) for key in "abccab"] == [0, 1, 2, 2, 3, 4]
    assert kept.get("c", lambda: next(made)) == 5, "made anew, for c was forgotten for b"
