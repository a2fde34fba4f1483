"""The chunked upload as a program sees it."""

from tests import make
from tests.people import People


def token(begun):
    return {"Authorization": f"Bearer {begun['token']}"}


def test_declared_chunks_in_any_order_become_version_one(people: People) -> None:
    data = bytes(range(256)) * 40
    begun = make.begin(people.owner, data, chunk_size=4096)
    for idx in (2, 0, 1):
        chunk = data[idx * 4096 : (idx + 1) * 4096]
        assert people.anonymous.api.post(f"/api/v2/model/upload/{idx}", data=chunk, headers=token(begun)).json == {}
    done = people.anonymous.api.post("/api/v2/model/upload/commit", headers=token(begun))
    assert done.json == {
        "model_id": begun["model_id"],
        "model_type": "",
        "version": 1,
        "size": len(data),
        "sha256": make.sha256(data),
    }
    download = people.owner.api.get(f"/api/v2/model/{begun['model_id']}/download")
    assert download.data == data
    assert people.stranger.api.get(f"/api/v2/model/{begun['model_id']}/download").status_code == 404
