"""Filters as data: the address parameter, the words of its chip, and the condition are one object."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement


@dataclass(frozen=True, slots=True)
class Filter:
    """`key` is the parameter, `phrase` its chip with `{}` for the value, `condition` what it asks of the entry table.

    `group` reads the filter's value from a row of facet counts; it is None where no facet is counted from those rows.
    """

    key: str
    label: str
    phrase: str
    condition: Callable[[Any, str], ColumnElement[bool]]
    group: Callable[[Any], str] | None = None


def escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def contains(column: Any, text: str) -> ColumnElement[bool]:
    return column.like(f"%{escape_like(text)}%", escape="\\")
