"""A bucket of an S3-compatible store: the calls we make of it, its errors in the words of the contract.

Needs the rights to list, get, put, copy and delete objects under the prefix and to make, list and abort multipart
uploads there. Nothing is asked of the store before the first call, and no connection outlives a fork.
"""

import threading
from base64 import b64encode
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache, cached_property
from typing import IO, Any, NamedTuple
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from portal.storage.base import Missing, NoSpace, PutAddress, StorageError, Unavailable

AT_ONCE = 8  # requests of one verb
_SOON, _AT_LAST = 2.5, 60  # seconds of silence; twice the first, and a pause between, are within the 10 of a 503
_FULL = {"QuotaExceeded", "InsufficientStorage", "InsufficientCapacity", "XMinioStorageFull", "EntityTooLarge"}
_ABSENT = {"404", "NoSuchKey", "NoSuchUpload", "NotFound"}
_NO_CONDITIONS = {"NotImplemented", "501", "InvalidArgument", "InvalidRequest", "400", "BadRequest"}
_HELD = {"PreconditionFailed", "412", "ConditionalRequestConflict"}


class Held(StorageError):
    """A conditional request was refused: the key has an object already."""


class Item(NamedTuple):
    key: str
    size: int
    changed_at: float  # seconds since the epoch


class Head(NamedTuple):
    size: int
    metadata: dict[str, str]


class PartsUnderWay(NamedTuple):
    """A multipart upload that is neither complete nor aborted."""

    key: str
    id: str
    begun_at: float  # seconds since the epoch


class Bucket:
    """`endpoint` is the store's address for us, `public` the one that browsers know it by."""

    def __init__(self, name: str, prefix: str = "", endpoint: str | None = None, public: str | None = None) -> None:
        self.name, self.endpoint, self.public = name, endpoint, public or endpoint
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._knows_conditions = True

    def put(self, key: str, body: bytes | IO[bytes] = b"") -> None:
        with faults(key):
            client = self._quick if isinstance(body, bytes) else self._patient
            client.put_object(Bucket=self.name, Key=self._prefix + key, Body=body)

    def get(self, key: str, first: int = 0, past: int | None = None, *, patiently: bool = False) -> Iterator[bytes]:
        """The bytes from `first` to before `past`, in pieces of up to 1 MiB."""
        if past is not None and past <= first:
            return
        with faults(key):
            wanted = {"Range": f"bytes={first}-{'' if past is None else past - 1}"} if first or past else {}
            client = self._patient if patiently else self._quick
            body = client.get_object(Bucket=self.name, Key=self._prefix + key, **wanted)["Body"]
            try:
                while piece := body.read(1 << 20):
                    yield piece
            finally:
                body.close()

    def head(self, key: str) -> Head:
        try:
            with faults(key):
                found = self._quick.head_object(Bucket=self.name, Key=self._prefix + key)
        except Missing:
            self._require_bucket()
            raise
        return Head(found["ContentLength"], found.get("Metadata", {}))

    def list(self, prefix: str, *, deep: bool = True) -> Iterator[Item]:
        """What lies under the prefix, by key; without `deep` only what has no further `/` in its key."""
        how = {} if deep else {"Delimiter": "/"}
        with faults(prefix):
            pages = self._quick.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.name, Prefix=self._prefix + prefix, **how):
                for it in page.get("Contents", ()):
                    yield Item(it["Key"][len(self._prefix) :], it["Size"], it["LastModified"].timestamp())

    def _require_bucket(self) -> None:
        """An answer without a body does not tell an object that is not there from a bucket that is not."""
        try:
            with faults(self.name):
                self._quick.list_objects_v2(Bucket=self.name, MaxKeys=1)
        except Missing as error:
            raise Unavailable(str(error)) from error

    def delete(self, keys: Iterable[str]) -> None:
        """One by one: what S3 asks of a request for many differs from store to store."""

        def delete(key: str) -> None:
            with suppress(Missing), faults(key):
                self._quick.delete_object(Bucket=self.name, Key=self._prefix + key)

        in_parallel(delete, keys)

    def copy(self, source: str, key: str) -> None:
        with faults(source):
            self._patient.copy_object(Bucket=self.name, Key=self._prefix + key, CopySource=self._source(source))

    def begin_parts(self, key: str, metadata: dict[str, str] | None = None) -> str:
        with faults(key):
            wanted = {"Bucket": self.name, "Key": self._prefix + key, "ContentType": "application/octet-stream"}
            return str(self._quick.create_multipart_upload(**wanted, Metadata=metadata or {})["UploadId"])

    def put_part(self, key: str, parts_id: str, number: int, body: bytes | IO[bytes]) -> str:
        """The part's tag, for `complete`."""
        with faults(key):
            made = self._patient.upload_part(**self._part(key, parts_id, number), Body=body)
            return str(made["ETag"])

    def copy_part(self, key: str, parts_id: str, number: int, source: str, span: tuple[int, int] | None = None) -> str:
        """As `put_part`, of an object of the bucket or of its bytes from `span[0]` to before `span[1]`."""
        which = {} if span is None else {"CopySourceRange": f"bytes={span[0]}-{span[1] - 1}"}
        with faults(source):
            part = self._part(key, parts_id, number)
            made = self._patient.upload_part_copy(**part, CopySource=self._source(source), **which)
            return str(made["CopyPartResult"]["ETag"])

    def complete(self, key: str, parts_id: str, tags: Iterable[str], *, only_new: bool = False) -> None:
        """Makes the parts, in this order, one object. With `only_new`, where the store can: Held if there is one."""
        tags = list(tags)
        parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, start=1)]
        wanted = {"Bucket": self.name, "Key": self._prefix + key, "UploadId": parts_id}
        how: dict[str, str] = {"IfNoneMatch": "*"} if only_new and self._knows_conditions else {}
        try:
            self._patient.complete_multipart_upload(**wanted, MultipartUpload={"Parts": parts}, **how)
        except ClientError as error:
            if not how or _code(error) not in _NO_CONDITIONS:
                raise _translated(error, key) from error
            self._knows_conditions = False
            self.complete(key, parts_id, tags)
        except BotoCoreError as error:
            raise Unavailable(f"{key}: {error}") from error

    def abort(self, key: str, parts_id: str) -> None:
        with suppress(Missing), faults(key):
            self._quick.abort_multipart_upload(Bucket=self.name, Key=self._prefix + key, UploadId=parts_id)

    def list_parts_under_way(self, prefix: str = "") -> Iterator[PartsUnderWay]:
        with faults(prefix):
            pages = self._quick.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self.name, Prefix=self._prefix + prefix):
                for it in page.get("Uploads", ()):
                    yield PartsUnderWay(it["Key"][len(self._prefix) :], it["UploadId"], it["Initiated"].timestamp())

    def url_to_get(self, key: str, seconds: int, **answer: str) -> str:
        """Good for so many seconds; `answer` are the Response… parameters of GetObject."""
        wanted = {"Bucket": self.name, "Key": self._prefix + key, **answer}
        return self._signed("get_object", wanted, seconds)

    def url_to_put(self, key: str, seconds: int, length: int | None, sha256: bytes | None) -> PutAddress:
        """Takes the object in one PUT, of exactly this length and content if they are given."""
        bound: dict[str, Any] = {} if length is None else {"ContentLength": length}
        headers = {}
        if sha256:
            bound["ChecksumSHA256"] = headers["x-amz-checksum-sha256"] = b64encode(sha256).decode()
        wanted = {"Bucket": self.name, "Key": self._prefix + key, **bound}
        return PutAddress(self._signed("put_object", wanted, seconds), headers)

    @cached_property
    def origin(self) -> str:
        """Scheme, host and port of signed addresses. Amazon's is found by signing one, which wants a key."""
        url = urlsplit(self.public or self.url_to_get("any", 1))
        return f"{url.scheme}://{url.netloc}"

    def _signed(self, call: str, wanted: dict[str, Any], seconds: int) -> str:
        with faults(wanted["Key"]):
            return str(_client(self.public, _SOON).generate_presigned_url(call, Params=wanted, ExpiresIn=seconds))

    def _source(self, key: str) -> dict[str, str]:
        return {"Bucket": self.name, "Key": self._prefix + key}

    def _part(self, key: str, parts_id: str, number: int) -> dict[str, Any]:
        return {"Bucket": self.name, "Key": self._prefix + key, "UploadId": parts_id, "PartNumber": number}

    @property
    def _quick(self) -> Any:
        """A store that is silent is given up before the 10 s after which callers get their 503."""
        return _client(self.endpoint, _SOON)

    @property
    def _patient(self) -> Any:
        """For what the store may take its time for: keeping, copying and joining what is large."""
        return _client(self.endpoint, _AT_LAST)


