"""The names under which bytes are stored. They are made here, from our own ids, and nowhere else."""

import re
from uuid import UUID

STAGING = "staging"
VERSIONS = "versions"
RECORDS = "records"
AREAS = (VERSIONS, RECORDS)

_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_STAGING = re.compile(rf"{STAGING}/{_ID}")
_FILE = re.compile(rf"(?P<area>{'|'.join(AREAS)})/[0-9a-f]{{2}}/[0-9a-f]{{2}}/(?P<id>{_ID})")


def version_key(version_id: UUID) -> str:
    return _key(VERSIONS, version_id)


def record_key(record_id: UUID) -> str:
    return _key(RECORDS, record_id)


def area_of(key: str) -> str:
    return key.partition("/")[0]


def staging_key(upload_id: str) -> str:
    """The folder of an upload's staged bytes. ValueError unless `upload_id` is the canonical text of a UUID."""
    key = f"{STAGING}/{upload_id}"
    if not is_staging_key(key):
        raise ValueError(f"not an upload id: {upload_id!r}")
    return key


def is_staging_key(text: str) -> bool:
    return _STAGING.fullmatch(text) is not None


def is_key(text: str) -> bool:
    """Whether `text` is a key of a published file, exactly as made here."""
    match = _FILE.fullmatch(text)
    return match is not None and text == _key(match["area"], UUID(match["id"]))


def _key(area: str, file_id: UUID) -> str:
    """Spread over 65,536 folders by the id's last digits, which are random in every kind of UUID."""
    text = str(file_id)
    return f"{area}/{text[-2:]}/{text[-4:-2]}/{text}"
