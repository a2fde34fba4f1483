"""Specs and shapes as JSON schemas, those with a name once, among the components of the document."""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import TypeAdapter

from portal.api.declared import Schema

Mode = Literal["validation", "serialization"]
Wanted = tuple[Any, Mode]

_PLAIN: dict[Any, Schema] = {bytes: {"type": "string", "format": "binary"}, str: {"type": "string"}}
_BELOW = "#/components/schemas/"


class Schemas:
    """The schema of each of `wanted`, a type and whether it is read or answered, and what they refer to."""

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        named = [one for one in dict.fromkeys(_hashable(wanted)) if one[0] not in _PLAIN]
        found, rest = TypeAdapter.json_schemas(
            [(one, one[1], TypeAdapter(one[0])) for one in named], ref_template=f"{_BELOW}{{model}}"
        )
        self._found = {key: _tidy(schema) for (key, _mode), schema in found.items()}
        self.components = {_short(name): _tidy(schema) for name, schema in sorted(rest.get("$defs", {}).items())}

    def of(self, shape: Any, mode: Mode) -> Schema:
        if isinstance(shape, dict):
            return shape
        found = _PLAIN.get(shape) or self._found[shape, mode]
        return dict(found)


def _hashable(wanted: Iterable[Wanted]) -> Iterable[Wanted]:
    return (one for one in wanted if one[0] is not None and not isinstance(one[0], dict))


def _short(name: str) -> str:
    return name.removesuffix("Shape")


def _tidy(schema: Any) -> Any:
    """Without the titles that pydantic makes of field names, and with short names of components."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    said = {key: value for key, value in schema.items() if not (key == "title" and isinstance(value, str))}
    return {key: _short(value) if key == "$ref" else _tidy(value) for key, value in said.items()}
