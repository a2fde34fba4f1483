"""The registry dialect: models and scripts alike, for every person."""

import uuid

import pytest

from portal.domain.kinds import Kind
from tests import make
from tests.people import People


def url(kind: Kind, rest: str = "/") -> str:
    return f"/api/{kind.slug}{rest}"


def fields(kind: Kind, **given: object) -> dict[str, object]:
    """Names of the domain as the kind's fields: name → model_name."""
    return {f"{kind.word}_{name}": value for name, value in given.items()}


def test_created_entry_comes_back_as_it_was_sent(people: People, kind: Kind) -> None:
    body = fields(kind, name="Barley yield", url="https://example.org/m", info={"layers": [1, 2], "deep": {"a": None}})
    made = people.owner.api.post(url(kind), json={**body, "experiment_name": "Trial 1931"})
    assert made.status_code == 200
    assert made.json | body == made.json
    assert set(made.json) == {"id", "created_at", "updated_at", *body} | (
        {"script_extension"} if kind.word == "script" else set()
    )
    assert made.json["created_at"].endswith("Z")
    assert people.owner.api.get(url(kind, f"/id/{made.json['id']}")).json == made.json
    assert people.owner.api.get(url(kind, f"/id/{made.json['id']}/")).json == made.json


def test_same_name_and_url_is_the_same_entry(people: People, kind: Kind) -> None:
    body = fields(kind, name="One", url="https://example.org/1")
    first = people.owner.api.post(url(kind), json=body).json
    again = people.owner.api.post(url(kind), json={**body, f"{kind.word}_name": " one ", "experiment_name": "E"})
    assert again.json["id"] == first["id"]
    assert len(people.owner.api.get(url(kind, f"/id/{first['id']}/experiments")).json) == 1
    other = people.owner.api.post(url(kind), json=fields(kind, name="ONE", url="https://example.org/2"))
    assert other.status_code == 409
    assert other.json["errors"][0]["field"] == f"{kind.word}_name"
    assert people.reader.api.post(url(kind), json=body).json["id"] != first["id"]


def test_a_kind_does_not_show_the_other(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind, access="public")
    other = "scripts" if kind.slug == "models" else "models"
    assert people.owner.api.get(f"/api/{other}/id/{entry_id}").status_code == 404
    assert people.owner.api.get(f"/api/{other}/all").status_code == 404


def test_all_lists_what_the_caller_may_read(people: People, kind: Kind) -> None:
    mine = make.entry(people.owner, "private one", kind=kind)
    shared = make.entry(people.owner, "shared one", kind=kind, access="protected", team_id=people.team_id)
    public = make.entry(people.owner, "public one", kind=kind, access="public")

    def seen(person):
        answer = person.api.get(url(kind, "/all"))
        return {row["id"] for row in answer.json} if answer.status_code == 200 else set()

    assert seen(people.owner) == seen(people.admin) == {mine, shared, public}
    assert seen(people.teammate) == seen(people.team_admin) == {shared, public}
    assert seen(people.stranger) == seen(people.anonymous) == {public}


def test_nothing_found_is_404(people: People, kind: Kind) -> None:
    assert people.owner.api.get(url(kind, "/all")).status_code == 404
    make.entry(people.owner, kind=kind)
    assert people.owner.api.get(url(kind, "/all")).status_code == 200
    assert people.owner.api.get(url(kind, "/all?offset=1")).status_code == 404
    assert people.owner.api.get(url(kind, f"/?{kind.word}_name=nobody")).status_code == 404


def test_search_narrows_by_every_field(people: People, kind: Kind) -> None:
    info = {"crop": "barley", "trial": {"year": 1931, "plots": [1, 2]}, "ok": True}
    wanted = make.entry(
        people.owner, "Wanted", kind=kind, url="https://example.org/w", info=info, experiment="Éxperiment"
    )
    make.entry(people.owner, "Other", kind=kind, info={"crop": "wheat", "ok": 1}, experiment="Another")
    narrowing = [
        {f"{kind.word}_name": "wanted"},
        {f"{kind.word}_url": "https://example.org/w"},
        {"experiment_name": "éXPERIMENT"},
        {f"{kind.word}_info": '{"crop": "barley"}'},
        {f"{kind.word}_info": '{"trial": {"year": 1931.0}}'},
        {f"{kind.word}_info": '{"trial": {"plots": [1, 2]}}'},
        {f"{kind.word}_info": '{"ok": true}'},
    ]
    for query in narrowing:
        answer = people.owner.api.get(url(kind), query_string=query)
        assert [row["id"] for row in answer.json] == [wanted], query
    for info_text in ('{"trial": {"year": "1931"}}', '{"trial": {}, "none": 1}', '{"trial": {"plots": [1]}}'):
        answer = people.owner.api.get(url(kind), query_string={f"{kind.word}_info": info_text})
        assert answer.status_code == 404, info_text


