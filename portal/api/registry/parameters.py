"""Which query parameters an address of the registry dialect takes: declared beside its route, enforced before it."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from flask import current_app, request

from portal.domain.kinds import Kind
from portal.errors import BadRequest

View = TypeVar("View", bound=Callable[..., Any])

PAGE = ("limit", "offset")


class Parameters(NamedTuple):
    """Names that take one value, and names that may be repeated."""

    single: frozenset[str] = frozenset()
    repeated: frozenset[str] = frozenset()


Named = Iterable[str] | Callable[[Kind], Iterable[str]]


def takes(*single: str, of_kind: Named = (), repeated: Named = ()) -> Callable[[View], View]:
    """Declares a view's parameters. `of_kind` and `repeated` may ask the kind; an address without this takes none."""

    def declare(view: View) -> View:
        def parameters(kind: Kind) -> Parameters:
            return Parameters(frozenset((*single, *_names(of_kind, kind))), frozenset(_names(repeated, kind)))

        view.takes = parameters  # type: ignore[attr-defined]
        return view

    return declare


def own_fields(kind: Kind) -> list[str]:
    """What the dialect calls the fields of an entry."""
    return [f"{kind.word}_{field}" for field in ("name", "url", "info", *kind.extra_fields)]


def refuse_unknown(kind: Kind) -> None:
    """400 for a parameter that this request's address does not take: a misspelt filter must not return everything."""
    declared = getattr(current_app.view_functions[request.endpoint or ""], "takes", None)
    known = declared(kind) if declared else Parameters()
    for name, values in request.args.lists():
        if name in known.repeated:
            continue
        if name not in known.single:
            every = ", ".join(sorted(known.single | known.repeated))
            takes = f"takes {every}" if every else "this address takes none"
            raise BadRequest(fields=[(name, f"There is no such parameter; {takes}.")])
        if len(values) > 1:
            raise BadRequest(fields=[(name, "Takes one value.")])


def _names(named: Named, kind: Kind) -> Iterable[str]:
    return named(kind) if callable(named) else named
