"""One method of one address as the document says it: made of the route, what its view declares, and who may ask."""

import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from werkzeug.routing import Rule

from portal.api import auth, declared
from portal.api.declared import Answer, Parameter, Schema
from portal.api.openapi.schemas import Mode, Schemas
from portal.domain.kinds import BY_SLUG, BY_WORD, Kind
from portal.errors import (
    BadRequest,
    Denied,
    Invalid,
    NoSpace,
    NotFound,
    PortalError,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
    WrongType,
)

PROBLEM = "application/problem+json"
SAFE = "GET"

_ANY = (BadRequest, Unauthenticated, PortalError, Unavailable)
_CHANGING = (Denied, NoSpace)
_READING_A_BODY = (TooLarge, WrongType, Invalid)
_WORDS = {"kind": BY_SLUG, "word": BY_WORD}
_PARAMETER = re.compile(r"<(?:(?P<type>\w+):)?(?P<name>\w+)>")
_TOKEN: list[dict[str, list[str]]] = [{"bearer": []}, {"apiToken": []}, {"apiKey": []}]


@dataclass(frozen=True)
class Operation:
    """A view at an address, for the kind that the address names, if it names one."""

    rule: Rule
    method: str
    view: Any
    kind: Kind | None

    @property
    def path(self) -> str:
        """`/api/models/id/{model_id}`"""
        return _PARAMETER.sub(self._written, self.rule.rule)

    @property
    def id(self) -> str:
        return f"{self.rule.endpoint.replace('.', '_')}{'_' + self.kind.word if self.kind else ''}"

    @property
    def tag(self) -> str:
        """Its chapter: the dialect, and the noun where a dialect has several."""
        dialect, first = self.rule.endpoint.partition(".")[0], self.path.removeprefix("/api/v2/").partition("/")[0]
        noun = self.kind.plural_label.lower() if self.kind else f"{first}s".replace("audits", "audit trail")
        if dialect == "bazaar":
            return f"Bazaar: {noun}"
        return f"Registry: {noun}" if dialect == "registry" else dialect.replace("_", " ").capitalize()

    def shapes(self) -> Iterator[tuple[Any, Mode]]:
        """What its document refers to."""
        said = declared.of(self.view)
        yield from ((self.own(shape), "validation") for shape in said.bodies.values())
        for answer in said.answers:
            yield self.own(answer.shape), "serialization"
            yield self.own(answer.lines), "serialization"

    def own(self, shape: Any) -> Any:
        """Of shapes by the word of a kind, that of this one."""
        return shape[self.kind.word] if self.kind and isinstance(shape, dict) and self.kind.word in shape else shape

    def document(self, schemas: Schemas) -> Schema:
        said = declared.of(self.view)
        summary, _, description = self._words(inspect.getdoc(self.view) or "").partition("\n\n")
        document = {
            "operationId": self.id,
            "tags": [self.tag],
            "summary": summary.replace("\n", " ").rstrip("."),
            "description": description.replace("\n", " "),
            "security": self._security(),
            "parameters": list(self._parameters()),
            "responses": self._responses(schemas),
        }
        if said.bodies:
            read = {media: schemas.of(self.own(shape), "validation") for media, shape in said.bodies.items()}
            content = {media: {"schema": schema} for media, schema in read.items()}
            for media, shape in said.bodies.items():
                if example := _example(self.own(shape)):
                    content[media]["example"] = example
            document["requestBody"] = {"required": said.body_required, "content": content}
        return {key: value for key, value in document.items() if value or key == "security"}

    def _written(self, found: re.Match[str]) -> str:
        if found["type"] in _WORDS and self.kind:
            return self.kind.slug if found["type"] == "kind" else self.kind.word
        return f"{{{self._name(found['name'])}}}"

    def _name(self, name: str) -> str:
        return f"{self.kind.word}_id" if name == "entry_id" and self.kind else name

    def _words(self, text: str) -> str:
        """What is said of entries, said of this kind."""
        if self.kind is None:
            return text
        words = {"entries": self.kind.plural_label.lower(), "entry": self.kind.word, "{word}": self.kind.word}
        text = re.sub(r"\b([Aa])n entry\b", r"\1 entry", text)
        return re.sub(r"\bentr(?:y|ies)\b|\{word\}", lambda found: words[found[0]], text)

    def _security(self) -> list[dict[str, list[str]]]:
        endpoint = self.rule.endpoint
        if endpoint.startswith("description."):
            return []
        if endpoint in auth.TAKES_BASIC:
            return [{"basic": []}]
        if endpoint in auth.TAKES_UPLOAD_TOKEN:
            return [{"uploadToken": []}, *(_TOKEN if endpoint in auth.TAKES_UPLOAD_ID else [])]
        if endpoint in auth.OPEN:
            return []
        is_open = endpoint.startswith("registry.") and self.method == SAFE
        return [{}, *_TOKEN] if is_open else _TOKEN

    def _parameters(self) -> Iterator[Schema]:
        said = declared.of(self.view)
        about = {str(parameter): parameter for parameter in said.path}
        for found in _PARAMETER.finditer(self.rule.rule):
            if found["type"] not in _WORDS:
                schema = dict(getattr(self.rule._converters[found["name"]], "schema", {"type": "string"}))
                known = about.get(found["name"]) or Parameter(self._name(found["name"]), **schema)
                yield {**_parameter(known, "path"), "required": True}
        single, repeated = said.parameters(self.kind)
        yield from (_parameter(name, "query") for name in single)
        yield from (_parameter(name, "query", is_many=True) for name in repeated)
        yield from (_parameter(name, "header") for name in said.headers)

    def _responses(self, schemas: Schemas) -> Schema:
        said = declared.of(self.view)
        responses = {str(answer.status): self._answer(answer, schemas) for answer in said.answers}
        for error in self._errors():
            responses[str(error.status)] = {"$ref": f"#/components/responses/{error.status}"}
        return dict(sorted(responses.items()))

    def _answer(self, answer: Answer, schemas: Schemas) -> Schema:
        said: Schema = {"description": answer.about or HTTPStatus(answer.status).phrase}
        if answer.headers:
            said["headers"] = {name: _header(name) for name in answer.headers}
        if answer.shape is not None:
            schema = schemas.of(self.own(answer.shape), "serialization")
            said["content"] = {media: {"schema": schema} for media in answer.media}
        if answer.lines is not None:
            line = {"x-line": schemas.of(self.own(answer.lines), "serialization")}
            for media in (media for media in answer.media if "ndjson" in media):
                said["content"][media] |= line
        return said

    def _errors(self) -> Iterable[type[PortalError]]:
        said = declared.of(self.view)
        yield from (*_ANY, *said.errors)
        if self.method != SAFE:
            yield from _CHANGING
        if said.bodies:
            yield from _READING_A_BODY
        if any(found["type"] not in _WORDS for found in _PARAMETER.finditer(self.rule.rule)):
            yield NotFound


