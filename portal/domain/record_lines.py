"""A record as a caller writes it, a JSON object, becomes a `NewRecord`: one rule for single records and for lines."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from portal import strict_json
from portal.database import now
from portal.domain import rules
from portal.domain.circumstances import Names
from portal.domain.kinds import KINDS, Kind
from portal.domain.records import NewRecord
from portal.errors import Invalid, PortalError, TooLarge

MOST_LINES, MOST_BYTES = 5_000, 4 << 20  # of a batch


Line = tuple[int, tuple[str | None, ...], str | None, str, str, str | None, str]
"""A record as texts, as they are kept: number of the line, names, dataset, time in UTC, collection date, data, info.

Without a dataset it goes to the default one. A plain tuple: there are many, and the garbage collector forgets those.
"""


class BadLine(NamedTuple):
    number: int
    error: PortalError


Batch = list[Line | BadLine]


def new_record(kind: Kind, value: Any, *, file_name: str | None = None) -> NewRecord:
    """The record that a parsed JSON object says; absent and null are the same. 422 names every field that will not do.

    Names are looked at where they are looked up.
    """
    data, info, names, dataset, moment, day = _fields(kind, value)
    return NewRecord(data, info, Names(*names), dataset, moment, day, file_name)


def line_of(kind: Kind, number: int, value: Any) -> Line:
    """The same as texts; without a time it is of this moment."""
    data, info, names, dataset, moment, day = _fields(kind, value)
    if moment is not None and _is_as_kept(value["timestamp"]):
        time = value["timestamp"]
    else:
        time = (moment or now()).isoformat(timespec="microseconds")[:26] + "Z"
    collected = time[:10] if day is None else day.isoformat()
    text = None if data is None else strict_json.kept(data)
    return number, names, dataset, time, collected, text, strict_json.kept(info) if info else "{}"


def _is_as_kept(time: str) -> bool:
    """Of a time that can be read: whether it is written as it will be kept, `2026-11-21T09:30:00.000000Z`."""
    return len(time) == 27 and time[26] == "Z" and time[10] == "T"


def read_ndjson(kind: Kind, pieces: Iterable[bytes]) -> Iterator[Batch]:
    """The records of NDJSON that comes in pieces of any size; blank lines are counted and passed over."""
    batch: Batch = []
    size = 0
    for number, text in numbered(pieces):
        if not text or text.isspace():
            continue
        try:
            if len(text) > strict_json.MAX_BYTES:
                raise TooLarge("A line takes at most 1 MiB.")
            batch.append(line_of(kind, number, strict_json.loads(text)))
        except PortalError as error:
            if isinstance(error, strict_json.JsonError):
                error.detail = error.detail.replace(" at line 1, column", " at column")
            batch.append(BadLine(number, error))
        size += len(text)
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
        for text in others:
            yield number, held
            number, held = number + 1, text
        held = held[:most]
    if held:
        yield number, held


def known_fields(kind: Kind) -> frozenset[str]:
    return _KNOWN[kind.word]


Fields = tuple[dict[str, Any] | None, dict[str, Any], tuple[str | None, ...], str | None, datetime | None, date | None]


def _fields(kind: Kind, value: Any) -> Fields:
    """Those of a `NewRecord`, in their order. Quick where all is well; what is wrong is looked for afterwards."""
    if type(value) is not dict:
        raise Invalid("A record must be a JSON object.")
    get, data_field = value.get, _DATA[kind.word]
    data, info, time, day = get(data_field), get("record_info"), get("timestamp"), get("collection_date")
    names = get("experiment_name"), get("season_name"), get("site_name")
    dataset = get("dataset_name")
    if (
        not value.keys() <= _KNOWN[kind.word]
        or not _TEXT.issuperset(map(type, (dataset, *names)))
        or not _OBJECT.issuperset((type(data), type(info)))
    ):
        raise _complaint(data_field, value)
    try:
        moment = None if time is None else rules.moment(time, "timestamp")
        collected = None if day is None else rules.day(day, "collection_date")
    except Invalid:
        raise _complaint(data_field, value) from None
    return data, info or {}, names, dataset, moment, collected


def _complaint(data_field: str, value: Mapping[str, Any]) -> Invalid:
    """About every field that will not do."""
    wrong: list[tuple[str, str]] = []
    for field, given in value.items():
        read = _READ.get(field) or (_object if field == data_field else None)
        if read is None:
            wrong.append((field, "There is no such field."))
        elif given is not None:
            try:
                read(given, field)
            except Invalid as error:
                wrong += error.fields
    return Invalid(fields=wrong)


def _text(given: object, field: str) -> None:
    if not isinstance(given, str):
        raise Invalid(fields=[(field, "Takes text.")])


def _object(given: object, field: str) -> None:
    if not isinstance(given, dict):
        raise Invalid(fields=[(field, "Takes a JSON object.")])


def schemas(kind: Kind) -> dict[str, dict[str, Any]]:
    """What each field of a record takes, as JSON schemas."""
    of_texts: dict[Callable[[Any, str], Any], dict[str, Any]] = {
        rules.moment: {"type": ["string", "null"], "format": "date-time"},
        rules.day: {"type": ["string", "null"], "format": "date"},
        _text: {"type": ["string", "null"]},
        _object: {"type": ["object", "null"]},
    }
    return {name: of_texts[read] for name, read in {_DATA[kind.word]: _object, **_READ}.items()}


_READ: Mapping[str, Callable[[Any, str], Any]] = {
    "timestamp": rules.moment,
    "collection_date": rules.day,
    "dataset_name": _text,
    "experiment_name": _text,
    "season_name": _text,
    "site_name": _text,
    "record_info": _object,
}
_DATA = {kind.word: f"{kind.word}_data" for kind in KINDS}
_KNOWN = {word: frozenset((*_READ, data_field)) for word, data_field in _DATA.items()}
_TEXT, _OBJECT = {str, type(None)}, {dict, type(None)}