def test_pages_lead_on(people: People, kind: Kind) -> None:
    ids = [make.entry(people.owner, f"m{number}", kind=kind) for number in range(5)]
    first = people.owner.api.get(url(kind, "/all?limit=2"))
    assert [row["id"] for row in first.json] == ids[:2]
    assert first.headers["X-Total-Count"] == "5"
    assert 'offset=2>; rel="next"' in first.headers["Link"]
    assert 'offset=4>; rel="last"' in first.headers["Link"]
    last = people.owner.api.get(url(kind, "/all?limit=2&offset=4"))
    assert [row["id"] for row in last.json] == ids[4:]
    assert 'offset=2>; rel="prev"' in last.headers["Link"]
    assert "next" not in last.headers["Link"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=-1",
        "limit=²",
        "offset=-1",
        "offset=99999999999999999999",
        "offset=1e3",
        "nmae=x",
        "limit=1&limit=2",
        "model_info={",
        "script_info=[]",
        "model_info={}&model_info={}",
    ],
)
def test_a_query_that_cannot_be_read_is_400(people: People, query: str) -> None:
    slug = "scripts" if "script" in query else "models"
    answer = people.owner.api.get(f"/api/{slug}/?{query}")
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"


def test_offset_at_the_end_of_integers_is_just_past_the_end(people: People) -> None:
    make.entry(people.owner)
    assert people.owner.api.get(f"/api/models/all?offset={2**63 - 1}").status_code == 404


def test_experiments_are_names_for_models_and_objects_for_scripts(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind, experiment="Trial")
    bare = make.entry(people.owner, "bare", kind=kind)
    found = people.owner.api.get(url(kind, f"/id/{entry_id}/experiments")).json
    if kind.word == "model":
        assert found == ["Trial"]
    else:
        assert [set(row) for row in found] == [{"id", "experiment_name", "experiment_info"}]
        assert found[0]["experiment_name"] == "Trial"
    assert people.owner.api.get(url(kind, f"/id/{bare}/experiments")).status_code == 404


def test_patch_changes_only_what_it_names(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, "before", kind=kind, url="https://example.org/x", info={"a": 1})
    changed = people.owner.api.patch(
        url(kind, f"/id/{entry_id}"), json={**fields(kind, name="after"), "experiment_name": "E"}
    )
    assert changed.json[f"{kind.word}_name"] == "after"
    assert changed.json[f"{kind.word}_url"] == "https://example.org/x"
    assert changed.json[f"{kind.word}_info"] == {"a": 1}
    emptied = people.owner.api.patch(url(kind, f"/id/{entry_id}"), json=fields(kind, url=None, info=None)).json
    assert (emptied[f"{kind.word}_url"], emptied[f"{kind.word}_info"]) == (None, {})


def test_who_may_change_and_delete(people: People, kind: Kind) -> None:
    shared = {"kind": kind, "access": "protected", "team_id": people.team_id}
    readable = make.entry(people.owner, "readable", **shared)
    writable = make.entry(people.owner, "writable", default_permission="write", **shared)
    body = fields(kind, info={"x": 1})
    statuses = {
        (name, entry_id): getattr(people, name).api.patch(url(kind, f"/id/{entry_id}"), json=body).status_code
        for name in ("owner", "team_admin", "admin", "teammate", "stranger", "anonymous")
        for entry_id in (readable, writable)
    }
    for name in ("owner", "team_admin", "admin"):
        assert statuses[name, readable] == statuses[name, writable] == 200
    assert (statuses["teammate", readable], statuses["teammate", writable]) == (403, 200)
    assert statuses["stranger", readable] == statuses["stranger", writable] == 404
    assert statuses["anonymous", readable] == 401
    assert people.teammate.api.delete(url(kind, f"/id/{writable}")).status_code == 403
    assert people.team_admin.api.delete(url(kind, f"/id/{writable}")).json == {}
    assert people.owner.api.get(url(kind, f"/id/{writable}")).status_code == 404


def test_hidden_and_missing_look_the_same(people: People, kind: Kind) -> None:
    hidden = make.entry(people.owner, kind=kind)
    for person in (people.stranger, people.anonymous):
        for rest in ("", "/experiments"):
            one = person.api.get(url(kind, f"/id/{hidden}{rest}"))
            other = person.api.get(url(kind, f"/id/{uuid.uuid4()}{rest}"))
            assert one.status_code == other.status_code == 404
            assert one.json == other.json


