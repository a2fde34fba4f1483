"""Who can see an entry, as its owner is told, is who can; and what a change would do is what it does."""

from collections.abc import Iterator
from itertools import product

import pytest
from flask import Flask
from sqlalchemy import select

from portal.domain import sharing
from portal.domain.entries import Entry
from portal.domain.sharing import VISITOR, Rule, Terms
from portal.domain.teams import Membership, Team
from portal.domain.users import User
from portal.errors import Conflict, Denied, Invalid, NotFound
from portal.extensions import db
from portal.security.actor import Actor, nobody
from portal.security.policy import Level, level
from tests import make
from tests.people import People, Person, in_transaction, make_team, make_user
from tests.security.expectations import levels


@pytest.fixture
def people(people: People) -> People:
    """The reader leads another team, in which the teammate is, too."""
    with in_transaction(people.owner.app):
        make_team("Oat lab", {people.reader.id: True, people.teammate.id: False})
    return people


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def team_ids() -> list[str]:
    return list(db.session.scalars(select(Team.id).order_by(Team.name_key)))


def all_terms(people: People) -> list[Terms]:
    """Every state an entry can be in, of its owner and of somebody else, also with a team that does not count."""
    found = []
    for state, team_id, owner in product(levels(), team_ids(), (people.owner, people.teammate)):
        access, _, permission = state.partition("-")
        assert owner.id
        found.append(Terms(owner.id, access, team_id, permission or "read"))
    return found


def put(entry: Entry, terms: Terms) -> None:
    entry.owner_id, entry.access, entry.team_id, entry.default_permission = terms
    db.session.flush()


def told(audience: sharing.Audience, actor: Actor) -> Level:
    named = {right.user_id: right.level for right in audience.rights}
    return named.get(actor.user_id or "", audience.signed_in if actor.is_known else audience.visitors)


def test_the_list_says_what_the_policy_does(people: People, context: None) -> None:
    entry = db.session.get_one(Entry, make.entry(people.owner))
    closed = nobody(may_read_public=False)
    for terms in all_terms(people):
        put(entry, terms)
        audience = sharing.people_of(people.admin.actor, entry)
        assert audience.total == len(audience.rights)
        for person in people:
            assert told(audience, person.actor) == level(person.actor, entry), (terms, person.name)
        assert sharing.people_of(people.admin.actor, entry, visitor=closed).visitors == level(closed, entry)


def test_a_change_does_what_its_preview_said(people: People, context: None) -> None:
    """From every state into every other, for everybody."""
    entry = db.session.get_one(Entry, make.entry(people.owner))
    states = all_terms(people)
    for before, after in product(states, states[1::2]):
        put(entry, before)
        was = {person.name: level(person.actor, entry) for person in people}
        said = sharing.preview(people.admin.actor, entry, after)
        put(entry, after)
        steps = {name: change.step for change in said.changes for name in change.names}
        for person in people:
            other = said.signed_in if person.id else said.visitors
            is_named = person.name in told_by_name(said, before, after, people)
            step = steps.get(person.name, (was[person.name],) * 2 if is_named else other)
            assert step == (was[person.name], level(person.actor, entry)), (before, after, person.name)
        assert said.changes or said.signed_in.before != said.signed_in.after or nothing_changed(was, people, entry)


def told_by_name(said: sharing.Preview, before: Terms, after: Terms, people: People) -> set[str]:
    """Whom a rule names in one of the two states; they are told of only where their level changes."""
    ids = {before.owner_id, after.owner_id}
    for terms in (before, after):
        if terms.access == "protected":
            ids |= set(db.session.scalars(select(Membership.user_id).where(Membership.team_id == terms.team_id)))
    return {person.name for person in people if person.id in ids or person is people.admin}


def nothing_changed(was: dict[str, Level], people: People, entry: Entry) -> bool:
    return all(level(person.actor, entry) == was[person.name] for person in people)


def entry_of(people: People, access: str = "private", **given: object) -> Entry:
    return db.session.get_one(Entry, make.entry(people.owner, access=access, **given))  # type: ignore[arg-type]


