"""The barley trial as runs, a dataset and records: of the script that fits it, and of the model that came out."""

import csv
import runpy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update

from portal.database import begin_write, now
from portal.domain import datasets, record_bulk, runs
from portal.domain.circumstances import Names
from portal.domain.entries import Entry
from portal.domain.kinds import MODEL, SCRIPT, Kind
from portal.domain.record_lines import Batch, line_of
from portal.domain.records import NewRecord
from portal.domain.runs import Run
from portal.errors import Conflict
from portal.extensions import db
from portal.security.actor import Actor
from portal.uploads.record_file import add_with_file

FILE = Path(__file__).parent / "files" / "barley.csv"
EXPERIMENT = "Minnesota barley 1931-32"
DATASET = "Barley variety trials, Minnesota"
SOURCE = "Immer, Hayes and Powers (1934), Journal of the American Society of Agronomy 26"
INFO = {"source": SOURCE, "unit": "bushels per acre", "time": "The paper gives the year; day and hour are ours."}
PUBLISHED = datetime(1934, 1, 1, tzinfo=UTC)

# Spring barley ripens from the south to the north: days of August, ours.
HARVEST = {"Waseca": 1, "University Farm": 3, "Morris": 6, "Crookston": 11, "Grand Rapids": 15, "Duluth": 19}
PLOT = timedelta(minutes=20)  # from one to the next

Version = Mapping[str, Any]  # as the TOML file says it
Result = Mapping[str, Any]


def tell(actor: Actor, script: Entry, model: Entry, versions: Sequence[Version], results: Sequence[Result]) -> None:
    """What is not told yet. Each of the model's versions came out of a run of the script, which said its result."""
    begin_write()
    for entry in (script, model):
        datasets.add(actor, entry, DATASET, info=INFO, experiment=EXPERIMENT)
    if not runs.find(actor, script, 1)[1]:
        for number, (version, result) in enumerate(zip(versions, results, strict=True), 1):
            made = {"model": model.name, "version": number}
            _dated(runs.add(actor, script, {"arguments": version["arguments"], "made": made, **result}), version)
        fit = {"version": len(versions), "plots": sum(1 for _ in _plots()), **results[-1]}
        _dated(runs.add(actor, model, fit), versions[-1])
    db.session.commit()
    rows = list(_plots())
    _add(actor, SCRIPT, script, ({**row, "script_data": data} for row, data in rows))
    fitted = _fitted(versions[-1])
    _add(actor, MODEL, model, ({**row, "model_data": {**data, **fitted[_key(row, data)]}} for row, data in rows))
    names = Names(experiment=EXPERIMENT)
    with suppress(Conflict):
        whole = NewRecord(None, {"source": SOURCE}, names, DATASET, timestamp=PUBLISHED, file_name=FILE.name)
        add_with_file(actor, script, FILE.name, [FILE.read_bytes()], lambda: whole)


def _add(actor: Actor, kind: Kind, entry: Entry, records: Iterator[dict[str, Any]]) -> None:
    lines: Batch = [line_of(kind, number, record) for number, record in enumerate(records, 1)]
    for _ in record_bulk.add_many(actor, entry, [lines]):
        pass


def _plots() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The fields of a record without its data, and what grew there."""
    with FILE.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file)):
            morning = datetime(int(row["year"]), 8, HARVEST[row["site"]], 13, tzinfo=UTC)  # eight o'clock there
            yield (
                {
                    "timestamp": (morning + PLOT * (number // len(HARVEST) % 10)).isoformat(),
                    "experiment_name": EXPERIMENT,
                    "season_name": row["year"],
                    "site_name": row["site"],
                    "dataset_name": DATASET,
                },
                {"variety": row["variety"], "yield": float(row["yield_bushels_per_acre"])},
            )


def _key(row: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["site_name"], row["season_name"], data["variety"]


def _fitted(version: Version) -> dict[tuple[str, str, str], dict[str, float]]:
    """What the model of that version makes of every plot."""
    made = runpy.run_path(str(FILE.parent / version["made_by"]))
    terms = version["arguments"][version["arguments"].index("--terms") + 1 :]
    with FILE.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    yields = [float(row["yield_bushels_per_acre"]) for row in rows]
    effects = {term: made["effects"](rows, yields, term) for term in terms}
    mean = sum(yields) / len(yields)
    found = {}
    for row, grown in zip(rows, yields, strict=True):
        fit = mean + sum(effects[term][made["level"](row, term)] for term in terms)
        said = {"fitted": round(fit, 3), "residual": round(grown - fit, 3)}
        found[row["site"], row["year"], row["variety"]] = said
    return found


def _dated(run: Run, version: Version) -> None:
    """As old as the version."""
    when = now() - timedelta(days=version["days"])
    db.session.execute(update(Run).where(Run.id == run.id).values(created_at=when))
