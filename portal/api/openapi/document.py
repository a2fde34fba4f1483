"""The description of all three dialects, OpenAPI 3.1, made of the routes and of what stands beside them."""

from collections.abc import Iterator

from flask import Flask

from portal.api import declared
from portal.api.declared import Schema
from portal.api.openapi.operations import Operation, problem
from portal.api.openapi.schemas import Schemas
from portal.api.shapes import ProblemShape
from portal.domain.kinds import KINDS
from portal.errors import PortalError

PREFIX = "/api/"
_DIALECTS = ("Registry", "Bazaar", "Organizations", "Description")

_ABOUT = """One registry of models and scripts in three dialects, over the same rules as the web pages.

Present a token of your account page, or the access token of a log-in, as `Authorization: Bearer TOKEN`, `X-API-TOKEN` \
or `X-API-Key`. Who is signed in here in the browser needs none. What may not be seen is 404, as what does not exist. \
Every error has one shape, `application/problem+json`."""

_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A personal token, or the access token of a log-in."},
    "apiToken": {"type": "apiKey", "in": "header", "name": "X-API-TOKEN", "description": "The same."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same."},
    "basic": {"type": "http", "scheme": "basic", "description": "E-mail and password, to log in."},
    "uploadToken": {"type": "http", "scheme": "bearer", "description": "The token of one upload."},
}


def operations(app: Flask) -> Iterator[Operation]:
    """Every method of every address of the API, one for each kind where the address names the kind."""
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith(PREFIX):
            continue
        view = app.view_functions[rule.endpoint]
        kinds = KINDS if "kind" in rule.arguments else (None,)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield from (Operation(rule, method, view, kind) for kind in kinds)


def undeclared(app: Flask) -> set[str]:
    """Routes of which nothing can be said."""
    return {f"{each.method} {each.rule.rule}" for each in operations(app) if not declared.of(each.view).answers}


def document(app: Flask, version: str) -> Schema:
    said = [each for each in operations(app) if declared.of(each.view).answers]
    schemas = Schemas([(ProblemShape, "serialization"), *(wanted for each in said for wanted in each.shapes())])
    paths: Schema = {}
    for each in sorted(said, key=lambda each: each.path):
        paths.setdefault(each.path, {})[each.method.lower()] = each.document(schemas)
    tags = sorted({each.tag for each in said}, key=_chapter)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Model Portal", "version": version, "description": _ABOUT},
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": {str(status): problem(status, title) for status, title in sorted(_titles())},
            "securitySchemes": _SECURITY,
        },
    }


def _chapter(tag: str) -> tuple[int, str]:
    dialect = tag.partition(":")[0]
    return _DIALECTS.index(dialect) if dialect in _DIALECTS else len(_DIALECTS), tag


def _titles() -> Iterator[tuple[int, str]]:
    """Of each status what the error table calls it, or else the one error that has it."""
    yield PortalError.status, "A fault of the portal"
    known = sorted(_below(PortalError), key=lambda error: error.__module__ == PortalError.__module__)
    yield from {error.status: (error.status, error.title) for error in known}.values()


def _below(error: type[PortalError]) -> Iterator[type[PortalError]]:
    for each in error.__subclasses__():
        if each.status != PortalError.status:
            yield each
        yield from _below(each)
