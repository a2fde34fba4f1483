"""The registry dialect's objects. Field names come from the kind: `model_name`, `script_name`."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from portal.api.bodies import Spec
from portal.api.shapes import rfc3339
from portal.domain.entries import Entry
from portal.domain.experiments import Experiment
from portal.domain.kinds import Kind

_NOT_FIELDS = {"experiment_name"}


class _EntrySpec(Spec):
    experiment_name: str | None = None

    def fields(self) -> dict[str, Any]:
        """What was given, under the domain's names; an `info` of null is an empty one."""
        given = {name: getattr(self, name) for name in self.model_fields_set - _NOT_FIELDS}
        return {name: {} if name == "info" and value is None else value for name, value in given.items()}


class ModelSpec(_EntrySpec):
    name: str = Field(alias="model_name")
    url: str | None = Field(None, alias="model_url")
    info: dict[str, Any] | None = Field(None, alias="model_info")


class ModelChanges(_EntrySpec):
    name: str = Field("", alias="model_name")
    url: str | None = Field(None, alias="model_url")
    info: dict[str, Any] | None = Field(None, alias="model_info")


class ScriptSpec(_EntrySpec):
    name: str = Field(alias="script_name")
    url: str | None = Field(None, alias="script_url")
    info: dict[str, Any] | None = Field(None, alias="script_info")
    extension: str = Field("", alias="script_extension")


class ScriptChanges(_EntrySpec):
    name: str = Field("", alias="script_name")
    url: str | None = Field(None, alias="script_url")
    info: dict[str, Any] | None = Field(None, alias="script_info")
    extension: str = Field("", alias="script_extension")


SPECS: dict[str, type[_EntrySpec]] = {"model": ModelSpec, "script": ScriptSpec}
CHANGES: dict[str, type[_EntrySpec]] = {"model": ModelChanges, "script": ScriptChanges}


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
