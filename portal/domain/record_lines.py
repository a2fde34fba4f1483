"""A record as a caller writes it, a JSON object, becomes a `NewRecord`: one rule for single records and for lines."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from portal import strict_json
from portal.domain import rules
from portal.domain.circumstances import Names
from portal.domain.kinds import Kind
from portal.domain.records import NewRecord
from portal.errors import Invalid, PortalError, TooLarge

Batch = list[tuple[int, NewRecord | PortalError]]  # numbered lines: the record that each says, or why it says none
MOST_LINES, MOST_BYTES = 5_000, 4 << 20  # of a batch


def new_record(kind: Kind, value: Any, *, file_name: str | None = None) -> NewRecord:
    """The record that a parsed JSON object says; absent and null are the same. 422 names every field that will not do.

    Names are looked at where they are looked up.
    """
    if not isinstance(value, dict):
        raise Invalid("A record must be a JSON object.")
    data = f"{kind.word}_data"
    said: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for field, given in value.items():
        read = _FIELDS.get(field) or (_object if field == data else None)
        if read is None:
            wrong.append((field, "There is no such field."))
        elif given is not None:
            try:
                said[field] = read(given, field)
            except Invalid as error:
                wrong += error.fields
    if wrong:
        raise Invalid(fields=wrong)
    return NewRecord(
        data=said.get(data),
        info=said.get("record_info", {}),
        names=Names(said.get("experiment_name"), said.get("season_name"), said.get("site_name")),
        dataset=said.get("dataset_name"),
        timestamp=said.get("timestamp"),
        collection_date=said.get("collection_date"),
        file_name=file_name,
    )


def _text(given: object, field: str) -> str:
    if isinstance(given, str):
        return given
    raise Invalid(fields=[(field, "Takes text.")])


def _object(given: object, field: str) -> dict[str, Any]:
    if isinstance(given, dict):
        return given
    raise Invalid(fields=[(field, "Takes a JSON object.")])


_FIELDS: Mapping[str, Callable[[Any, str], Any]] = {
    "timestamp": rules.moment,
    "collection_date": rules.day,
    "dataset_name": _text,
    "experiment_name": _text,
    "season_name": _text,
    "site_name": _text,
    "record_info": _object,
}


def read_ndjson(kind: Kind, pieces: Iterable[bytes]) -> Iterator[Batch]:
    """The records of NDJSON that comes in pieces of any size; blank lines are counted and passed over."""
    batch: Batch = []
    size = 0
    for number, line in numbered(pieces):
        if not line or line.isspace():
            continue
        try:
            if len(line) > strict_json.MAX_BYTES:
                raise TooLarge("A line takes at most 1 MiB.")
            batch.append((number, new_record(kind, strict_json.loads(line))))
        except PortalError as error:
            batch.append((number, error))
        size += len(line)
        if len(batch) == MOST_LINES or size > MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def numbered(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines without their ends, counted as an editor does. Of one that is too long only so much that it shows."""
    number, held, most = 1, b"", strict_json.MAX_BYTES + 1
    for piece in pieces:
        first, *others = piece.split(b"\n")
        held += first[: most - len(held)]
        for line in others:
            yield number, held
            number, held = number + 1, line
        held = held[:most]
    if held:
        yield number, held
