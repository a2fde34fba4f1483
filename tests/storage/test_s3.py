"""The contract on a bucket, and what is peculiar to one."""

from uuid import uuid4

import pytest

from portal.storage.bucket import Bucket
from portal.storage.s3 import S3Store
from tests import stored
from tests.storage.store_contract import StoreContract


@pytest.fixture(params=["moto", "given"] if stored.GIVEN else ["moto"])
def endpoint(request: pytest.FixtureRequest) -> str:
    return stored.moto() if request.param == "moto" else stored.prepared(str(stored.GIVEN))


@pytest.fixture
def bucket(endpoint: str) -> Bucket:
    return Bucket(stored.BUCKET, f"{uuid4()}/files", endpoint)


@pytest.fixture
def store(bucket: Bucket) -> S3Store:
    return S3Store(bucket)


class TestS3(StoreContract):
    pass
