"""Where files lie in tests: a folder, or a bucket of an S3-compatible store; and what is done there behind the portal.

`PORTAL_TEST_STORAGE=s3` lets every test that does not care keep its files in a bucket. The bucket is on a moto server,
or on a real store where `PORTAL_TEST_S3_ENDPOINT` names one (with the usual AWS_ variables for its keys).
"""

import logging
import os
import uuid
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from flask.testing import FlaskClient
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse

from portal.storage.base import Store
from portal.storage.disk import DiskStore

ON_S3 = os.environ.get("PORTAL_TEST_STORAGE", "disk") == "s3"
GIVEN = os.environ.get("PORTAL_TEST_S3_ENDPOINT")
BUCKET = "portal-tests"


def settings(folder: Path) -> dict[str, Any]:
    """The storage of a portal whose data directory is `folder`."""
    return bucket_settings(folder) if ON_S3 else folder_settings(folder)


def folder_settings(folder: Path) -> dict[str, Any]:
    return {"storage_url": (folder / "files").as_uri()}


def bucket_settings(folder: Path) -> dict[str, Any]:
    prefix = uuid.uuid5(uuid.NAMESPACE_URL, str(folder)).hex
    return {"storage_url": f"s3://{BUCKET}/{prefix}", "s3_endpoint_url": (ON_S3 and GIVEN) or moto()}


@cache
def moto() -> str:
    """The address of a moto server of this process, with an empty bucket."""
    from moto.server import ThreadedMotoServer

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ.setdefault(name, "testing")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return prepared(f"http://{host}:{port}")


@cache
def prepared(endpoint: str) -> str:
    """The same address, once it has the bucket."""
    from portal.storage.bucket import Bucket

    client = Bucket(BUCKET, endpoint=endpoint)._quick
    if BUCKET not in {each["Name"] for each in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=BUCKET)
    return endpoint


class FollowingClient(FlaskClient):
    """A program that goes where a download is: what it gets is the store's answer under the portal's own headers."""

    def open(self, *args: Any, **given: Any) -> TestResponse:
        answer = super().open(*args, **given)
        if answer.status_code != 307 or "X-Amz-Signature" not in answer.headers["Location"]:
            return answer
        asked = answer.request.headers.get("Range")
        request = Request(answer.headers["Location"], headers={"Range": asked} if asked else {})
        try:
            with urlopen(request, timeout=20) as found:
                status, data, told = found.status, found.read(), found.headers
        except HTTPError as error:
            status, data, told = error.code, error.read(), error.headers
        headers = answer.headers.copy()
        headers.remove("Location")
        for name in ("Content-Type", "Content-Length", "Content-Disposition", "Content-Range", "Accept-Ranges"):
            headers.remove(name)
            if name in told:
                headers[name] = told[name]
        return TestResponse([data], str(status), headers, answer.request)


def fetched(url: str, credential: dict[str, str]) -> bytes:
    """As a program gets a file that leads to a signed address, where its credential does not go along."""
    request = Request(url, headers={name: each for name, each in credential.items() if name != "Authorization"})
    request.add_unredirected_header("Authorization", credential["Authorization"])
    with urlopen(request, timeout=60) as answer:
        data: bytes = answer.read()
        return data


def put(url: str, data: bytes) -> TestResponse:
    """As whoever has a signed address."""
    request = Request(url, data, {"Content-Type": "application/octet-stream"}, method="PUT")
    with urlopen(request, timeout=20) as answer:
        return TestResponse([answer.read()], str(answer.status), Headers(), EnvironBuilder(method="PUT").get_request())


def path_of(store: Store, key: str) -> Path:
    assert isinstance(store, DiskStore)
    return store._path(key)


def file_bytes(store: Store, key: str) -> bytes:
    with store.open(key) as file:
        return file.read()


def overwrite(store: Store, key: str, data: bytes) -> None:
    """What no part of the portal does to a published file."""
    if isinstance(store, DiskStore):
        path = path_of(store, key)
        path.chmod(0o600)
        path.write_bytes(data)
    else:
        store._bucket.put(key, data)  # type: ignore[attr-defined]
