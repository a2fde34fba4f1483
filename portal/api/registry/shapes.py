"""The registry dialect's objects. Field names come from the kind: `model_name`, `script_name`."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from portal.api import shapes
from portal.api.bodies import KindSpec, of_kind
from portal.api.shapes import Id, KindShape, Object, Shape, Time, rfc3339
from portal.domain.entries import Entry
from portal.domain.experiments import Experiment
from portal.domain.kinds import KINDS, Kind


class EntrySpec(KindSpec):
    own = ("name", "url", "info")

    name: str = Field(examples=["yield-net"])
    url: str | None = Field(None, examples=["https://example.org/yield-net"])
    info: dict[str, Any] | None = Field(None, examples=[{"crop": "barley"}])
    experiment_name: str | None = Field(None, examples=["Barley 2026"])

    def fields(self) -> dict[str, Any]:
        """What was given, under the domain's names; an `info` of null is an empty one."""
        given = {name: getattr(self, name) for name in self.model_fields_set - {"experiment_name"}}
        return {name: {} if name == "info" and value is None else value for name, value in given.items()}


class EntryChanges(EntrySpec):
    name: str = ""


SPECS = {kind.word: of_kind(EntrySpec, kind, *kind.extra_fields) for kind in KINDS}
CHANGES = {kind.word: of_kind(EntryChanges, kind, *kind.extra_fields) for kind in KINDS}


class EntryShape(KindShape):
    id: Id
    kind_name: str
    kind_url: str | None
    kind_info: Object
    created_at: Time
    updated_at: Time


class ExperimentShape(Shape):
    id: Id
    experiment_name: str
    experiment_info: Object


ENTRY = {
    kind.word: shapes.of_kind(EntryShape, kind, **{f"kind_{field}": (str, ...) for field in kind.extra_fields})
    for kind in KINDS
}
EXPERIMENTS = {kind.word: list[str] if kind.lists_experiment_names else list[ExperimentShape] for kind in KINDS}


def entry(kind: Kind, item: Entry) -> dict[str, Any]:
    word = kind.word
    own = {f"{word}_{field}": getattr(item, field) for field in ("name", "url", *kind.extra_fields, "info")}
    times = {"created_at": rfc3339(item.created_at), "updated_at": rfc3339(item.updated_at)}
    return {"id": item.id, **own, **times}


def experiments(kind: Kind, found: Sequence[Experiment]) -> list[Any]:
    """Names for models, objects for scripts, as the seeds say."""
    if kind.lists_experiment_names:
        return [experiment.name for experiment in found]
    return [
        {"id": experiment.id, "experiment_name": experiment.name, "experiment_info": experiment.info}
        for experiment in found
    ]
