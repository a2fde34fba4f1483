"""Holds every answer under `/api` that a test brings about to what `/api/openapi.json` says of it."""

import functools
import json
from typing import Any

import jsonschema_rs
from flask import Flask, Response, request

from portal.api.openapi.document import document, operations


class Described:
    """The document of the portal, asked about single answers."""

    def __init__(self, app: Flask) -> None:
        self.document = document(app, "test")
        self.paths = {(each.rule.rule, each.kind and each.kind.word): each.path for each in operations(app)}
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    def operation(self, rule: str, method: str, word: str | None = None) -> Any:
        """What the document says of a route; None where it says nothing."""
        path = self.document["paths"].get(self.paths.get((rule, word)), {})
        return path.get(method.lower())

    def responses(self, rule: str, method: str, word: str | None = None) -> Any:
        """The answers of a route by their status; None where it is not in the document."""
        operation = self.operation(rule, method, word)
        return operation and {status: self._resolved(said) for status, said in operation["responses"].items()}

    def complaint(self, said: Any, response: Response) -> str | None:
        """What is wrong with an answer, of what was said of it."""
        media = response.mimetype
        if not response.is_sequence or request.method == "HEAD" or "content" not in said:
            return None
        if media not in said["content"]:
            return f"is {media}"
        content = said["content"][media]
        body = response.get_data()
        if "x-line" in content:
            return next(filter(None, (self._wrong(content["x-line"], line) for line in body.splitlines())), None)
        return self._wrong(content["schema"], body) if media.endswith(("/json", "+json")) else None

    def _wrong(self, schema: Any, body: bytes) -> str | None:
        key = json.dumps(schema)
        if key not in self._validators:
            whole = {**schema, "components": self.document["components"]}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        error = next(iter(self._validators[key].iter_errors(json.loads(body))), None)
        return error and f"{'.'.join(map(str, error.instance_path))}: {error.message[:500]}"

    def _resolved(self, said: Any) -> Any:
        reference = said.get("$ref")
        return self.document["components"]["responses"][reference.rpartition("/")[2]] if reference else said


class Watch:
    """The answers of one application, and what is wrong with them; `unheard` are parameters that it passed over."""

    def __init__(self, app: Flask, described: Described | None = None) -> None:
        self.described = described or _described(app)
        self.complaints: list[str] = []
        self.unheard: list[str] = []
        app.extensions["watch"] = self
        app.after_request(self._see)

    def _see(self, response: Response) -> Response:
        rule = request.url_rule
        if rule is None or request.method == "OPTIONS":
            return response
        word = getattr((request.view_args or {}).get("kind"), "word", None)
        method = "GET" if request.method == "HEAD" else request.method
        responses = self.described.responses(rule.rule, method, word)
        if responses is not None:
            said = responses.get(str(response.status_code))
            wrong = "is not documented" if said is None else self.described.complaint(said, response)
            if wrong:
                self.complaints.append(f"{method} {rule.rule} {response.status_code} {wrong}")
            elif response.status_code < 300:
                parameters = self.described.operation(rule.rule, method, word).get("parameters", ())
                unknown = request.args.keys() - {each["name"] for each in parameters}
                self.unheard += [f"{method} {rule.rule} takes {name}, undeclared" for name in unknown]
        return response


@functools.cache
def _of_all() -> list[Described]:
    return []


def _described(app: Flask) -> Described:
    """One for all tests: the routes are the same."""
    if not _of_all():
        _of_all().append(Described(app))
    return _of_all()[0]
