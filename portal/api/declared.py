"""What an address takes and gives, declared beside its route: requests are read by it, the document is made of it."""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from portal.api.bodies import Spec, read_json
from portal.domain.kinds import Kind
from portal.errors import PortalError

View = TypeVar("View", bound=Callable[..., Any])
Schema = dict[str, Any]

JSON = "application/json"
BYTES = "application/octet-stream"


class Parameter(str):
    """The name of a query parameter or a header, with the JSON schema of its value and a sentence about it."""

    schema: Schema
    about: str

    def __new__(cls, name: str, about: str = "", **schema: Any) -> "Parameter":
        made = super().__new__(cls, name)
        made.about, made.schema = about, {"type": "string", **schema}
        return made


class Parameters(NamedTuple):
    """Names that take one value, and names that may be repeated."""

    single: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """One way in which an address answers. `shape` is a type or, by the word of a kind, types; `lines` one a line."""

    shape: Any
    status: int = 200
    media: tuple[str, ...] = (JSON,)
    headers: tuple[Parameter, ...] = ()
    about: str = ""
    lines: Any = None


@dataclass
class Declared:
    """Everything that is declared of one view."""

    parameters: Callable[[Kind | None], Parameters] = lambda _kind: Parameters()
    path: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    bodies: dict[str, Any] = field(default_factory=dict)
    body_required: bool = True
    answers: list[Answer] = field(default_factory=list)
    errors: list[type[PortalError]] = field(default_factory=list)


def of(view: Callable[..., Any]) -> Declared:
    """The declaration of a view, empty before anything is declared."""
    if "declared" not in vars(view):
        view.declared = Declared()  # type: ignore[attr-defined]
    found: Declared = view.declared  # type: ignore[attr-defined]
    return found


Named = Iterable[str] | Callable[[Kind], Iterable[str]]


def takes(
    *single: str,
    of_kind: Named = (),
    repeated: Named = (),
    path: tuple[Parameter, ...] = (),
    headers: tuple[Parameter, ...] = (),
) -> Callable[[View], View]:
    """Declares a view's query parameters, `headers`, and what there is to say of those in its `path`.

    `of_kind` and `repeated` may ask the kind.

    An address of the registry dialect without this takes none.
    """

    def declare(view: View) -> View:
        def parameters(kind: Kind | None) -> Parameters:
            return Parameters((*_names(of_kind, kind), *single), tuple(_names(repeated, kind)))

        found = of(view)
        found.parameters, found.path, found.headers = parameters, path, headers
        return view

    return declare


def reads(spec: type[Spec] | Mapping[str, type[Spec]], *, optional: bool = False) -> Callable[[View], View]:
    """The JSON body as `spec`, or as the spec of the address's kind, is the view's argument `said`."""

    def declare(view: View) -> View:
        @functools.wraps(view)
        def reading(**given: Any) -> Any:
            wanted = spec[given["kind"].word] if isinstance(spec, Mapping) else spec
            return view(**given, said=read_json(wanted, optional=optional))

        of(reading).bodies[JSON] = spec
        of(reading).body_required = not optional
        return reading  # type: ignore[return-value]

    return declare


def accepts(bodies: Mapping[str, Any]) -> Callable[[View], View]:
    """Bodies that the view reads by itself: shapes by media type, `bytes` for what has none."""

    def declare(view: View) -> View:
        of(view).bodies |= bodies
        return view

    return declare


def answers(
    shape: Any,
    *errors: type[PortalError],
    status: int = 200,
    media: tuple[str, ...] = (JSON,),
    headers: tuple[Parameter, ...] = (),
    about: str = "",
    lines: Any = None,
) -> Callable[[View], View]:
    """One answer of the view, and errors beyond those that any address may answer. May be repeated."""

    def declare(view: View) -> View:
        of(view).answers.append(Answer(shape, status, media, headers, about, lines))
        of(view).errors += errors
        return view

    return declare


def _names(named: Named, kind: Kind | None) -> Iterable[str]:
    if not callable(named):
        return named
    return named(kind) if kind else ()
