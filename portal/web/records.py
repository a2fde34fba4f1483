"""The pages of records: what the reader may see, across all entries or within one; and one record by itself."""

from typing import Any, NamedTuple

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain import circumstances, entries, previews, record_search, records
from portal.domain.kinds import BY_WORD, Kind
from portal.domain.previews import TextStart
from portal.domain.record_filters import asked as read_filter
from portal.domain.record_search import RecordPage
from portal.domain.records import Record
from portal.errors import Damaged
from portal.identity import current_actor
from portal.security.guard import require_reader
from portal.security.policy import OnEntry, can
from portal.web import record_files, record_filters, take_away
from portal.web.entries import head
from portal.web.histogram import histogram
from portal.web.htmx import page, wants_fragment
from portal.web.record_filters import Asked, Query, address
from portal.web.record_table import table

pages = Blueprint("records", __name__)

PAGE_ROWS = 50
WITHIN = ("within", "entry")


@pages.before_request
def _know_the_visitor() -> None:
    require_reader(current_actor())


@pages.get("/records")
def index() -> ResponseReturnValue:
    return _list("records/index.html", record_filters.read(request.args), url_for("records.index"), [])


@pages.get("/<kind:kind>/<id:entry_id>/records")
def of_entry(kind: Kind, entry_id: str) -> ResponseReturnValue:
    entry = entries.get(current_actor(), kind, entry_id)
    asked = record_filters.read(request.args, kind, entry.id)
    base = url_for("records.of_entry", kind=kind, entry_id=entry.id)
    return _list("records/of_entry.html", asked, base, [WITHIN], **head(kind, entry))


@pages.get("/records/<kind:kind>.<extension>")
def take(kind: Kind, extension: str) -> ResponseReturnValue:
    """Every record of a kind that the filter lets in, as a file."""
    return take_away.file(read_filter(request.args, kind), extension, f"{kind.word}-records")


@pages.get("/<kind:kind>/<id:entry_id>/records.<extension>")
def take_of_entry(kind: Kind, entry_id: str, extension: str) -> ResponseReturnValue:
    entry = entries.get(current_actor(), kind, entry_id)
    return take_away.file(read_filter(request.args, kind, entry.id), extension, f"{entry.name[:100]} records")


def _list(template: str, asked: Asked, base: str, way: Query, **more: Any) -> ResponseReturnValue:
    """The page, its fragment for htmx; `way` goes along to the pages of single records."""
    actor = current_actor()
    counts = record_search.counts(actor, asked.wanted, record_filters.MOST_CHOICES + 1)
    found = RecordPage([], None) if asked.problems else _page(asked)
    shown = table(found.rows, asked, counts.facets, asked.query() + way)
    answer = page(
        template,
        "records/_results.html",
        base=base,
        asked=asked,
        written={name: " and ".join(text for key, text in asked.query() if key == name) for name in FIELDS}
        | {name: " ".join(request.args.getlist(name)) for name in asked.problems},
        counts=counts,
        facets=record_filters.facets(counts.facets, asked.wanted),
        option=record_filters.option,
        chips=record_filters.chips(base, asked),
        histogram=histogram(base, asked, counts.days),
        table=shown,
        take=take_away.offers(asked, counts, found.rows),
        clear=address(base, asked.manner()),
        whole_time=address(base, asked.query(start=None, end=None)),
        usual_columns=address(base, [pair for pair in asked.query() if pair[0] != "columns"]),
        steps=_steps(base, asked, found),
        **more,
    )
    # To htmx a page with a complaint is an answer like any other: it is swapped in.
    answer.status_code = 400 if asked.problems and not wants_fragment() else 200
    return answer


FIELDS = ("where", "collection_date", "start_timestamp", "end_timestamp")


def _page(asked: Asked) -> RecordPage:
    return record_search.page(current_actor(), asked.wanted, PAGE_ROWS, after=asked.after, newest=asked.newest)


def _steps(base: str, asked: Asked, found: RecordPage) -> dict[str, str]:
    """The addresses of the first, the previous and the next page, where there are such."""
    steps = {}
    if asked.after is not None:
        steps["first"] = address(base, asked.query())
        steps["previous"] = address(base, asked.query() + _before(asked, found))
    if found.after is not None:
        steps["next"] = address(base, [*asked.query(), ("after", found.after)])
    return steps


def _before(asked: Asked, found: RecordPage) -> Query:
    """Where the page before this one begins: behind the record which, looking back, comes after a page of them."""
    if not found.rows:
        return []
    before = record_search.page(
        current_actor(), asked.wanted, PAGE_ROWS + 1, after=found.rows[0].id, newest=not asked.newest
    )
    return [("after", before.rows[PAGE_ROWS].id)] if len(before.rows) > PAGE_ROWS else []


@pages.get("/records/<id:record_id>")
def show(record_id: str) -> ResponseReturnValue:
    """One record; the filter of the list it was found in rides in the address, so that its neighbours are known."""
    actor = current_actor()
    record, entry = records.get(actor, record_id)
    is_within = request.args.get(WITHIN[0]) == WITHIN[1]
    kind = BY_WORD[entry.kind]
    asked = record_filters.read(request.args, kind if is_within else None, entry.id if is_within else None)
    query = asked.query() + ([WITHIN] if is_within else [])
    way_back = url_for("records.of_entry", kind=kind, entry_id=entry.id) if is_within else url_for("records.index")
    dataset, *named = records.facts(record.id)
    return render_template(
        "records/show.html",
        record=record,
        entry=entry,
        kind=kind,
        dataset=dataset,
        named=[(word, each) for word, each in zip(circumstances.TABLES, named, strict=True) if each is not None],
        chips=record_filters.chips("", asked),
        steps={
            word: address(url_for("records.show", record_id=beside), query)
            for word, beside in _beside(asked, record.id).items()
        },
        way_back=address(way_back, asked.query()),
        preview=_preview(record),
        is_within=is_within,
        may_write=can(actor, OnEntry.WRITE, entry),
    )


class Preview(NamedTuple):
    """Of a record's file: what there is to show, if anything."""

    is_damaged: bool = False
    has_picture: bool = False
    text: TextStart | None = None


def _preview(record: Record) -> Preview | None:
    if record.file_name is None:
        return None
    if record.is_file_damaged:
        return Preview(is_damaged=True)
    try:
        text = record_files.text_start(record)
    except Damaged:
        return Preview(is_damaged=True)
    return Preview(has_picture=previews.has_picture(record.file_type), text=text)


def _beside(asked: Asked, record_id: str) -> dict[str, str]:
    """The ids of the records before and after this one in the order of the list."""
    found = {}
    for word, newest in (("previous", not asked.newest), ("next", asked.newest)):
        rows = record_search.page(current_actor(), asked.wanted, 1, after=record_id, newest=newest).rows
        if rows:
            found[word] = rows[0].id
    return found
