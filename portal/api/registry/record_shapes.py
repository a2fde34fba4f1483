"""What came out of an entry, as the registry dialect writes it; and the specs of what may be said of it."""

from typing import Any

from pydantic import Field

from portal.api.bodies import KindSpec, Spec, of_kind
from portal.api.shapes import Date, Id, KindShape, Object, Shape, Time, by_word, rfc3339
from portal.api.times import Day
from portal.domain import records
from portal.domain.datasets import Dataset
from portal.domain.entries import Entry
from portal.domain.kinds import KINDS, Kind
from portal.domain.records import Record
from portal.domain.runs import Run


class RunSpec(KindSpec):
    own = ("run_info",)

    run_info: dict[str, Any] | None = Field(None, examples=[{"seed": 7, "epochs": 20}])


class DatasetSpec(Spec):
    dataset_name: str = Field(examples=["Plots of 2026"])
    dataset_info: dict[str, Any] | None = None
    collection_date: Day | None = None
    experiment_name: str | None = None


class RecordChanges(KindSpec):
    own = ("data",)

    data: dict[str, Any] | None = Field(None, examples=[{"yield": 48.9}])
    record_info: dict[str, Any] | None = None

    def fields(self) -> dict[str, Any]:
        """What was given, under the domain's names; an info of null is an empty one."""
        given = {"data": self.data, "record_info": self.record_info or {}}
        names = {"data": "data", "record_info": "info"}
        return {names[field]: given[field] for field in self.model_fields_set}


RUN_SPECS = {kind.word: of_kind(RunSpec, kind) for kind in KINDS}
CHANGES = {kind.word: of_kind(RecordChanges, kind) for kind in KINDS}


class RunShape(KindShape):
    id: Id
    kind_id: Id
    kind_name: str
    kind_run_info: Object
    created_at: Time


class DatasetShape(Shape):
    id: Id
    dataset_name: str
    collection_date: Date | None
    dataset_info: Object


class RecordShape(KindShape):
    id: Id
    timestamp: Time
    collection_date: Date
    dataset_id: Id
    dataset_name: str
    kind_id: Id
    kind_name: str
    kind_data: Object | None
    experiment_id: Id | None
    experiment_name: str | None
    season_id: Id | None
    season_name: str | None
    site_id: Id | None
    site_name: str | None
    record_file: str | None = Field(description="The name of the record's file.")
    record_info: Object


RUN, RECORD = by_word(RunShape), by_word(RecordShape)


def run(kind: Kind, entry: Entry, item: Run) -> dict[str, Any]:
    word = kind.word
    its_entry = {f"{word}_id": entry.id, f"{word}_name": entry.name}
    return {"id": item.id, **its_entry, f"{word}_run_info": item.info, "created_at": rfc3339(item.created_at)}


def dataset(item: Dataset) -> dict[str, Any]:
    collected = item.collection_date and item.collection_date.isoformat()
    return {"id": item.id, "dataset_name": item.name, "collection_date": collected, "dataset_info": item.info}


def record(kind: Kind, entry: Entry, item: Record) -> dict[str, Any]:
    word = kind.word
    its_dataset, *named = records.facts(item.id)
    shape: dict[str, Any] = {
        "id": item.id,
        "timestamp": rfc3339(item.timestamp),
        "collection_date": item.collection_date.isoformat(),
        "dataset_id": its_dataset.id,
        "dataset_name": its_dataset.name,
        f"{word}_id": entry.id,
        f"{word}_name": entry.name,
        f"{word}_data": item.data,
    }
    for each, found in zip(("experiment", "season", "site"), named, strict=True):
        shape |= {f"{each}_id": found and found.id, f"{each}_name": found and found.name}
    return {**shape, "record_file": item.file_name, "record_info": item.info}