_making = threading.Lock()


def _client(endpoint: str | None, silence: float) -> Any:
    """Made once in a process, since that takes a tenth of a second, and by one thread at a time."""
    with _making:
        return _make_client(endpoint, silence)


@cache
def _make_client(endpoint: str | None, silence: float) -> Any:
    config = Config(
        signature_version="s3v4",  # the older one binds neither size nor type
        connect_timeout=2,
        read_timeout=silence,
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=64,
        request_checksum_calculation="when_required",  # the newer trailers are unknown to most stores
        response_checksum_validation="when_required",
        s3={"payload_signing_enabled": True, "addressing_style": "path" if endpoint else "auto"},
    )
    session = boto3.session.Session()
    region = session.region_name or "us-east-1"
    return session.client("s3", endpoint_url=endpoint, region_name=region, config=config)


def in_parallel(do: Any, things: Iterable[Any]) -> list[Any]:
    """What `do` answers for each, in their order; the first that raises ends it."""
    things = list(things)
    if len(things) < 2:
        return [do(each) for each in things]
    with ThreadPoolExecutor(min(AT_ONCE, len(things))) as pool:
        return list(pool.map(do, things))


@contextmanager
def faults(key: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise _translated(error, key) from error
    except (BotoCoreError, HTTPClientError) as error:
        raise Unavailable(f"{key}: {error}") from error


def _translated(error: ClientError, key: str) -> StorageError:
    code = _code(error)
    kind = Missing if code in _ABSENT else NoSpace if code in _FULL else Held if code in _HELD else Unavailable
    return kind(f"{key}: {error}")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
