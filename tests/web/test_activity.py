"""What was done, in sentences, for those whom it concerns; and the same for programs."""

import re
from html import unescape

import pytest

from portal.database import begin_write
from portal.domain import access, audit, entries
from portal.domain.audit import What
from portal.domain.entries import Entry
from portal.domain.kinds import Kind
from portal.domain.teams import Team
from portal.extensions import db
from portal.security.actor import Actor, Via
from portal.web import trail
from tests import make
from tests.people import People, in_transaction

# What is noted with each word, and how it reads on a page about everything.
TOLD = {
    What.ENTRY_REGISTERED: ({}, "registered the model yield-net"),
    What.ENTRY_RENAMED: ({"was": "old"}, "renamed the model yield-net, which was “old”"),
    What.ENTRY_DELETED: ({}, "deleted the model yield-net"),
    What.ACCESS_CHANGED: (
        {"was": "private", "now": "protected"},
        "made the model yield-net visible to the team Barley lab; it was private",
    ),
    What.DEFAULT_PERMISSION_CHANGED: (
        {"was": "read", "now": "write"},
        "let those who see the model yield-net change it; before, only read it",
    ),
    What.OWNER_CHANGED: ({"was": "maya"}, "gave the model yield-net to noor; it was maya’s"),
    What.VERSION_PUBLISHED: ({"number": 2}, "uploaded version 2 of the model yield-net"),
    What.VERSION_DEPLOYED: (
        {"number": 2, "environment": "prod"},
        "deployed version 2 of the model yield-net to prod",
    ),
    What.RECORDS_DELETED: ({"number": 1}, "deleted 1 record of the model yield-net"),
    What.TEAM_CREATED: ({}, "made the team Barley lab"),
    What.TEAM_RENAMED: ({"was": "Oats"}, "renamed the team Oats to Barley lab"),
    What.TEAM_DELETED: ({}, "deleted the team Barley lab"),
    What.APP_CREATED: ({"name": "Field"}, "made the app Field of the team Barley lab"),
    What.APP_RENAMED: ({"name": "Field", "was": "Plots"}, "renamed the app Plots of the team Barley lab to Field"),
    What.APP_DELETED: ({"name": "Field"}, "deleted the app Field of the team Barley lab"),
    What.MEMBER_ADDED: ({}, "added noor to the team Barley lab"),
    What.MEMBER_REMOVED: ({}, "removed noor from the team Barley lab"),
    What.MEMBER_PROMOTED: ({}, "made noor an administrator of the team Barley lab"),
    What.MEMBER_DEMOTED: ({}, "made noor a plain member of the team Barley lab"),
    What.MEMBER_LEFT: ({}, "left the team Barley lab"),
    What.USER_SIGNED_UP: ({}, "signed up"),
    What.USER_CREATED: ({}, "made an account for noor"),
    What.USER_RENAMED: ({"was": "nour"}, "changed the user name nour to noor"),
    What.USER_VERIFIED: ({}, "verified noor"),
    What.USER_PROMOTED: ({}, "made noor an administrator"),
    What.USER_DEMOTED: ({}, "made noor an ordinary user"),
    What.USER_DELETED: ({}, "deleted the account of noor"),
    What.TOKEN_MADE: ({"name": "laptop", "scope": "write"}, "made the token “laptop”, to read and write"),
    What.TOKEN_REVOKED: ({"name": "laptop"}, "revoked the token “laptop”"),
    What.EMAIL_CHANGED: ({}, "changed their e-mail"),
    What.PASSWORD_CHANGED: ({}, "changed their password"),
    What.PASSWORD_REPLACED: ({}, "gave noor a new password"),
}


def words(page: str) -> list[str]:
    """The sentences of the trail on a page."""
    found = re.findall(r"<p><strong>.*?</p>", page)
    return [unescape(re.sub("<[^>]+>", "", each)) for each in found]


def test_every_word_has_a_sentence() -> None:
    assert set(TOLD) == set(What)


def test_sentences(people: People) -> None:
    entry_id = make.entry(people.owner)
    with people.owner.app.test_request_context():
        begin_write()
        entry, team = db.session.get_one(Entry, entry_id), db.session.get_one(Team, people.team_id)
        for what, (details, sentence) in TOLD.items():
            audit.note(people.owner.actor, what, entry=entry, team=team, about="noor", **details)
            [line] = trail.of_portal(people.admin.actor, audit.recent(people.admin.actor, 1).rows, {entry_id})

            assert unescape(line.sentence.striptags()) == sentence


