"""Page or fragment: htmx asks for a part of a page, and every address can also be opened cold."""

from typing import Any

from flask import Response, make_response, render_template, request


def wants_fragment() -> bool:
    """A swap by htmx; boosted links and history restores want the whole page."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-Boosted") != "true"
        and headers.get("HX-History-Restore-Request") != "true"
    )


def page(template: str, fragment: str, **context: Any) -> Response:
    """The whole page, or the fragment that it includes."""
    response = make_response(render_template(fragment if wants_fragment() else template, **context))
    response.vary.add("HX-Request")
    return response
