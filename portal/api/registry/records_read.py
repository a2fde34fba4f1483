"""Records of an entry, and of all entries that the caller may read: streams, and their counts."""

from collections.abc import Callable, Iterator
from typing import Any

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import Field

from portal.api import ndjson
from portal.api.declared import Parameter, View, answers, takes
from portal.api.registry import record_shapes, registry
from portal.api.shapes import Date, KindShape, Shape, of_kind
from portal.domain import entries, record_search
from portal.domain.kinds import KINDS, Kind
from portal.domain.record_filters import FILTERS, Filter, Wanted
from portal.identity import current_actor


def _of_entry(kind: Kind) -> Iterator[Filter]:
    return (each for each in FILTERS if each.kind is None)


def _of_all(kind: Kind) -> Iterator[Filter]:
    return (each for each in FILTERS if each.kind in (None, kind))


class NameCount(Shape):
    name: str | None
    count: int


class DayCount(Shape):
    day: Date
    count: int


class CountsShape(KindShape):
    total: int
    is_capped: bool = Field(False, description="There are at least so many.")
    experiments: list[NameCount]
    seasons: list[NameCount]
    sites: list[NameCount]
    datasets: list[NameCount]
    days: list[DayCount]


COUNTS = {kind.word: of_kind(CountsShape, kind, **{kind.slug: (list[NameCount], ...)}) for kind in KINDS}
Filters = Callable[[Kind], Iterator[Filter]]
_streams = answers(
    str,
    ndjson.NotAcceptable,
    media=tuple(ndjson.FORMS),
    headers=ndjson.HEADERS,
    lines=record_shapes.RECORD,
    about="One record a line; other forms of the same rows by the header `Accept`.",
)


def _takes(filters: Filters, *more: str) -> Callable[[View], View]:
    """Each filter by its name, which may be repeated where it takes several values, and by the seeds' for one value."""

    def single(kind: Kind) -> Iterator[str]:
        for each in filters(kind):
            if each.also:
                yield Parameter(each.also, f"One of `{each.key}`.")
            if not each.is_many:
                yield Parameter(each.key, f"{each.label}. {each.takes}")

    def repeated(kind: Kind) -> Iterator[str]:
        return (Parameter(each.key, f"{each.label}; may be repeated.") for each in filters(kind) if each.is_many)

    return takes(*more, of_kind=single, repeated=repeated)


@registry.get("/id/<id:entry_id>/records")
@_takes(_of_entry, *ndjson.CUT)
@_streams
def search_records(kind: Kind, entry_id: str) -> Response:
    """The records of an entry that match, as a stream in the order of time."""
    return ndjson.answer(_asked(kind, entry_id))


@registry.get("/id/<id:entry_id>/records/filter")
@_takes(_of_entry, *ndjson.CUT)
@_streams
def filter_records(kind: Kind, entry_id: str) -> Response:
    """The same records of an entry, at the address of the first clients."""
    return ndjson.answer(_asked(kind, entry_id))


@registry.get("/records")
@_takes(_of_all, *ndjson.CUT)
@_streams
def search_all_records(kind: Kind) -> Response:
    """The records that match of all entries that the caller may read, as a stream in the order of time."""
    return ndjson.answer(_asked(kind))


@registry.get("/id/<id:entry_id>/records/facets")
@_takes(_of_entry)
@answers(CountsShape)
def count_records(kind: Kind, entry_id: str) -> ResponseReturnValue:
    """How many records of an entry match, by experiment, season, site, dataset and day."""
    return _counted(_asked(kind, entry_id))


@registry.get("/records/facets")
@_takes(_of_all)
@answers(COUNTS)
def count_all_records(kind: Kind) -> ResponseReturnValue:
    """How many records match of all entries that the caller may read."""
    return _counted(_asked(kind))


def _asked(kind: Kind, entry_id: str | None = None) -> Wanted:
    """404 for an entry that the caller may not read."""
    if entry_id is not None:
        entries.get(current_actor(), kind, entry_id)
    return record_search.asked(request.args, kind, entry_id)


def _counted(wanted: Wanted) -> Response:
    """`total` is the least that there are where `is_capped`, which only JSON conditions bring about."""
    counts = record_search.counts(current_actor(), wanted)
    shape: dict[str, Any] = {"total": counts.total}
    if counts.is_capped:
        shape["is_capped"] = True
    for key, values in counts.facets.items():
        plural = f"{key.removesuffix('_names')}s"
        shape[plural] = [{"name": name, "count": number} for name, number in values]
    shape["days"] = [{"day": day.isoformat(), "count": number} for day, number in counts.days]
    return jsonify(shape)
