"""A search in JSON in words: `yield > 40`, `variety = Manchuria and note contains "frost"`.

    conditions = condition { "and" condition }
    condition  = key operator value
    key        = step { "." step }           soil.ph is the key ph in the object soil
    step       = letters, digits, _ and -, or anything at all "in quotes"
    operator   = = | != | < | <= | > | >= | contains
    value      = number | true | false | null | "text" | text up to the next and

A key that is not there matches nothing, `!=` included. Numbers are compared as numbers and text as text, by its Unicode
code points; what is of another type does not match. A number without quotes equals the text that is written like it,
too. `contains` is about text and does not tell `A` from `a`. In quotes, `\\"` is a quote and `\\\\` a backslash.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from portal.errors import BadRequest

Value = str | int | float | bool | None
OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "contains")
MOST_CONDITIONS = 20
MOST_CHARACTERS = 1000

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_STEP = re.compile(rf"{_QUOTED}|[\w-]+", re.DOTALL)
_OPERATOR = re.compile(r"!=|<=|>=|=|<|>|contains\b", re.IGNORECASE)
_VALUE = re.compile(rf"{_QUOTED}|[^\"\s](?:(?!\s+and(?:\s|\Z)).)*", re.DOTALL | re.IGNORECASE)
_AND = re.compile(r"and(?=\s|\Z)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
_WORDS: dict[str, Value] = {"true": True, "false": False, "null": None}
_SPACE = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """`text` is the value as it was written where that was without quotes, for what may be text after all."""

    path: tuple[str, ...]
    operator: str
    value: Value
    text: str | None = None

    def __str__(self) -> str:
        path = ".".join(step if _STEP.fullmatch(step) and step[0] != '"' else _quoted(step) for step in self.path)
        return f"{path} {self.operator} {self.text if self.text is not None else _quoted(str(self.value))}"

    def values(self) -> tuple[Value, ...]:
        """What `=` is satisfied with."""
        return (self.value,) if self.text is None or isinstance(self.value, str) else (self.value, self.text)


def parse(source: str, parameter: str = "where") -> tuple[Condition, ...]:
    """The conditions that `source` asks for together; none if it is blank. 400 says where it cannot be understood."""
    if len(source) > MOST_CHARACTERS:
        raise BadRequest(fields=[(parameter, f"Takes at most {MOST_CHARACTERS} characters.")])
    found = tuple(_Reader(source, parameter).conditions())
    if len(found) > MOST_CONDITIONS:
        raise BadRequest(fields=[(parameter, f"Takes at most {MOST_CONDITIONS} conditions.")])
    return found


class _Reader:
    def __init__(self, source: str, parameter: str) -> None:
        self.source, self.parameter, self.place = source, parameter, 0

    def conditions(self) -> Iterator[Condition]:
        self.take(_SPACE)
        if self.place == len(self.source):
            return
        yield self.condition()
        while self.place < len(self.source):
            if not self.take(_AND):
                raise self.wrong("“and” and another condition, or the end")
            yield self.condition()

    def condition(self) -> Condition:
        path = self.path()
        operator = self.take(_OPERATOR)
        if operator is None:
            raise self.wrong(f"one of {', '.join(OPERATORS)}")
        written = self.take(_VALUE)
        if written is None:
            raise self.wrong("a value; text that begins with a quote ends with one")
        value = _value(written)
        operator = operator.lower()
        if operator == "contains":
            value = value if isinstance(value, str) else written
        elif operator not in ("=", "!=") and (value is None or isinstance(value, bool)):
            raise self.wrong(f"a number or text after {operator}; {written} has no order", back=len(written))
        return Condition(path, operator, value, None if written[0] == '"' else written)

    def path(self) -> tuple[str, ...]:
        steps = []
        while True:
            step = self.take(_STEP)
            if step is None:
                raise self.wrong('a key such as yield, or one in quotes: "grain yield"')
            steps.append(_unquoted(step))
            if self.source[self.place : self.place + 1] != ".":
                return tuple(steps)
            self.place += 1

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """What stands here, if it is that; the space after it is passed over."""
        found = pattern.match(self.source, self.place)
        if found is None:
            return None
        space = _SPACE.match(self.source, found.end())
        self.place = space.end() if space else found.end()
        return found[0].strip()

    def wrong(self, expected: str, back: int = 0) -> BadRequest:
        place = max(self.place - back, 0)
        here = self.source[place : place + 20]
        where = f"At character {place + 1}, “{here}”," if here else "At the end"
        return BadRequest(fields=[(self.parameter, f"{where} there should be {expected}.")])


def _value(written: str) -> Value:
    if written[0] == '"':
        return _unquoted(written)
    if written.lower() in _WORDS:
        return _WORDS[written.lower()]
    if not _NUMBER.fullmatch(written):
        return written
    number = float(written)
    if number in (float("inf"), float("-inf")):
        return written
    return int(written) if re.fullmatch(r"[+-]?\d{1,18}", written) else number


def _unquoted(step: str) -> str:
    return re.sub(r"\\(.)", r"\1", step[1:-1], flags=re.DOTALL) if step[0] == '"' else step


def _quoted(step: str) -> str:
    return '"' + step.replace("\\", "\\\\").replace('"', '\\"') + '"'


def holds(condition: Condition, stored: Any) -> bool:
    """The rule, for a parsed object."""
    for step in condition.path:
        if not isinstance(stored, dict) or step not in stored:
            return False
        stored = stored[step]
    if condition.operator in ("=", "!="):
        return any(_equal(stored, value) for value in condition.values()) == (condition.operator == "=")
    if condition.operator == "contains":
        return isinstance(stored, str) and str(condition.value).lower() in stored.lower()
    order = _order(stored, condition.value)
    return (
        order is not None and {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[condition.operator]
    )


def _equal(stored: Any, value: Value) -> bool:
    if isinstance(value, bool) or value is None:
        return stored is value
    return _order(stored, value) == 0


def _order(stored: Any, value: Value) -> int | None:
    """Below, equal or above; None where the two have no order."""
    if isinstance(stored, bool) or isinstance(value, bool):
        return None
    both_numbers = isinstance(stored, int | float) and isinstance(value, int | float)
    if not both_numbers and not (isinstance(stored, str) and isinstance(value, str)):
        return None
    return (stored > value) - (stored < value)


def says(stored: str | None, condition: str) -> bool:
    """What SQLite calls: whether the stored JSON text satisfies a condition written as by `packed`."""
    if stored is None:
        return False
    path, operator, value, text = json.loads(condition)
    return holds(Condition(tuple(path), operator, value, text), json.loads(stored))


def packed(condition: Condition) -> str:
    return json.dumps([condition.path, condition.operator, condition.value, condition.text])
