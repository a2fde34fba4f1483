"""The form of an entry: structured fields typed as text, with complaints that point at the line."""

from collections.abc import Sequence
from typing import Any, ClassVar

from wtforms import StringField, TextAreaField

from portal.domain import entries
from portal.domain.entries import Entry
from portal.domain.experiments import Experiment
from portal.domain.kinds import Kind
from portal.errors import PortalError, invalid
from portal.web.forms import Form, Refusal
from portal.web.json_field import json_object, json_text

_PLAIN = ("name", "description", "type", "extension", "url")


class _Needed:
    """Marks the field as needed; what it takes is the verb's to say, together with all else that is wrong."""

    field_flags: ClassVar = {"required": True}

    def __call__(self, form: object, field: object) -> None:
        pass


class EntryForm(Form):
    name = StringField("Name", [_Needed()])
    description = TextAreaField("Description")
    type = StringField("Type")
    extension = StringField("File extension")
    url = StringField("URL")
    experiments = TextAreaField("Experiments")
    info = TextAreaField("Info", default="{}")
    attributes = TextAreaField("Attributes")
    depends_on = TextAreaField("Depends on")

    @classmethod
    def for_kind(cls, kind: Kind, **values: Any) -> "EntryForm":
        form = cls(**values)
        if "extension" not in kind.extra_fields:
            del form.extension
        return form

    @classmethod
    def filled(cls, kind: Kind, entry: Entry, built_on: Sequence[Any], tied: Sequence[Experiment]) -> "EntryForm":
        data = {name: getattr(entry, name) for name in _PLAIN}
        data["info"] = json_text(entry.info)
        data["attributes"] = "\n".join(f"{name} = {value}" for name, value in entry.attributes.items())
        data["depends_on"] = "\n".join(row.id for row in built_on)
        data["experiments"] = "\n".join(experiment.name for experiment in tied)
        return cls.for_kind(kind, formdata=None, data=data)

    def validate(self, extra_validators: Any = None) -> bool:
        """Asks for everything that is wrong at once."""
        super().validate(extra_validators)
        for ask in (lambda: entries.checked(self._plain()), self._info, self._attributes):
            try:
                ask()
            except PortalError as error:
                self.complain(error)
        return not self.errors

    def given(self) -> dict[str, Any]:
        """What `entries.register` and `entries.edit` take."""
        return {
            "fields": {**self._plain(), "info": self._info(), "attributes": self._attributes()},
            "depends_on": (self.depends_on.data or "").split(),
        }

    def named_experiments(self) -> list[str]:
        """What `experiments.replace` takes."""
        return [line for line in (self.experiments.data or "").splitlines() if line.strip()]

    def complain(self, error: Refusal, names: Any = None) -> int:
        names = {"experiment_name": "experiments", "dependencies": "depends_on", **(names or {})}
        return super().complain(error, names)

    def _plain(self) -> dict[str, str]:
        return {name: self[name].data or "" for name in _PLAIN if name in self}

    def _info(self) -> dict[str, Any]:
        return json_object(self.info.data, "info")

    def _attributes(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for number, line in enumerate((self.attributes.data or "").splitlines(), 1):
            if not line.strip():
                continue
            name, equals, value = line.partition("=")
            if not equals or not name.strip():
                raise invalid("attributes", f"Line {number}: takes name = value.")
            if name.strip() in found:
                raise invalid("attributes", f"Line {number}: there is an attribute {name.strip()} already.")
            found[name.strip()] = value.strip()
        return found
