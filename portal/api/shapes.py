"""What the dialects' objects have in common, and how the shape of an answer is written down."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, create_model

from portal.domain.kinds import KINDS, Kind

EXAMPLE_ID = "0b5c1e7e-6c1f-4d0c-9d58-2f0f4d4f9f3a"
Id = Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[EXAMPLE_ID])]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-21T09:30:00.000000Z"])]
Date = Annotated[str, Field(json_schema_extra={"format": "date"}, examples=["2026-11-21"])]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Object = dict[str, Any]


class Shape(BaseModel):
    """An answer, for the document and for the tests that hold answers to it: all of these fields and no other."""

    model_config = ConfigDict(extra="forbid")


class KindShape(Shape):
    """One whose fields `kind_…` are written with the word of a kind: `kind_id` is `model_id` or `script_id`."""


class Empty(Shape):
    pass


class FieldError(Shape):
    field: str
    message: str


class ProblemShape(BaseModel):
    """RFC 9457, with `error` and `error_description` for the first clients, and further members for programs."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    error: str = Field(description="The title.")
    error_description: str = Field(description="The detail.")
    errors: list[FieldError] = Field([], description="What is wrong with which field.")


S = TypeVar("S", bound=KindShape)


def of_kind(shape: type[S], kind: Kind, **more: Any) -> type[S]:
    """The shape as it is written for `kind`, with `more` fields, given as pydantic wants them."""

    def written(field: str) -> str:
        return f"{kind.word}{field.removeprefix('kind')}" if field.startswith("kind_") else field

    return create_model(name_of(shape, kind), __base__=shape, __cls_kwargs__={"alias_generator": written}, **more)


def name_of(shape: type[BaseModel], kind: Kind) -> str:
    """`ModelSpec` of `EntrySpec`, `ModelRunSpec` of `RunSpec`."""
    name = shape.__name__
    return name.replace("Entry", kind.label) if "Entry" in name else f"{kind.label}{name}"


def by_word(shape: type[S]) -> dict[str, type[S]]:
    """The shape of each kind, by its word."""
    return {kind.word: of_kind(shape, kind) for kind in KINDS}


def listed(shapes: Mapping[str, type[S]]) -> dict[str, Any]:
    """A list of each kind's shape."""
    return {word: list[shape] for word, shape in shapes.items()}  # type: ignore[valid-type]


def rfc3339(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
