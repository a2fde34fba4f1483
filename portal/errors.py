"""The error table. Verbs and views raise these; pages and JSON each render them in one place."""

from collections.abc import Iterable
from typing import Any


class PortalError(Exception):
    """`detail` is a sentence for the caller; `fields` pairs a field's name with what it takes."""

    status = 500
    title = "Something went wrong"
    advice = ""
    """What to do, where the page about the status says something else."""

    def __init__(
        self,
        detail: str = "",
        fields: Iterable[tuple[str, str]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        self.fields = list(fields)
        self.detail = detail or " ".join(f"{name}: {message}" for name, message in self.fields) or self.title
        self.headers = headers or {}
        self.members: dict[str, Any] = {}
        """Further members of the JSON answer, for a program to act on."""
        super().__init__(self.detail)


class BadRequest(PortalError):
    status, title = 400, "The request could not be read"


class Unauthenticated(PortalError):
    status, title = 401, "Sign in first"


class Denied(PortalError):
    status, title = 403, "Not allowed"


class NotFound(PortalError):
    status, title = 404, "Not found"


class Conflict(PortalError):
    status, title = 409, "Conflict"


class Gone(PortalError):
    status, title = 410, "Gone"


class LengthRequired(PortalError):
    status, title = 411, "Length required"


class TooLarge(PortalError):
    status, title = 413, "Too large"


class WrongType(PortalError):
    status, title = 415, "Unsupported content type"


class Invalid(PortalError):
    status, title = 422, "Not acceptable"


class Throttled(PortalError):
    status, title = 429, "Too many attempts"


class Damaged(PortalError):
    status, title = 500, "A stored file is missing or damaged"


class Unavailable(PortalError):
    status, title = 503, "Temporarily unavailable"

    def __init__(self, detail: str = "", *, retry_after: int = 5) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class TookTooLong(Unavailable):
    title = "This takes too long"
    advice = "The same again would take as long."


class NoSpace(PortalError):
    status, title = 507, "No space left"


def invalid(field: str, message: str) -> Invalid:
    return Invalid(fields=[(field, message)])
