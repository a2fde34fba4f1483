"""Things that are nobody's business: every text in them has the same mark, so that one that gets out is seen."""

from dataclasses import replace
from datetime import UTC, datetime

from portal.database import new_id, now
from portal.domain import apps, entries, environments, experiments, record_links, records, runs, teams, tokens
from portal.domain.circumstances import Names
from portal.domain.dependencies import Dependency
from portal.domain.entries import Entry
from portal.domain.kinds import MODEL, Kind
from portal.domain.records import NewRecord
from portal.extensions import db
from portal.uploads.record_file import add_with_file
from tests import make
from tests.people import People, Person, in_transaction, make_user
from tests.security.calls import DOT, Things

MARK = "quokka"
UNMARKED = "wombat"  # as long, and nowhere
DAY = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)


def marked(what: str, mark: str = MARK) -> str:
    return f"{mark} {what}"


FIELDS = {
    "url": f"https://example.org/{MARK}",
    "type": marked("type"),
    "description": marked("description"),
    "info": {marked("key"): marked("value")},
    "attributes": {marked("key"): marked("value")},
}


def plant(people: People, kind: Kind, beside: Things) -> Things:
    """A person whom nobody knows, with a team, an app, an entry and all that may belong to it.

    More of it is tied to `beside`, a public entry of the owner: what depends on it, what it depends on, and a private
    entry of the owner that shares its experiment, season, site and dataset.
    """
    app = people.owner.app
    with in_transaction(app):
        hidden = Person(app, f"{MARK}-person", make_user(f"{MARK}-person"))
        member = make_user(f"{MARK}-member")
        team = teams.create(people.admin.actor, marked("lab"))
        for each in (hidden.id, member):
            teams.add(people.admin.actor, team, each or "", as_admin=each == hidden.id)
        place = apps.create(hidden.actor, team, marked("app"))
        model = apps.register(hidden.actor, place, MODEL, {"name": marked("in an app"), **FIELDS})
        planted = replace(
            beside,
            people=replace(people, owner=hidden),
            name=marked("entry"),
            team_id=team.id,
            team_name=team.name,
            member_id=member,
            app_id=place.id,
            model_id=model.id,
        )
    make.version(hidden, planted.model_id, file_name=f"{MARK}.bin")
    shared = {"access": "protected", "team_id": planted.team_id}
    planted.entry_id = make.entry(hidden, planted.name, kind=kind, experiment=marked("experiment"), **FIELDS, **shared)
    make.version(hidden, planted.entry_id, file_name=f"{MARK}.bin")
    its_own = make.entry(hidden, marked("private"), kind=kind, **FIELDS)
    beside_it = make.entry(people.owner, marked("of the owner"), kind=kind, experiment="Barley 2026", **FIELDS)
    with in_transaction(app):
        _add_records(hidden, planted, kind)
        _depend(beside.entry_id, planted.entry_id, its_own)
        _depend(its_own, beside.entry_id)
        _share(people.owner, kind, beside, beside_it)
        environments.deploy(hidden.actor, _entry(planted.model_id), 1, "prod")
        planted.version_id = make.stored_version(planted.model_id).id
        planted.token_id = tokens.issue(hidden.actor, hidden.id, marked("token"), "write")[0].id
    given = {f"{kind.word}_name": marked("upload"), "file_name": f"{MARK}.part"}
    planted.upload_id = make.begin(hidden, b"", word=kind.word, **given)["upload_id"]
    with in_transaction(app):
        team = teams.get(people.admin.actor, planted.team_id)
        teams.add(people.admin.actor, team, people.reader.id or "")
        teams.dismiss(people.admin.actor, team, people.reader.id or "")
    return planted


def absent(planted: Things) -> Things:
    """The same, where nothing is: other ids, another name."""
    ids = {name: new_id() for name in vars(planted) if name.endswith("_id")}
    names = {name: getattr(planted, name).replace(MARK, UNMARKED) for name in ("name", "team_name")}
    return replace(planted, **ids, **names)


def ids_of(things: Things) -> list[str]:
    return [value for name, value in vars(things).items() if name.endswith("_id")]


def _entry(entry_id: str) -> Entry:
    return db.session.get_one(Entry, entry_id)


def _add_records(hidden: Person, planted: Things, kind: Kind) -> None:
    entry = entries.get(hidden.actor, kind, planted.entry_id)
    names = Names(*(marked(word) for word in Names._fields))
    new = NewRecord({marked("trait"): marked("value")}, info={MARK: MARK}, names=names, dataset=marked("dataset"))
    new = replace(new, timestamp=DAY, file_name=f"{MARK}.png")
    made = add_with_file(hidden.actor, entry, f"{MARK}.png", [DOT], lambda: new)
    planted.record_id, planted.file_token = made.id, record_links.token_for(made)
    dataset, _, season, _ = records.facts(made.id)
    assert season
    planted.dataset_id, planted.season_id = dataset.id, season.id
    runs.add(hidden.actor, entry, {MARK: MARK})


def _share(owner: Person, kind: Kind, beside: Things, entry_id: str) -> None:
    """The same experiment, season, site and dataset as the public entry's record."""
    dataset, _, season, _ = records.facts(beside.record_id)
    assert season
    names = Names("Barley 2026", season.name, "Waseca")
    entry = entries.get(owner.actor, kind, entry_id)
    records.add(owner.actor, entry, NewRecord({MARK: 1}, timestamp=now(), names=names, dataset=dataset.name))
    experiments.tie(entry_id, "Barley 2026")
    runs.add(owner.actor, entry, {MARK: MARK})


def _depend(entry_id: str, *others: str) -> None:
    db.session.add_all(Dependency(entry_id=entry_id, depends_on_id=other) for other in others)
    db.session.flush()