def test_everyone_has_the_rule_that_lets_them_in(people: People, context: None) -> None:
    entry = entry_of(people, "protected", team_id=people.team_id, default_permission="write")
    rights = sharing.people_of(people.owner.actor, entry).rights
    assert [(right.username, right.level, right.rule) for right in rights] == [
        ("owner", Level.OWNER, Rule.OWNER),
        ("admin", Level.OWNER, Rule.ADMINISTRATOR),
        ("team_admin", Level.OWNER, Rule.TEAM_ADMIN),
        ("teammate", Level.WRITE, Rule.MEMBER),
    ]


def test_what_is_public_is_a_sentence_however_many_there_are(people: People, context: None) -> None:
    entry = entry_of(people, "public")
    audience = sharing.people_of(people.owner.actor, entry)
    assert [right.username for right in audience.rights] == ["owner", "admin"]
    assert (audience.signed_in, audience.visitors) == (Level.READ, Level.READ)


def test_a_large_team_comes_in_pages_and_in_numbers(people: People, context: None) -> None:
    many = {make_user(f"member-{number:03}"): number == 0 for number in range(150)}
    team_id = make_team("Soy", {**many, people.owner.id: False})
    db.session.commit()
    entry = entry_of(people)
    said = sharing.preview(people.owner.actor, entry, wanted(entry, "protected", team_id))
    assert [(each.step.after, each.rule, each.number) for each in said.changes] == [
        (Level.OWNER, Rule.TEAM_ADMIN, 1),
        (Level.READ, Rule.MEMBER, 149),
    ]
    assert len(said.changes[1].names) == sharing.MOST_NAMED
    sharing.change(people.owner.actor, entry, said.after, said.seen)
    pages = [sharing.people_of(people.owner.actor, entry, 100, offset) for offset in (0, 100)]
    assert [page.total for page in pages] == [152, 152]
    names = [right.username for page in pages for right in page.rights]
    assert names == ["owner", "admin", "member-000", *(f"member-{number:03}" for number in range(1, 150))]


def wanted(entry: Entry, access: str, team_id: str | None = None, **given: str) -> Terms:
    return sharing.terms_of(entry)._replace(access=access, team_id=team_id, **given)


def test_only_its_owner_may_ask(people: People, context: None) -> None:
    entry = entry_of(people, "public", default_permission="write")
    terms = wanted(entry, "private")
    for person, error in ((people.reader, Denied), (people.anonymous, Exception)):
        for ask in (
            lambda actor: sharing.people_of(actor, entry),
            lambda actor: sharing.preview(actor, entry, terms),
            lambda actor: sharing.change(actor, entry, terms, ""),
        ):
            with pytest.raises(error):
                ask(person.actor)
    put(entry, terms)
    with pytest.raises(NotFound):
        sharing.people_of(people.stranger.actor, entry)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("access", {"access": "secret"}),
        ("permission", {"default_permission": "owner"}),
        ("team_id", {"access": "protected"}),
        ("team_id", {"access": "protected", "team_id": "no id"}),
        ("owner", {"owner_id": "00000000-0000-4000-8000-000000000000"}),
    ],
)
def test_what_will_not_do_is_refused_beside_its_field(
    people: People, context: None, field: str, given: dict[str, str]
) -> None:
    entry = entry_of(people)
    with pytest.raises(Invalid) as refused:
        sharing.preview(people.owner.actor, entry, sharing.terms_of(entry)._replace(**given))
    assert [name for name, _ in refused.value.fields] == [field]


def test_a_team_of_others_is_refused_like_one_that_is_not_there(people: People, context: None) -> None:
    entry, (_barley, oat) = entry_of(people), team_ids()
    said = []
    for team_id in (oat, "00000000-0000-4000-8000-000000000000"):
        with pytest.raises(Invalid) as refused:
            sharing.preview(people.owner.actor, entry, wanted(entry, "protected", team_id))
        said.append(refused.value.fields)
    assert said[0] == said[1]
    assert sharing.preview(people.admin.actor, entry, wanted(entry, "protected", oat)).changes


