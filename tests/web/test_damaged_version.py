"""A version whose file was found damaged: its page says so and offers no download."""

import pytest
from flask import Flask

from tests import make
from tests.people import People, Person, in_transaction


@pytest.fixture
def entry_id(app: Flask, people: People) -> str:
    """A public entry with two versions, the newest of which is damaged."""
    entry_id = make.entry(people.owner, access="public")
    for data in (b"one", b"two"):
        make.version(people.owner, entry_id, data)
    with in_transaction(app):
        make.stored_version(entry_id, 2).is_damaged = True
    return entry_id


def pages(person: Person, entry_id: str) -> tuple[str, str]:
    return person.client.get(f"/models/{entry_id}").text, person.client.get(f"/models/{entry_id}/versions").text


def test_it_is_named_and_cannot_be_downloaded(people: People, entry_id: str) -> None:
    for person in (people.owner, people.anonymous):
        for page in pages(person, entry_id):
            assert "v2 is damaged" in page
            assert page.count("Damaged") == 1
            assert "versions/2/download" not in page
            assert "versions/1/download" in page
    assert "sha256sum -c" not in people.owner.client.get(f"/models/{entry_id}").text


def test_who_may_write_is_led_to_a_new_version(people: People, entry_id: str) -> None:
    assert all("Upload a new version" in page for page in pages(people.owner, entry_id))
    assert not any("Upload a new version" in page for page in pages(people.anonymous, entry_id))


def test_an_older_damaged_version_leaves_the_newest_alone(people: People, entry_id: str) -> None:
    make.version(people.owner, entry_id, b"three")
    for page in pages(people.owner, entry_id):
        assert "Download v3" in page
        assert page.count("Damaged") == 1
        assert "is damaged" not in page
