"""The form of an entry: structured fields typed as text, with complaints that point at the line."""

from collections.abc import Sequence
from typing import Any

from wtforms import StringField, TextAreaField

from portal import strict_json
from portal.domain.entries import Entry
from portal.domain.experiments import Experiment
from portal.domain.kinds import Kind
from portal.errors import PortalError, invalid
from portal.web.forms import Form, required

_PLAIN = ("name", "description", "type", "extension", "url")


class EntryForm(Form):
    name = StringField("Name", required("Give it a name."))
    description = TextAreaField("Description")
    type = StringField("Type")
    extension = StringField("File extension")
    url = StringField("URL")
    experiment = StringField("Experiment")
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
        data["info"] = strict_json.pretty(entry.info)
        data["attributes"] = "\n".join(f"{name} = {value}" for name, value in entry.attributes.items())
        data["depends_on"] = "\n".join(row.id for row in built_on)
        data["experiment"] = tied[0].name if tied else ""
        return cls.for_kind(kind, formdata=None, data=data)

    def given(self) -> dict[str, Any]:
        """What `entries.register` and `entries.edit` take."""
        fields = {name: self[name].data or "" for name in _PLAIN if name in self}
        fields["info"] = self._info()
        fields["attributes"] = self._attributes()
        return {
            "fields": fields,
            "depends_on": (self.depends_on.data or "").split(),
            "experiment": (self.experiment.data or "").strip() or None,
        }

    def complain(self, error: PortalError, names: Any = None) -> None:
        super().complain(error, {"experiment_name": "experiment", "dependencies": "depends_on", **(names or {})})

    def _info(self) -> dict[str, Any]:
        try:
            value = strict_json.loads((self.info.data or "").strip() or "{}")
        except PortalError as error:
            raise invalid("info", error.detail) from None
        if not isinstance(value, dict):
            raise invalid("info", "Takes a JSON object, like {“key”: “value”}.")
        return value

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
