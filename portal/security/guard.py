"""Verbs declare who may call them; the declaration is enforced before the body.

A verb without one does not start the app.
A verb is a public function whose first parameter is `actor`. It wears exactly one of
`@allows(permission)` (the second argument is the thing the permission is about),
`@scoped` (it starts from `readable(actor)`, so that what may not be seen is not found) or `@anyone(reason)`.
"""

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from portal.database import begin_write
from portal.errors import Denied, NotFound, Unauthenticated
from portal.security.actor import Actor
from portal.security.policy import Permission, Portal, can, is_visible

P = ParamSpec("P")
R = TypeVar("R")

READ_ONLY = "This token may only read. Make one with the scope “write”."


def allows(
    permission: Permission, *, writes: bool = False, holding: Callable[[Any], None] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Only who has `permission` on the verb's second argument enters.

    `writes` opens the write transaction first; so does `holding`, which then locks the thing and reads it anew.
    """

    def declare(verb: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(verb)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            actor, thing = args[0], None if isinstance(permission, Portal) else args[1]
            if writes or holding:
                begin_write()
            if holding:
                holding(thing)
            enforce(actor, permission, thing)  # type: ignore[arg-type]
            return verb(*args, **kwargs)

        guarded.declared = permission  # type: ignore[attr-defined]
        return guarded

    return declare


def scoped(verb: Callable[P, R]) -> Callable[P, R]:
    verb.declared = "scoped"  # type: ignore[attr-defined]
    return verb


def anyone(reason: str, *, writes: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def declare(verb: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(verb)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if writes:
                begin_write()
            return verb(*args, **kwargs)

        guarded.declared = reason  # type: ignore[attr-defined]
        return guarded

    return declare


def enforce(actor: Actor, permission: Permission, thing: Any = None) -> None:
    """Raises 401 for nobody, 404 where the thing may not be known to exist, 403 otherwise."""
    if can(actor, permission, thing):
        return
    if thing is not None and not is_visible(actor, permission, thing):
        raise NotFound()
    if not actor.is_known:
        raise Unauthenticated()
    raise Denied("" if actor.may_write else READ_ONLY)


def require_reader(actor: Actor) -> None:
    """Raises 401 for nobody where even what is public is for those alone who are signed in."""
    if not actor.is_known and not actor.may_read_public:
        raise Unauthenticated()


def undeclared_verbs(*packages: str) -> list[str]:
    """Names of verbs that declare nothing; `create_app` refuses to start while there is one."""
    missing = []
    for package in packages:
        root = importlib.import_module(package)
        names = [name for _, name, _ in pkgutil.iter_modules(root.__path__, f"{package}.")]
        for module in map(importlib.import_module, names):
            for name, verb in inspect.getmembers(module, inspect.isfunction):
                ours = verb.__module__ == module.__name__ and not name.startswith("_")
                if ours and _takes_actor(verb) and not hasattr(verb, "declared"):
                    missing.append(f"{module.__name__}.{name}")
    return missing


def _takes_actor(verb: Callable[..., Any]) -> bool:
    return next(iter(inspect.signature(verb).parameters), None) == "actor"
