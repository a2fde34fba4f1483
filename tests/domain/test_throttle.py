"""Failures are counted in the database: over all workers, exactly, and for parallel guesses too."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from portal.database import begin_write
from portal.domain.throttle import Attempt, Attempts, network
from portal.errors import Throttled
from portal.extensions import db


def reserve(app: Flask, *keys: str, limit: str = "3 per hour") -> bool:
    """Whether one more try is let through."""
    with app.app_context():
        try:
            Attempts(limit, *keys).reserve()
        except Throttled:
            return False
        return True


def test_so_many_tries_and_no_more(app: Flask) -> None:
    assert [reserve(app, "a") for _ in range(5)] == [True] * 3 + [False] * 2
    assert reserve(app, "b")


def test_each_key_counts_for_itself_and_the_fullest_decides(app: Flask) -> None:
    assert [reserve(app, f"email:{number}", "address:one") for number in range(4)] == [True] * 3 + [False]
    assert reserve(app, "email:3", "address:two"), "what was refused is not counted"
    assert [reserve(app, "email:0", f"address:{number}") for number in range(3)] == [True, True, False]


def test_a_refusal_says_when_to_come_back(app: Flask) -> None:
    reserve(app, "a", limit="1 per minute")
    with app.app_context(), pytest.raises(Throttled) as refused:
        Attempts("1 per minute", "a").reserve()
    wait = int(refused.value.headers["Retry-After"])
    assert 1 <= wait <= 61
    assert str(wait) in refused.value.detail


def test_a_success_gives_its_try_back(app: Flask) -> None:
    for _ in range(10):
        with app.app_context():
            attempts = Attempts("3 per hour", "a", "b")
            attempts.reserve()
            attempts.give_back()
    assert [reserve(app, "a", "b") for _ in range(4)] == [True] * 3 + [False]


def test_the_next_window_begins_at_nothing(app: Flask) -> None:
    for _ in range(4):
        reserve(app, "a")
    with app.app_context():
        begin_write()
        db.session.execute(update(Attempt).values(window=Attempts("3 per hour").window - timedelta(hours=1)))
        db.session.commit()
    assert reserve(app, "a")
    with app.app_context():
        assert db.session.query(Attempt).count() == 1, "past windows are swept"


def test_two_portals_count_together(make_app: Callable[[], Flask]) -> None:
    one, two = make_app(), make_app()

    assert [reserve(each, "a") for each in (one, two, one, two, one)] == [True] * 3 + [False] * 2


def test_parallel_guesses_are_counted_one_by_one(make_app: Callable[[], Flask]) -> None:
    """Of 24 at once, through two portals, exactly ten get through."""
    apps = (make_app(), make_app())
    let_through: list[bool] = []
    start = threading.Barrier(24)

    def guess(number: int) -> None:
        start.wait()
        let_through.append(reserve(apps[number % 2], f"email:{number % 3}", "address", limit="10 per hour"))

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(let_through) == [False] * 14 + [True] * 10


@pytest.mark.parametrize(
    ("address", "subscriber"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_an_address_stands_for_its_subscriber(address: str, subscriber: str) -> None:
    assert network(address) == subscriber
