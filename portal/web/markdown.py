"""Descriptions: Markdown rendered without raw HTML, then cleaned of everything that could act."""

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markupsafe import Markup

_markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_TAGS = nh3.ALLOWED_TAGS - {"img", "map", "area", "div", "span", "center"}


def _lower_headings(state: StateCore) -> None:
    """A description's first level comes second on the page, whose only <h1> is the entry's name."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"


_markdown.core.ruler.push("lower_headings", _lower_headings)


def render(text: str) -> Markup:
    """Safe HTML. Pictures are left out: they would tell another host who reads here."""
    html = nh3.clean(
        _markdown.render(text),
        tags=_TAGS,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(html)  # noqa: S704 -- cleaned on the line above
