"""Tying an entry to experiments, and untying it."""

import pytest

from portal.domain import entries, experiments, listing
from portal.domain.kinds import MODEL
from portal.errors import Denied, Invalid
from tests import make
from tests.people import People, Person, in_transaction


def replace(people: People, entry_id: str, *names: str, who: Person | None = None) -> None:
    with in_transaction(people.owner.app):
        actor = (who or people.owner).actor
        experiments.replace(actor, entries.get(actor, MODEL, entry_id), names)


def tied(people: People, entry_id: str) -> list[str]:
    with people.owner.app.app_context():
        return [experiment.name for experiment in experiments.of_entry(entry_id)]


def test_ties_and_unties(people: People) -> None:
    entry_id = make.entry(people.owner, experiment="One")
    other = make.entry(people.owner, "another", experiment="One")
    replace(people, entry_id, "Two", " ONE ", "two")
    assert tied(people, entry_id) == ["One", "Two"]
    replace(people, entry_id, "Three", "Two")
    assert tied(people, entry_id) == ["Three", "Two"]
    replace(people, entry_id)
    assert tied(people, entry_id) == []
    assert tied(people, other) == ["One"]


def test_lists_count_what_is_tied_now(people: People) -> None:
    entry_id = make.entry(people.owner, experiment="One")

    def counted() -> list[tuple[str, int]]:
        with people.owner.app.app_context():
            return listing.page(people.owner.actor, MODEL, {}).facets["experiment"]

    assert counted() == [("One", 1)]
    replace(people, entry_id)
    assert counted() == []


def test_names_that_will_not_do_change_nothing(people: People) -> None:
    entry_id = make.entry(people.owner, experiment="One")
    for names in (["Two", " "], [f"Trial {number}" for number in range(101)]):
        with pytest.raises(Invalid):
            replace(people, entry_id, *names)
    assert tied(people, entry_id) == ["One"]


def test_who_only_reads_ties_nothing(people: People) -> None:
    entry_id = make.entry(people.owner, access="public")
    with pytest.raises(Denied):
        replace(people, entry_id, "One", who=people.reader)
