"""A name that its caller already uses: the refusal says for what, and where an upload for it waits."""

from typing import Any

from portal.domain.kinds import Kind
from tests import make
from tests.people import People, Person


def begin(person: Person, kind: Kind, name: str) -> Any:
    return person.api.post(f"/api/v2/{kind.word}/upload", json={f"{kind.word}_name": name, "size": 3, "chunk_size": 3})


def test_an_unfinished_upload_of_that_name_is_named_with_its_page(people: People, kind: Kind) -> None:
    given = {f"{kind.word}_name": "Yield net", "file_name": "yield.bin"}
    begun = make.begin(people.owner, b"abc", chunk_size=3, word=kind.word, **given)

    refused = begin(people.owner, kind, " yield NET")

    assert refused.status_code == 409
    assert refused.json["upload_id"] == begun["upload_id"]
    assert refused.json[f"{kind.word}_id"] == begun[f"{kind.word}_id"]
    assert "Your upload of yield.bin for it is not finished." in refused.json["detail"]
    assert f"http://localhost/uploads/{begun['upload_id']}," in refused.json["detail"]
    assert refused.json["errors"][0]["field"] == f"{kind.word}_name"


def test_without_an_upload_the_entry_is_named(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, "Yield net", kind=kind)
    elsewhere = make.begin(people.owner, b"abc", chunk_size=3, word=kind.word)

    refused = begin(people.owner, kind, "Yield net")

    assert refused.status_code == 409
    assert refused.json[f"{kind.word}_id"] == entry_id
    assert "upload_id" not in refused.json
    assert elsewhere["upload_id"] not in refused.text


def test_the_upload_of_a_teammate_is_theirs_to_know_of(people: People, kind: Kind) -> None:
    shared = {"access": "protected", "team_id": people.team_id, "default_permission": "write"}
    entry_id = make.entry(people.owner, "Yield net", kind=kind, **shared)
    given = {f"{kind.word}_name": None, f"{kind.word}_id": entry_id}
    make.begin(people.teammate, b"abc", chunk_size=3, word=kind.word, **given)

    refused = begin(people.owner, kind, "Yield net")

    assert refused.status_code == 409
    assert "upload_id" not in refused.json
    assert begin(people.stranger, kind, "Yield net").status_code == 200