def test_malformed_ids_are_404(people: People, kind: Kind) -> None:
    for wrong in ("1", "-" * 36, "{" + str(uuid.uuid4()) + "}", "not-a-uuid", uuid.uuid4().hex, "%00", "é"):
        answer = people.owner.api.get(url(kind, f"/id/{wrong}"))
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json"), wrong


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "model_name"),
        ({"model_name": ""}, 422, "model_name"),
        ({"model_name": " \t "}, 422, "model_name"),
        ({"model_name": 5}, 422, "model_name"),
        ({"model_name": None}, 422, "model_name"),
        ({"model_name": "x" * 256}, 422, "model_name"),
        ({"model_name": "a\nb"}, 422, "model_name"),
        ({"model_name": "a\u202eb"}, 422, "model_name"),
        ({"model_name": "x", "model_info": []}, 422, "model_info"),
        ({"model_name": "x", "model_info": "{}"}, 422, "model_info"),
        ({"model_name": "x", "owner_id": "y"}, 422, "owner_id"),
        ({"model_name": "x", "script_extension": ".py"}, 422, "script_extension"),
        ({"model_name": "x", "model_url": "javascript:alert(1)"}, 422, "model_url"),
        ({"model_name": "x", "model_url": " java\tscript:alert(1)"}, 422, "model_url"),
        ({"model_name": "x", "model_url": "file:///etc/passwd"}, 422, "model_url"),
        ({"model_name": "x", "model_url": "data:text/html,x"}, 422, "model_url"),
        ({"model_name": "x", "model_url": "//evil.example"}, 422, "model_url"),
        ({"model_name": "x", "model_url": "http://a@b/"}, 422, "model_url"),
        ({"model_name": "x", "model_url": "https://"}, 422, "model_url"),
        ({"model_name": "x", "model_url": "https://h:99999/"}, 422, "model_url"),
        ({"model_name": "x", "experiment_name": "a\x00"}, 422, None),
        ([], 422, None),
        ("text", 422, None),
    ],
)
def test_a_body_that_will_not_do_is_422_and_names_the_field(
    people: People, body: object, status: int, field: str | None
) -> None:
    answer = people.owner.api.post("/api/models/", json=body)
    assert answer.status_code == status
    assert answer.json["error_description"] == answer.json["detail"]
    if field:
        assert [error["field"] for error in answer.json["errors"]] == [field]
    assert people.owner.api.get("/api/models/all").status_code == 404


@pytest.mark.parametrize(
    "url_text",
    ["http://example.org", "https://h/x?y#z", "s3://bucket/key", "gs://b/k", "git+https://h/r.git", "hf://a/b"],
)
def test_addresses_that_are_taken(people: People, url_text: str) -> None:
    assert people.owner.api.post("/api/models/", json={"model_name": "x", "model_url": url_text}).status_code == 200


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"null", "application/json", 422),
        (b"{", "application/json", 400),
        (b'{"model_name": NaN}', "application/json", 400),
        (b'{"model_name": "x", "model_name": "y"}', "application/json", 400),
        ('{"model_name": "x"}'.encode("utf-16"), "application/json", 400),
        (b'{"model_name": "x"}', "text/plain", 415),
        (b"model_name=x", "application/x-www-form-urlencoded", 415),
        (b" " * ((1 << 20) + 1), "application/json", 413),
    ],
)
def test_a_body_that_cannot_be_read(people: People, data: bytes, content_type: str, status: int) -> None:
    answer = people.owner.api.post("/api/models/", data=data, content_type=content_type)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")


def test_a_name_is_kept_as_its_normal_form(people: People) -> None:
    made = people.owner.api.post("/api/models/", json={"model_name": "  Gersten\u0065\u0301 🌾  "}).json
    assert made["model_name"] == "Gersten\u00e9 🌾"


def test_wrong_methods_say_which_are_right(people: People, kind: Kind) -> None:
    answer = people.owner.api.put(url(kind, "/all"))
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert answer.content_type == "application/problem+json"


def test_info_of_every_json_shape_survives(people: People) -> None:
    info = {"": 0, "nested": {"é": [1.5, -0.0, 10**300, True, None, "\u2028</script>"]}, "big": 2**63}
    made = people.owner.api.post("/api/models/", json={"model_name": "x", "model_info": info}).json
    assert people.owner.api.get(f"/api/models/id/{made['id']}").json["model_info"] == info


def test_collections_answer_with_and_without_the_slash(people: People, kind: Kind) -> None:
    make.entry(people.owner, kind=kind)
    for path in (f"/api/{kind.slug}", f"/api/{kind.slug}/", f"/api/{kind.slug}/all", f"/api/{kind.slug}/all/"):
        assert people.owner.api.get(path).status_code == 200, path
        assert people.owner.api.put(path).status_code == 405, path
