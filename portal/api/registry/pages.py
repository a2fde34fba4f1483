"""Pages of a list: `limit` and `offset` in, `X-Total-Count` and RFC 8288 `Link` out."""

from typing import NamedTuple
from urllib.parse import urlencode

from flask import Response, request

from portal.api.declared import Parameter
from portal.errors import BadRequest

DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET = 100, 1000, 2**63 - 1
PAGE = (
    Parameter("limit", "How many at most.", type="integer", minimum=1, maximum=MAX_LIMIT, default=DEFAULT_LIMIT),
    Parameter("offset", "How many to pass over.", type="integer", minimum=0, maximum=MAX_OFFSET, default=0),
)
PAGED = (
    Parameter("X-Total-Count", "How many there are in all.", type="integer", minimum=0),
    Parameter("Link", "The first, previous, next and last page (RFC 8288)."),
)


class Page(NamedTuple):
    limit: int
    offset: int


def read_page() -> Page:
    """`limit` and `offset` of the query; 400 for anything else in them."""
    return Page(read_limit(), _number("offset", 0, 0, MAX_OFFSET))


def read_limit() -> int:
    """`limit` alone, of lists that go on after a row instead of at an offset."""
    return _number("limit", DEFAULT_LIMIT, 1, MAX_LIMIT)


def paged(response: Response, page: Page, total: int) -> Response:
    """Adds the total and the ways to the first, previous, next and last page."""
    response.headers["X-Total-Count"] = str(total)
    last = max(total - 1, 0) // page.limit * page.limit
    ways = {"first": 0, "last": last}
    if page.offset > 0:
        ways["prev"] = max(page.offset - page.limit, 0)
    if page.offset + page.limit < total:
        ways["next"] = page.offset + page.limit
    response.headers["Link"] = ", ".join(f'<{_url(page, offset)}>; rel="{way}"' for way, offset in ways.items())
    return response


def _url(page: Page, offset: int) -> str:
    query = [(name, value) for name, value in request.args.items(multi=True) if name not in ("limit", "offset")]
    return f"{request.base_url}?{urlencode([*query, ('limit', page.limit), ('offset', offset)])}"


def _number(name: str, default: int, least: int, most: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        raise BadRequest(fields=[(name, f"Takes a whole number from {least} to {most}.")])
    return int(text)
