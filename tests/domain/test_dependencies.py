"""What an entry is built on."""

import pytest

from portal.database import new_id
from portal.domain import dependencies, entries
from portal.domain.kinds import MODEL, SCRIPT
from portal.errors import Invalid
from tests import make
from tests.people import People, in_transaction


def built_on(people: People, entry_id: str, *others: str) -> None:
    with in_transaction(people.owner.app):
        entry = entries.get(people.owner.actor, MODEL, entry_id)
        entries.edit(people.owner.actor, entry, {}, depends_on=others)


def test_shows_both_ways(people: People) -> None:
    base, built = make.entry(people.owner, "base"), make.entry(people.owner, "built")
    built_on(people, built, base)
    with people.owner.app.app_context():
        actor = people.owner.actor
        assert [row.name for row in dependencies.of_entries(actor, [built])[built]] == ["base"]
        assert [row.name for row in dependencies.dependents(actor, base)] == ["built"]


def test_takes_entries_of_its_kind_that_the_actor_may_see(people: People) -> None:
    built = make.entry(people.owner, "built")
    wrong = [
        make.entry(people.stranger, "not mine"),
        make.entry(people.owner, "a script", kind=SCRIPT),
        "no-id",
        "\x00",
    ]
    for other in wrong:
        with pytest.raises(Invalid):
            built_on(people, built, other)


def test_what_the_editor_cannot_see_stays(people: People) -> None:
    """A teammate saves the form, in which what the owner has made private since does not stand."""
    shared = {"access": "protected", "team_id": people.team_id, "default_permission": "write"}
    seen, hidden = make.entry(people.owner, "seen", **shared), make.entry(people.owner, "hidden")
    built = make.entry(people.owner, "built", **shared)
    built_on(people, built, seen, hidden)
    with in_transaction(people.owner.app):
        actor = people.teammate.actor
        entries.edit(actor, entries.get(actor, MODEL, built), {}, depends_on=[])
    with people.owner.app.app_context():
        assert [row.name for row in dependencies.of_entries(people.owner.actor, [built])[built]] == ["hidden"]


def test_takes_a_hundred_at_most(people: People) -> None:
    built = make.entry(people.owner, "built")
    with pytest.raises(Invalid, match="at most 100"):
        built_on(people, built, *(new_id() for _ in range(101)))


def test_takes_no_circle(people: People) -> None:
    one, two, three = (make.entry(people.owner, name) for name in ("one", "two", "three"))
    built_on(people, two, one)
    built_on(people, three, two)
    with pytest.raises(Invalid, match="itself"):
        built_on(people, one, three)
    with pytest.raises(Invalid, match="itself"):
        built_on(people, one, one)