def test_an_owner_who_left_the_team_may_keep_it(people: People, context: None) -> None:
    entry = entry_of(people, "protected", team_id=people.team_id)
    db.session.delete(db.session.get_one(Membership, (people.team_id, people.owner.id)))
    db.session.commit()
    actor = people.owner.actor
    said = sharing.preview(actor, entry, wanted(entry, "protected", people.team_id, default_permission="write"))
    sharing.change(actor, entry, said.after, said.seen)
    assert sharing.terms_of(entry) == said.after
    assert [team.id for team in sharing.teams_for(actor, entry)] == [people.team_id]


def test_another_who_came_in_meanwhile_makes_it_another_change(people: People, context: None) -> None:
    entry = entry_of(people)
    said = sharing.preview(people.owner.actor, entry, wanted(entry, "protected", people.team_id))
    db.session.add(Membership(team_id=people.team_id, user_id=people.stranger.id))
    db.session.commit()
    with pytest.raises(Conflict):
        sharing.change(people.owner.actor, entry, said.after, said.seen)
    assert entry.access == "private"
    again = sharing.preview(people.owner.actor, entry, said.after)
    sharing.change(people.owner.actor, entry, again.after, again.seen)
    assert entry.access == "protected"


def test_somebody_elses_change_meanwhile_makes_it_another_change(people: People, context: None) -> None:
    entry = entry_of(people)
    said = sharing.preview(people.owner.actor, entry, wanted(entry, "public"))
    entry.default_permission = "write"
    db.session.commit()
    with pytest.raises(Conflict):
        sharing.change(people.owner.actor, entry, said.after, said.seen)


def test_handing_over_says_what_is_left(people: People, context: None) -> None:
    entry = entry_of(people)
    assert people.stranger.id
    said = sharing.preview(people.owner.actor, entry, wanted(entry, "private", owner_id=people.stranger.id))
    assert [(change.step, change.has_actor, change.names) for change in said.changes] == [
        ((Level.NONE, Level.OWNER), False, ("stranger",)),
        ((Level.OWNER, Level.NONE), True, ()),
    ]
    sharing.change(people.owner.actor, entry, said.after, said.seen)
    assert (entry.owner_id, level(people.owner.actor, entry)) == (people.stranger.id, Level.NONE)


@pytest.mark.parametrize("who", ["owner", "team_admin", "admin"])
def test_everything_at_once_works_for_every_owner(people: People, context: None, who: str) -> None:
    """Also for whom the change shuts out: the right lasts until the last step."""
    person: Person = getattr(people, who)
    entry = entry_of(people, "protected", team_id=people.team_id)
    assert people.stranger.id
    terms = wanted(entry, "private", owner_id=people.stranger.id, default_permission="write")
    said = sharing.preview(person.actor, entry, terms)
    sharing.change(person.actor, entry, terms, said.seen)
    assert sharing.terms_of(entry) == said.after


def test_visitors_come_in_only_where_the_portal_lets_them(people: People, context: None) -> None:
    entry = entry_of(people)
    opened = sharing.preview(people.owner.actor, entry, wanted(entry, "public"))
    closed = sharing.preview(people.owner.actor, entry, wanted(entry, "public"), visitor=nobody(may_read_public=False))
    assert opened.visitors == (Level.NONE, Level.READ)
    assert closed.visitors == (Level.NONE, Level.NONE)
    assert opened.signed_in == closed.signed_in == (Level.NONE, Level.READ)
    assert VISITOR.may_read_public


def test_ten_thousand_people_cost_little(people: People, context: None) -> None:
    from tests.people import password_hash

    hashed = password_hash()
    db.session.add_all(
        User(username=f"u{n}", username_key=f"u{n}", email=f"u{n}@x.org", email_key=f"u{n}@x.org", password_hash=hashed)
        for n in range(10_000)
    )
    db.session.commit()
    entry = entry_of(people)
    said = sharing.preview(people.owner.actor, entry, wanted(entry, "public"))
    assert (said.changes, said.signed_in) == ([], (Level.NONE, Level.READ))
    sharing.change(people.owner.actor, entry, said.after, said.seen)
    assert len(sharing.people_of(people.owner.actor, entry).rights) == 2
