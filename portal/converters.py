"""URL types: the kind of an entry, the words for circumstances, and ids. What does not fit is a 404 from the router."""

from typing import ClassVar

from flask import Flask
from werkzeug.routing import BaseConverter, ValidationError

from portal.domain import rules
from portal.domain.circumstances import TABLES
from portal.domain.kinds import BY_SLUG, BY_WORD, Kind


class SlugConverter(BaseConverter):
    """`models` or `scripts`."""

    regex = "|".join(BY_SLUG)

    def to_python(self, value: str) -> Kind:
        return BY_SLUG[value]

    def to_url(self, value: Kind) -> str:
        return value.slug


class WordConverter(BaseConverter):
    """`model` or `script`."""

    regex = "|".join(BY_WORD)

    def to_python(self, value: str) -> Kind:
        return BY_WORD[value]

    def to_url(self, value: Kind) -> str:
        return value.word


class CircumstanceConverter(BaseConverter):
    """`experiments`, `seasons` or `sites`."""

    regex = "|".join(f"{word}s" for word in TABLES)

    def to_python(self, value: str) -> str:
        return value.removesuffix("s")

    def to_url(self, value: str) -> str:
        return f"{value}s"


class IdConverter(BaseConverter):
    """A UUID in its usual form, in any case."""

    regex = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # a view of another method must not match, either
    schema: ClassVar = {"type": "string", "format": "uuid"}

    def to_python(self, value: str) -> str:
        if not rules.is_id(value):
            raise ValidationError
        return value.lower()


class NumberConverter(BaseConverter):
    """A positive whole number in plain decimal that fits the database."""

    regex = "[1-9][0-9]{0,8}"
    schema: ClassVar = {"type": "integer", "minimum": 1}

    def to_python(self, value: str) -> int:
        return int(value)


def add_converters(app: Flask) -> None:
    app.url_map.converters.update(
        kind=SlugConverter,
        word=WordConverter,
        circumstance=CircumstanceConverter,
        id=IdConverter,
        number=NumberConverter,
    )
    app.url_map.strict_slashes = False