def _example(spec: Any) -> Any:
    """The example of a schema, or a body of those fields of a spec that have one."""
    if isinstance(spec, dict):
        return spec.get("examples", [None])[0]
    fields = getattr(spec, "model_fields", {}).items()
    return {known.alias or name: known.examples[0] for name, known in fields if known.examples}


def problem(status: int, title: str) -> Schema:
    """The response of an error."""
    same = {"title": title, "detail": title, "error": title, "error_description": title}
    example = {"type": "about:blank", "status": status, **same}
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    response: Schema = {"description": title, "content": content}
    if status == Unauthenticated.status:
        response["headers"] = {"WWW-Authenticate": _header(Parameter("WWW-Authenticate", "How to present who one is."))}
    if status in (Throttled.status, Unavailable.status):
        response["headers"] = {"Retry-After": _header(Parameter("Retry-After", "Seconds to wait.", type="integer"))}
    return response


def _header(parameter: Parameter) -> Schema:
    return {"description": parameter.about, "schema": parameter.schema}


def _parameter(name: str, place: str, *, is_many: bool = False) -> Schema:
    known = name if isinstance(name, Parameter) else Parameter(name)
    schema = {"type": "array", "items": known.schema} if is_many else known.schema
    said = {"name": str(known), "in": place, "description": known.about, "schema": schema}
    return {key: value for key, value in said.items() if value}
