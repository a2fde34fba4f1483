"""What may be asked of records: the filters as data, from an address and back into one."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from typing import Any

from werkzeug.datastructures import MultiDict

from portal.domain.kinds import KINDS, Kind
from portal.errors import BadRequest
from portal.search import json_conditions
from portal.search.json_conditions import Condition

MOST_VALUES = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What records are asked for; of several names of one filter any will do, filters hold together.

    Names are compared case-folded; the empty one stands for records without. `entries` are names of entries of `kind`.
    `start` <= timestamp < `end`. Each of `where` holds of the record's data or of its info.
    """

    kind: Kind | None = None
    entry_id: str | None = None
    entries: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()
    seasons: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    collection_date: date | None = None
    start: datetime | None = None
    end: datetime | None = None
    where: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """`key` is the address parameter, `also` what the seeds call it where they take one value; `field` is of `Wanted`.

    `phrase` is the words of its chip, with `{}` for the value as `write` says it; `parse` raises ValueError, or a
    BadRequest of its own. `kind` stands where the filter names entries of that kind.
    """

    key: str
    label: str
    field: str
    phrase: str
    parse: Callable[[str], Any]
    write: Callable[[Any], str] = str
    is_many: bool = False
    takes: str = ""
    also: str | None = None
    kind: Kind | None = None


_TIME = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII)


def read_time(text: str) -> datetime:
    """An instant from RFC 3339, its seconds or its whole time may be missing; without offset it is UTC."""
    if not _TIME.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text.upper())
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def write_time(moment: datetime) -> str:
    """As short as it can be said: a day, a second, or with its microseconds."""
    moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat() + "Z" if moment.time() != datetime.min.time() else moment.date().isoformat()


def _read_date(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise ValueError(text)
    return date.fromisoformat(text)


def _names(word: str, label: str, field: str, kind: Kind | None = None) -> Filter:
    return Filter(
        f"{word}_names", label, field, f"{label}: {{}}", str.strip, is_many=True, also=f"{word}_name", kind=kind
    )


_TIME_TAKES = "Takes a time like 2026-11-21T09:30:00Z or a day like 2026-11-21."
FILTERS = (
    *(_names(kind.word, kind.label, "entries", kind) for kind in KINDS),
    _names("experiment", "Experiment", "experiments"),
    _names("season", "Season", "seasons"),
    _names("site", "Site", "sites"),
    _names("dataset", "Dataset", "datasets"),
    Filter(
        "collection_date",
        "Collected on",
        "collection_date",
        "Collected on {}",
        _read_date,
        takes="Takes a day like 2026-11-21.",
    ),
    Filter("start_timestamp", "From", "start", "From {}", read_time, write_time, takes=_TIME_TAKES),
    Filter("end_timestamp", "Before", "end", "Before {}", read_time, write_time, takes=_TIME_TAKES),
    Filter("where", "Data", "where", "{}", json_conditions.parse, is_many=True),
)
BY_KEY = {each.key: each for each in FILTERS}


def asked(args: MultiDict[str, str], kind: Kind | None = None, entry_id: str | None = None) -> Wanted:
    """What the parameters ask for; 400 names the one that cannot be understood. Others than `FILTERS` are passed over.

    Without a `kind`, naming entries of one decides it.
    """
    values: dict[str, Any] = {"kind": kind, "entry_id": entry_id}
    for each in FILTERS:
        given = [*args.getlist(each.key), *(args.getlist(each.also) if each.also else ())]
        if each.parse is not str.strip:
            given = [text for text in given if text.strip()]
        if not given:
            continue
        if each.kind is not None:
            if values["kind"] not in (None, each.kind):
                raise BadRequest(
                    fields=[(each.key, f"Does not go together with {values['kind'].plural_label.lower()}.")]
                )
            values["kind"] = each.kind
        values[each.field] = _read(each, given)
    return Wanted(**values)


def _read(each: Filter, given: list[str]) -> Any:
    if len(given) > (MOST_VALUES if each.is_many else 1):
        raise BadRequest(
            fields=[(each.key, f"Takes at most {MOST_VALUES} values." if each.is_many else "Takes one value.")]
        )
    try:
        read = [each.parse(text) for text in given]
    except (ValueError, OverflowError):
        raise BadRequest(fields=[(each.key, each.takes)]) from None
    if each.field == "where":
        return tuple(condition for conditions in read for condition in conditions)
    return tuple(dict.fromkeys(read)) if each.is_many else read[0]


def address_of(wanted: Wanted, **changes: Any) -> list[tuple[str, str]]:
    """The parameters that ask for the same, with `changes` to the fields of `Wanted`; its kind and entry aside."""
    wanted = replace(wanted, **changes)
    return [(each.key, each.write(value)) for each in FILTERS for value in values_of(each, wanted)]


def values_of(each: Filter, wanted: Wanted) -> Iterable[Any]:
    """The values that `wanted` has of a filter; none is nothing asked."""
    if each.kind is not None and wanted.kind is not each.kind:
        return ()
    value = getattr(wanted, each.field)
    return value if each.is_many else () if value is None else (value,)


assert {each.field for each in FILTERS} <= {each.name for each in fields(Wanted)}
