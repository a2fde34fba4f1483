"""Fills a portal with the demonstration's entries, through the verbs that people use."""

import io
import runpy
import tempfile
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from portal.database import begin_write, now
from portal.demo import trial, unfinished
from portal.demo.people import make_people
from portal.domain import entries, experiments, rules
from portal.domain.entries import Entry
from portal.domain.kinds import MODEL, SCRIPT, Kind
from portal.domain.versions import Version
from portal.extensions import db
from portal.security.actor import Actor
from portal.uploads.machine import Announcement
from portal.uploads.whole import upload_whole

HERE = Path(__file__).parent
FILES = HERE / "files"
FILLED = "demo-filled"


def fill(data_dir: Path, passwords: dict[str, str]) -> None:
    """Once in a portal's life: what visitors delete stays deleted. Goes on where an earlier start was interrupted."""
    if is_filled(data_dir):
        return
    actors, team_id = make_people(passwords)
    unfinished.forget(actors.values())
    for kind, source in ((MODEL, "models.toml"), (SCRIPT, "scripts.toml")):
        for said in read(source):
            add(actors[said["owner"]], kind, said, team_id)
    tell_of_the_trial(actors["tomas"])
    unfinished.begin(actors["aiko"], data_dir)
    (data_dir / FILLED).touch()


def tell_of_the_trial(actor: Actor) -> None:
    script, model = find(SCRIPT, "Fit the additive yield model", actor), find(MODEL, "Barley yield, additive", actor)
    assert script, "one of scripts.toml"
    assert model, "one of models.toml"
    versions = next(said["versions"] for said in read("models.toml") if said["name"] == model.name)
    with tempfile.TemporaryDirectory() as folder:
        results = [run(version, Path(folder, version["file"])) for version in versions]
    trial.tell(actor, script, model, versions, results)


def is_filled(data_dir: Path) -> bool:
    return (data_dir / FILLED).exists()


def read(source: str) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = tomllib.loads((HERE / source).read_text(encoding="utf-8"))["entries"]
    return content


def add(actor: Actor, kind: Kind, said: Mapping[str, Any], team_id: str) -> None:
    """An entry with its versions, as far as they are not there yet, as old as it says."""
    entry = find(kind, said["name"], actor) or _register(actor, kind, said, team_id)
    versions = said.get("versions", [])
    for version in versions[entry.version or 0 :]:
        data = content_of(version)
        announced = Announcement(
            entry_id=entry.id,
            file_name=version["file"],
            size=len(data),
            chunk_size=len(data),
            description=version.get("note", ""),
        )
        upload_whole(actor, kind, announced, io.BytesIO(data))
    begin_write()
    for number, version in enumerate(versions, 1):
        made = Version.entry_id == entry.id, Version.number == number
        db.session.execute(update(Version).where(*made).values(created_at=_ago(version["days"])))
    changed_at = _ago(versions[-1]["days"] if versions else said["days"])
    dated = update(Entry).where(Entry.id == entry.id).values(created_at=_ago(said["days"]), updated_at=changed_at)
    db.session.execute(dated)
    db.session.commit()


def find(kind: Kind, name: str, actor: Actor | None = None) -> Entry | None:
    """By name; of this person, if one is given."""
    query = select(Entry).where(Entry.kind == kind.word, Entry.name_key == rules.key(name))
    return db.session.scalar(query if actor is None else query.where(Entry.owner_id == actor.user_id))


def content_of(version: Mapping[str, Any]) -> bytes:
    """The bytes of a version: a file of ours, or what one of our scripts makes of one."""
    if "made_by" not in version:
        return (FILES / version["file"]).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        run(version, Path(folder, version["file"]))
        return Path(folder, version["file"]).read_bytes()


def run(version: Mapping[str, Any], result: Path) -> Any:
    """Has the version's script write `result`; what it says about it."""
    source, *options = version["arguments"]
    return runpy.run_path(str(FILES / version["made_by"]))["main"]([str(FILES / source), str(result), *options])


def _register(actor: Actor, kind: Kind, said: Mapping[str, Any], team_id: str) -> Entry:
    fields = {name: said[name] for name in ("name", "type", "url", "description", "info", "attributes") if name in said}
    if "extension" in said:
        fields["extension"] = said["extension"]
    depends_on = [_entry_id(kind, name) for name in said.get("depends_on", [])]
    entry = entries.register(actor, kind, fields, depends_on=depends_on)
    for name in said.get("experiments", []):
        experiments.tie(entry.id, name)
    entry.access, entry.default_permission = said["access"], said.get("default_permission", "read")
    entry.team_id = team_id if entry.access == "protected" else None
    db.session.commit()
    return entry


def _entry_id(kind: Kind, name: str) -> str:
    entry = find(kind, name)
    assert entry is not None, f"{name} comes later in the file"
    return entry.id


def _ago(days: float) -> datetime:
    return now() - timedelta(days=days)
