"""Query parameters that are switches."""

from flask import request

from portal.errors import BadRequest


def asked_flag(name: str) -> bool:
    """Whether the parameter says `true`, in any case (Python writes `True`); not where it is absent, 400 otherwise."""
    given = request.args.get(name, "false").lower()
    if given not in ("true", "false"):
        raise BadRequest(fields=[(name, "Takes true or false.")])
    return given == "true"
