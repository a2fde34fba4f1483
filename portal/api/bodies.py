"""Requests become specs: strict JSON, nothing unknown, every complaint with its field."""

import functools
import time
from typing import Any, ClassVar, TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from werkzeug.exceptions import ClientDisconnected

from portal import strict_json
from portal.api.shapes import name_of
from portal.domain.kinds import Kind
from portal.errors import BadRequest, Invalid, TooLarge, WrongType
from portal.identity import forget_actor

S = TypeVar("S", bound="Spec")
K = TypeVar("K", bound="KindSpec")

AT_ONCE = 0.02  # seconds: what its sender may do has not changed while a body arrived that took no longer


class Spec(BaseModel):
    """A request body. Unknown fields and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class KindSpec(Spec):
    """A body whose fields `own` are written with the word of a kind: `name` as `model_name` or as `script_name`."""

    own: ClassVar[tuple[str, ...]]


@functools.cache
def of_kind(spec: type[K], kind: Kind, *texts: str) -> type[K]:
    """The spec as it is written for `kind`, with further `texts` of its own that may be left out."""
    own = {*spec.own, *texts}

    def written(field: str) -> str:
        return f"{kind.word}_{field}" if field in own else field

    more: dict[str, Any] = dict.fromkeys(texts, (str, ""))
    return create_model(name_of(spec, kind), __base__=spec, __cls_kwargs__={"alias_generator": written}, **more)


def read_body(limit: int) -> bytes:
    """The whole body; 413 past `limit`, 400 when fewer bytes arrive than were announced."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise WrongType("Send the body as it is, without Content-Encoding.")
    if request.content_length is not None and request.content_length > limit:
        raise TooLarge(f"The body takes at most {limit:,} bytes.")
    began = time.monotonic()
    try:
        body = request.stream.read(limit + 1)
    except (ClientDisconnected, OSError) as error:
        raise BadRequest("The body was cut short.") from error
    if len(body) > limit:
        raise TooLarge(f"The body takes at most {limit:,} bytes.")
    if request.content_length is not None and len(body) < request.content_length:
        raise BadRequest("The body was cut short.")
    if time.monotonic() - began > AT_ONCE:
        forget_actor()
    return body


def read_json(spec: type[S], *, optional: bool = False) -> S:
    """The JSON body as `spec`: 415 for another type, 400 broken, 422 unacceptable. `optional` takes an empty body."""
    body = read_body(strict_json.MAX_BYTES)
    if optional and not body:
        return spec()
    if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        raise WrongType("Send JSON as Content-Type: application/json.")
    return validate(spec, strict_json.loads(body))


def validate(spec: type[S], value: Any) -> S:
    if not isinstance(value, dict):
        raise Invalid("The body must be a JSON object.")
    try:
        return spec.model_validate(value)
    except ValidationError as error:
        raise Invalid(fields=[_complaint(item) for item in error.errors(include_url=False)]) from None


def _complaint(item: Any) -> tuple[str, str]:
    field = ".".join(str(part) for part in item["loc"]) or "body"
    sentences = {
        "extra_forbidden": "There is no such field.",
        "missing": "This field is required.",
    }
    return field, sentences.get(item["type"], f"{item['msg'].rstrip('.')}.")
