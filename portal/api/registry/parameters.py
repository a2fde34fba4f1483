"""Which query parameters an address of the registry dialect takes: declared beside its route, enforced before it."""

from collections.abc import Iterator

from flask import current_app, request

from portal.api import declared
from portal.api.declared import Parameter
from portal.domain.kinds import Kind
from portal.errors import BadRequest


def own_fields(kind: Kind) -> Iterator[Parameter]:
    """What the dialect calls the fields of an entry."""
    for field in ("name", "url", *kind.extra_fields):
        yield Parameter(f"{kind.word}_{field}", f"The {field} of the {kind.word}.")
    about = f"JSON text of an object: {kind.plural_label.lower()} whose own object contains it, recursively."
    yield Parameter(f"{kind.word}_info", about, contentMediaType="application/json", examples=['{"crop": "barley"}'])


def refuse_unknown(kind: Kind) -> None:
    """400 for a parameter that this request's address does not take: a misspelt filter must not return everything."""
    known = declared.of(current_app.view_functions[request.endpoint or ""]).parameters(kind)
    for name, values in request.args.lists():
        if name in known.repeated:
            continue
        if name not in known.single:
            every = ", ".join(sorted((*known.single, *known.repeated)))
            takes = f"takes {every}" if every else "this address takes none"
            raise BadRequest(fields=[(name, f"There is no such parameter; {takes}.")])
        if len(values) > 1:
            raise BadRequest(fields=[(name, "Takes one value.")])
