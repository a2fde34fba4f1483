"""Times as a caller writes them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from portal.domain import rules
from portal.errors import Invalid


def read_time(value: Any) -> datetime | None:
    """What `rules.moment` makes of it, as pydantic wants its complaints."""
    if value is None:
        return None
    try:
        return rules.moment(value, "time")
    except Invalid as error:
        raise PydanticCustomError("time", "{sentence}", {"sentence": error.fields[0][1]}) from None


Rfc3339 = Annotated[datetime, BeforeValidator(read_time)]
