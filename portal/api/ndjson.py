"""Streams of records as answers: NDJSON, or what else `Accept` prefers of the same rows."""

from urllib.parse import urlencode

from flask import Response, request

from portal.api.declared import Parameter
from portal.domain import record_csv, record_parquet, record_stream
from portal.domain.record_search import Wanted
from portal.errors import BadRequest, PortalError
from portal.identity import current_actor

PARQUET = "application/vnd.apache.parquet"
FORMS = {
    "application/x-ndjson": record_stream.lines,
    "application/ndjson": record_stream.lines,
    "text/csv": record_csv.csv_lines,
    PARQUET: record_parquet.parquet,
}
ORDERS = ("oldest", "newest")
MOST = 2**63 - 1
CUT = (
    Parameter("limit", "The length of a page; without it all come.", type="integer", minimum=1, maximum=MOST),
    Parameter("after", "The id of the record after which the page begins.", format="uuid"),
    Parameter("order", "Which come first.", enum=list(ORDERS), default=ORDERS[0]),
)
HEADERS = (
    Parameter("X-Total-Count", "How many match in all; absent where JSON conditions make it unknown.", type="integer"),
    Parameter("Link", "The next page, where `limit` cut the stream (RFC 8288)."),
)


class NotAcceptable(PortalError):
    status, title = 406, "Not acceptable"


def answer(wanted: Wanted) -> Response:
    """The records that are wanted, cut as the request's `limit`, `after` and `order` say.

    `X-Total-Count` is how many there are in all, not said where JSON conditions make it unknown; `Link` leads to the
    next page. A fault after the first byte ends the connection without the end of the body.
    """
    form = request.accept_mimetypes.best_match(FORMS, next(iter(FORMS)))
    if form == PARQUET and not record_parquet.is_installed():
        raise NotAcceptable("This portal writes no Parquet: pyarrow is not installed. Ask for text/csv.")
    stream = FORMS[form](
        current_actor(), wanted, newest=_order() == "newest", limit=_limit(), after=request.args.get("after")
    )
    response = Response(stream.body, headers=stream.headers, content_type=form)
    if form.startswith("text/"):
        response.content_type = f"{form}; charset=utf-8"
    response.vary.add("Accept")
    if stream.reading.after is not None:
        response.headers["Link"] = f'<{_next(stream.reading.after)}>; rel="next"'
    return response


def _limit() -> int | None:
    text = request.args.get("limit")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= MOST):
        raise BadRequest(fields=[("limit", f"Takes a whole number from 1 to {MOST}.")])
    return int(text)


def _order() -> str:
    order = request.args.get("order", ORDERS[0])
    if order not in ORDERS:
        raise BadRequest(fields=[("order", f"Takes {' or '.join(ORDERS)}.")])
    return order


def _next(after: str) -> str:
    query = [(name, value) for name, value in request.args.items(multi=True) if name != "after"]
    return f"{request.base_url}?{urlencode([*query, ('after', after)])}"
