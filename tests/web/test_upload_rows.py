"""What the pages say of an upload whose entry its person may no longer see, and the way out of it."""

import pytest

from portal.domain.kinds import Kind
from tests import make
from tests.people import People

SECRET = "Project Nightingale"


@pytest.fixture
def upload_id(people: People, kind: Kind) -> str:
    """The teammate's, for an entry that its owner has hidden from the team and renamed since."""
    shared = {"access": "protected", "team_id": people.team_id, "default_permission": "write"}
    entry_id = make.entry(people.owner, "Plot counter", kind=kind, **shared)
    given = {f"{kind.word}_name": None, f"{kind.word}_id": entry_id, "file_name": "plots.bin"}
    begun = make.begin(people.teammate, b"x" * 100, chunk_size=10, word=kind.word, **given)
    assert "Plot counter" in people.teammate.client.get("/uploads").text
    people.owner.api.post(f"/api/v2/{kind.word}/{entry_id}/access", json={"access": "private"})
    people.owner.api.patch(f"/api/{kind.slug}/id/{entry_id}", json={f"{kind.word}_name": SECRET})
    return begun["upload_id"]


@pytest.mark.parametrize("path", ["/", "/uploads", "/uploads/new?kind={slug}", "/uploads/{id}"])
def test_the_name_of_a_hidden_entry_is_nowhere(people: People, kind: Kind, upload_id: str, path: str) -> None:
    page = people.teammate.client.get(path.format(slug=kind.slug, id=upload_id)).text

    assert "plots.bin" in page
    assert SECRET not in page


def test_who_began_it_may_still_cancel_it(people: People, upload_id: str) -> None:
    headers = {"X-CSRFToken": people.teammate.csrf_token}

    answer = people.teammate.client.post(f"/uploads/{upload_id}/cancellation", headers=headers)

    assert answer.headers["Location"] == "/uploads"
    assert "Nothing is unfinished" in people.teammate.client.get("/uploads").text


def test_and_by_the_api(people: People, kind: Kind, upload_id: str) -> None:
    answer = people.teammate.api.delete(f"/api/v2/{kind.word}/upload?upload_id={upload_id}")

    assert answer.status_code == 200


def test_a_credential_that_may_only_read_cancels_nothing(people: People, kind: Kind, upload_id: str) -> None:
    token = people.teammate.api.post("/api/v2/user/tokens", json={"name": "look", "scope": "read"}).json["token"]

    answer = people.anonymous.api.delete(
        f"/api/v2/{kind.word}/upload?upload_id={upload_id}", headers={"Authorization": f"Bearer {token}"}
    )

    assert answer.status_code == 403
