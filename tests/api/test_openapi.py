"""`/api/openapi.json` says of every address what it takes and gives."""

import ast
from collections import Counter
from pathlib import Path

import pytest
import schemathesis
from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from schemathesis.specs.openapi import definitions

from portal.api.declared import answers, of
from portal.api.openapi.document import operations, undeclared
from portal.api.shapes import Empty
from portal.errors import NotFound
from tests.documented import Described, Watch
from tests.people import People
from tests.security.expectations import lines

API = Path(__file__).parents[2] / "portal/api"
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def described(app: Flask) -> Described:
    return Described(app)


def test_it_is_served_and_valid(people: People) -> None:
    answer = people.anonymous.client.get("/api/openapi.json")

    assert answer.status_code == 200
    assert answer.json["openapi"] == "3.1.0"
    definitions.OPENAPI_31_VALIDATOR.validate(answer.json)
    schemathesis.openapi.from_dict(answer.json)


def test_below_a_prefix_it_says_so(people: People) -> None:
    ask = people.anonymous.client.get

    assert "servers" not in ask("/api/openapi.json").json
    assert ask("/api/openapi.json", base_url="http://localhost/portal").json["servers"] == [{"url": "/portal"}]


def test_every_address_has_its_operation(app: Flask) -> None:
    assert undeclared(app) == set(), "routes without @answers"


def test_a_route_that_declares_nothing_would_be_seen(app: Flask) -> None:
    app.add_url_rule("/api/planted", view_func=lambda: "")

    assert undeclared(app) == {"GET /api/planted"}


def test_every_expected_status_is_documented(described: Described) -> None:
    wrong = []
    for line in lines():
        if not line.route.startswith("/api/"):
            continue
        word = "model" if ":kind>" in line.route else None
        documented = described.responses(line.route, line.method, word) or {}
        wrong += [f"{line}: {cell}" for cell in line.cells if cell not in documented]
    assert not wrong


def test_every_operation_is_named_and_described(described: Described) -> None:
    operations = [
        (path, method, operation)
        for path, item in described.document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]
    names = Counter(operation["operationId"] for *_, operation in operations)

    assert [(path, method) for path, method, operation in operations if not operation.get("summary")] == []
    assert [name for name, number in names.items() if number > 1] == []
    assert [name for name in described.document["components"]["schemas"] if "__" in name] == []


def test_examples_are_true(app: Flask, described: Described) -> None:
    """Each is taken by the very spec that reads the body; only a body that may be empty needs none."""
    seen = 0
    for each in operations(app):
        for media, shape in of(each.view).bodies.items():
            spec = each.own(shape)
            if media == "application/json" and isinstance(spec, type):
                body = described.document["paths"][each.path][each.method.lower()]["requestBody"]["content"][media]
                assert spec.model_validate(body.get("example", {}), strict=True), each.path
                seen += 1
    assert seen > 20


def test_bodies_are_read_by_what_is_declared_alone() -> None:
    """Who called `read_json` in a view could read another spec than the document shows."""
    reading = {
        path.relative_to(API).as_posix()
        for path in API.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "read_json"
    }
    assert reading == {"declared.py"}


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("/api/planted/201", "201 is not documented"),
        ("/api/planted/200", "Additional properties are not allowed"),
        ("/api/planted/404", None),
        ("/api/planted/204?unheard=of", "takes unheard, undeclared"),
    ],
)
def test_an_answer_that_is_not_described_would_be_seen(app: Flask, path: str, complaint: str | None) -> None:
    @app.get("/api/planted/<int:status>")
    @answers(Empty)
    @answers(None, status=204)
    def planted(status: int) -> ResponseReturnValue:
        if status == 404:
            raise NotFound
        return jsonify(more="than is said"), status

    watch = Watch(app, Described(app))
    app.test_client().get(path)

    seen = watch.complaints + watch.unheard
    assert [found for found in seen if complaint is None or complaint not in found] == []
    assert bool(seen) == (complaint is not None)
