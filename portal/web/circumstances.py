"""Experiments, seasons and sites: what there is of each, and what belongs to one, as far as the reader may see it."""

from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from portal.domain import belonging, record_search
from portal.domain.circumstances import TABLES
from portal.domain.kinds import BY_WORD
from portal.domain.record_filters import asked
from portal.identity import current_actor
from portal.security.guard import require_reader
from portal.web.figures import Pages
from portal.web.filters import page_number

pages = Blueprint("circumstances", __name__)

PAGE_ROWS = 100


@pages.before_request
def _know_the_visitor() -> None:
    require_reader(current_actor())


@pages.get("/<circumstance:word>")
def index(word: str) -> ResponseReturnValue:
    text, number = request.args.get("q", "").strip()[:255], page_number(request.args)
    found, total = belonging.page(current_actor(), word, text, PAGE_ROWS, (number - 1) * PAGE_ROWS)
    here = url_for("circumstances.index", word=word)
    return render_template(
        "circumstances/index.html",
        word=word,
        text=text,
        rows=found,
        total=total,
        base=here,
        pages=Pages.of(number, total, PAGE_ROWS, f"{here}?{urlencode({'q': text})}&page="),
    )


@pages.get("/<circumstance:word>/<id:named_id>")
def show(word: str, named_id: str) -> ResponseReturnValue:
    actor = current_actor()
    named = belonging.get(actor, word, named_id)
    counts = record_search.counts(actor, asked(MultiDict({f"{word}_names": named.name})))
    return render_template(
        "circumstances/show.html",
        word=word,
        named=named,
        entries=belonging.entries_of(actor, word, named.id),
        datasets=belonging.datasets_of(actor, word, named.id),
        most=belonging.MOST,
        counts=counts,
        others=[other for other in TABLES if other != word],
        kinds_by_word=BY_WORD,
    )
