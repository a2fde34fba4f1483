"""An entry that an upload made stays, when the upload is aborted, as soon as anybody has touched it."""

import pytest

from portal.domain.kinds import Kind
from tests.api.sending import Sending
from tests.people import People

TOUCHES = {
    "name": ("patch", "/api/{slug}/id/{id}", {"{word}_name": "renamed"}),
    "url": ("patch", "/api/{slug}/id/{id}", {"{word}_url": "https://example.org/m"}),
    "experiment": ("patch", "/api/{slug}/id/{id}", {"experiment_name": "Trial"}),
    "access": ("post", "/api/v2/{word}/{id}/access", {"access": "public"}),
    "permission": ("post", "/api/v2/{word}/{id}/default-permission", {"permission": "write"}),
}


@pytest.mark.parametrize("touch", TOUCHES)
def test_what_was_touched_stays(people: People, kind: Kind, touch: str) -> None:
    sending = Sending(people.owner, b"weights", 4096, word=kind.word)
    method, path, body = TOUCHES[touch]
    words = {"slug": kind.slug, "word": kind.word, "id": sending.entry_id}
    body = {name.format(**words): value for name, value in body.items()}
    assert getattr(people.owner.api, method)(path.format(**words), json=body).status_code == 200
    assert sending.abort().status_code == 200
    assert sending.entry().status_code == 200


def test_what_was_not_goes(people: People, kind: Kind) -> None:
    described = {"description": "Text", "attributes": {"crop": "oat"}, f"{kind.word}_type": "cnn"}
    sending = Sending(people.owner, b"weights", 4096, word=kind.word, **described)
    assert sending.abort().status_code == 200
    assert sending.entry().status_code == 404
