"""What the store could not do, as the caller reads it."""

from portal import errors
from portal.storage import base

_TABLE: dict[type[base.StorageError], tuple[type[errors.PortalError], str]] = {
    base.Missing: (errors.Gone, "This upload is no longer there. Begin a new one."),
    base.Sealed: (errors.Conflict, "This upload is complete; it takes no more chunks."),
    base.Conflict: (errors.Conflict, "This upload is being changed by another request. Try again."),
    base.Misfit: (errors.Invalid, "This chunk does not fit what was declared."),
    base.ShortBody: (errors.BadRequest, "The chunk was cut short. Send it again."),
    base.DigestMismatch: (errors.Invalid, "The chunk does not match its Content-Digest. Send it again."),
    base.NoSpace: (errors.NoSpace, "The portal's storage is full. What was acknowledged is kept."),
    base.Damaged: (
        errors.Damaged,
        "The stored file is missing or damaged. The administrator has been told in the log.",
    ),
    base.Unavailable: (
        errors.Unavailable,
        "The storage cannot be reached at the moment. What was acknowledged is kept.",
    ),
}

StorageError = base.StorageError  # for pages, which catch it but know no store


def translate(error: base.StorageError) -> errors.PortalError:
    if isinstance(error, base.Incomplete):
        return errors.BadRequest(f"Chunks are missing: {in_words(error.missing)}.")
    kind, sentence = _TABLE.get(type(error), (errors.PortalError, "The storage made a mistake."))
    return kind(sentence)


def in_words(ranges: list[list[int]], most: int = 20) -> str:
    """`0, 4–7, 9 and more` for [[0, 0], [4, 7], [9, 9], …]."""
    parts = [str(first) if first == last else f"{first}–{last}" for first, last in ranges[:most]]
    return ", ".join(parts) + (" and more" if len(ranges) > most else "")
