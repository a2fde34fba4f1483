"""A JSON object typed into a form."""

from typing import Any

from portal import strict_json
from portal.errors import PortalError, invalid

MOST_PRETTY = 200_000  # characters: beyond that, line breaks would make a large object larger than a form may be


def json_text(value: dict[str, Any]) -> str:
    """As it stands in the form, to be edited."""
    pretty = strict_json.pretty(value)
    return pretty if len(pretty) <= MOST_PRETTY else strict_json.compact(value)


def json_object(text: str | None, field: str) -> dict[str, Any]:
    """Blank text is an empty object; 422 says at which line the JSON is broken, or what `field` takes."""
    try:
        value = strict_json.loads((text or "").strip() or "{}", most=2 * strict_json.MAX_BYTES)
    except PortalError as error:
        raise invalid(field, error.detail) from None
    if not isinstance(value, dict):
        raise invalid(field, 'Takes a JSON object, like {"key": "value"}.')
    if len(strict_json.compact(value).encode()) > strict_json.MAX_BYTES:
        raise invalid(field, "Takes at most 1 MiB of JSON.")
    return value
