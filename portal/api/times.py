"""Times as a caller writes them."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)


def read_time(value: Any) -> datetime | None:
    """An instant in UTC from RFC 3339 text; without offset it is taken as UTC. ValueError for anything else."""
    if value is None:
        return None
    try:
        if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
            raise ValueError
        moment = datetime.fromisoformat(value.upper())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("time", "Takes a time like 2026-11-21T09:30:00Z") from None


Rfc3339 = Annotated[datetime, BeforeValidator(read_time)]
