"""Times as a caller writes them."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from portal.domain import rules
from portal.errors import Invalid

T = TypeVar("T")


def _read_by(rule: Callable[[object, str], T]) -> Callable[[Any], T | None]:
    """What a rule makes of it, as pydantic wants its complaints."""

    def read(value: Any) -> T | None:
        if value is None:
            return None
        try:
            return rule(value, "time")
        except Invalid as error:
            raise PydanticCustomError("time", "{sentence}", {"sentence": error.fields[0][1]}) from None

    return read


Rfc3339 = Annotated[datetime, BeforeValidator(_read_by(rules.moment))]
Day = Annotated[date, BeforeValidator(_read_by(rules.day))]