def test_who_did_it(people: People) -> None:
    shell, nobody = Actor(via=Via.COMMAND), people.anonymous.actor
    with in_transaction(people.owner.app):
        for actor, what in (
            (shell, What.USER_VERIFIED),
            (nobody, What.ENTRY_DELETED),
            (nobody, What.USER_SIGNED_UP),
            (people.owner.actor, What.USER_SIGNED_UP),
        ):
            audit.note(actor, what, about="noor")
    with people.owner.app.test_request_context():
        lines = trail.of_portal(people.admin.actor, audit.recent(people.admin.actor).rows, ())
        assert [line.who for line in lines] == ["noor", "noor", "The portal", "The command line"]


def test_names_are_text_and_no_markup(people: People) -> None:
    entry_id = make.entry(people.owner, "<b>bold</b>")
    with in_transaction(people.owner.app):
        entries.edit(people.owner.actor, db.session.get_one(Entry, entry_id), {"name": "{about} {0}"})

    page = people.owner.client.get(f"/models/{entry_id}/activity").text
    assert words(page) == ["owner renamed it, which was “<b>bold</b>”", "owner registered it"]
    assert "<b>bold" not in page


def test_the_page_of_an_entry(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    make.entry(people.owner, "another", kind=kind)
    make.version(people.owner, entry_id)
    path = f"/api/v2/{kind.word}/{entry_id}/access"
    people.admin.api.post(path, json={"access": "public"}, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})

    page = people.owner.client.get(f"/{kind.slug}/{entry_id}/activity").text
    assert words(page) == [
        "admin made it public; it was private",
        "owner uploaded version 1 of it",
        "owner registered it",
    ]
    assert "from 192.0.2.7" in page
    assert "by a program" in page
    assert f"/{kind.slug}/{entry_id}/activity" in people.owner.client.get(f"/{kind.slug}/{entry_id}").text
    assert "/activity" not in people.reader.client.get(f"/{kind.slug}/{entry_id}").text


def test_a_new_owner_reads_no_names_of_teams_that_they_are_not_in(people: People) -> None:
    entry_id = make.entry(people.owner)
    address = f"/api/v2/model/{entry_id}"
    for sent in ({"access": "protected", "team_id": people.team_id}, {"access": "private"}):
        people.owner.api.post(f"{address}/access", json=sent)
    before = people.owner.api.get(f"{address}/audit").json
    people.owner.api.post(f"{address}/owner", json={"user_id": people.stranger.id})

    told = people.stranger.api.get(f"{address}/audit")
    shown = people.stranger.client.get(f"/models/{entry_id}/activity").text

    assert [row["team_name"] for row in before if row["what"] == "access.changed"] == ["", "Barley lab"]
    assert before[0]["details"]["was_team"] == "Barley lab"
    assert [row["team_name"] for row in told.json if row["what"] == "access.changed"] == ["", ""]
    assert "Barley" not in told.text
    assert "Barley" not in shown
    assert "visible to a team" in shown


def test_older_pages(people: People) -> None:
    entry_id = make.entry(people.owner)
    with in_transaction(people.owner.app):
        owner, entry = people.owner.actor, db.session.get_one(Entry, entry_id)
        for number in range(audit.PAGE + 3):
            access.set_default_permission(owner, entry, "read" if number % 2 else "write")

    first = people.owner.client.get(f"/models/{entry_id}/activity").text
    older = re.search(r'href="([^"]+)" rel="next"', first)
    assert older
    second = people.owner.client.get(older[1]).text
    assert (len(words(first)), len(words(second))) == (audit.PAGE, 4)
    assert 'rel="next"' not in second
    assert words(second)[-1] == "owner registered it"


def test_programs_read_it_page_by_page(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind)
    make.version(people.owner, entry_id)
    answer = people.owner.api.get(f"/api/v2/{kind.word}/{entry_id}/audit?limit=1")

    [newest] = answer.json
    assert newest["what"] == "version.published"
    assert newest["details"] == {"number": 1}
    assert (newest["user_id"], newest["username"], newest["kind"]) == (people.owner.id, "owner", kind.word)
    after = answer.headers["Link"].split("<")[1].split(">")[0]
    last = people.owner.api.get(after)
    assert [row["what"] for row in last.json] == ["entry.registered"]
    assert "Link" not in last.headers


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "before=x"])
def test_a_page_that_there_is_not(people: People, query: str) -> None:
    assert people.admin.api.get(f"/api/v2/audit?{query}").status_code == 400


def test_everything_is_for_administrators(people: People) -> None:
    entry_id = make.entry(people.owner)
    everything = people.admin.api.get("/api/v2/audit").json

    assert [row["entry_id"] for row in everything] == [entry_id]
    assert people.owner.api.get("/api/v2/audit").status_code == 403
