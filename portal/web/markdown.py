"""Descriptions: Markdown rendered without raw HTML, then cleaned of everything that could act."""

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markupsafe import Markup

_markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_without_tables = MarkdownIt("commonmark", {"html": False}).enable("strikethrough")
MOST_CELLS = 10_000
_TAGS = nh3.ALLOWED_TAGS - {"img", "map", "area", "div", "span", "center"}


def _lower_headings(state: StateCore) -> None:
    """A description's first level comes second on the page, whose only <h1> is the entry's name."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"


for _each in (_markdown, _without_tables):
    _each.core.ruler.push("lower_headings", _lower_headings)


@lru_cache(maxsize=64)
def render(text: str) -> Markup:
    """Safe HTML. Pictures are left out: they would tell another host who reads here.

    Tables that might have more than MOST_CELLS cells stay text. The last results are kept: 64 KiB take up to a second.
    """
    html = nh3.clean(
        (_markdown if _cells(text) <= MOST_CELLS else _without_tables).render(text),
        tags=_TAGS,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(html)  # noqa: S704 -- cleaned on the line above


def _cells(text: str) -> int:
    """No table of `text` has more: every row is filled up to the widest."""
    columns = [line.count("|") for line in text.splitlines() if "|" in line]
    return len(columns) * max(columns, default=0)
