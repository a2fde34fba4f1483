"""Rows of lists, worked out before the template so that a row loop only prints."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import url_for
from markupsafe import Markup

from portal.database import now
from portal.domain.digest import Change
from portal.domain.kinds import BY_WORD, KINDS, Kind
from portal.security.actor import Actor
from portal.security.policy import OnEntry, can
from portal.uploads.machine import held
from portal.uploads.session import Upload
from portal.web.figures import human_size, size_tag, time_tag


class EntryRow(NamedTuple):
    """`size` is none, and `version`, where there is no file. Unpacked in this order by `entries/_rows.html`."""

    href: str
    name: str
    summary: str
    type: str
    owner: str
    age: Markup
    size: Markup | None
    version: int | None
    access: str


class ChangeRow(NamedTuple):
    """`what` was done, by `who`, who may be nobody any more; `size` is none where there is no file."""

    href: str
    name: str
    summary: str
    who: str
    what: str
    age: Markup
    size: Markup | None
    label: str
    access: str


class UploadRow(NamedTuple):
    """`name` is the entry's; empty where the person may no longer see it."""

    id: str
    href: str
    kind: Kind
    entry_id: str | None
    name: str
    file_name: str
    size: int | None
    bytes_received: int
    started_at: datetime
    expires_at: datetime
    percent: int
    sent: str


def entry_rows(found: Iterable[Any]) -> list[EntryRow]:
    """From rows of kind, id, name, description, type, access, created_at, size, version, username."""
    bases = {kind.word: url_for("entries.index", kind=kind) for kind in KINDS}
    moment = now()
    return [
        EntryRow(
            f"{bases[word]}/{entry_id}",
            name,
            _first_line(description) if description else "",
            type_,
            username,
            time_tag(created_at, moment),
            None if size is None else size_tag(size),
            version,
            access,
        )
        for word, entry_id, name, description, type_, access, created_at, size, version, username in found
    ]


def change_rows(found: Iterable[Change]) -> list[ChangeRow]:
    moment = now()
    return [
        ChangeRow(
            url_for("entries.show", kind=BY_WORD[each.kind], entry_id=each.id),
            each.name,
            _first_line(each.description) if each.description else "",
            each.username,
            "registered" if each.number is None else f"version {each.number}",
            time_tag(each.at, moment),
            None if each.size is None else size_tag(each.size),
            BY_WORD[each.kind].label,
            each.access,
        )
        for each in found
    ]


def upload_row(actor: Actor, upload: Upload) -> UploadRow:
    received = held(upload).bytes_received
    is_visible = upload.entry is not None and can(actor, OnEntry.READ, upload.entry)
    return UploadRow(
        upload.id,
        url_for("uploads.show", upload_id=upload.id),
        BY_WORD[upload.kind],
        upload.entry_id,
        upload.entry.name if upload.entry and is_visible else "",
        upload.file_name,
        upload.size,
        received,
        upload.created_at,
        upload.expires_at,
        received * 100 // upload.size if upload.size else 0,
        human_size(received),
    )


def upload_rows(actor: Actor, found: Sequence[Upload]) -> list[UploadRow]:
    return [upload_row(actor, upload) for upload in found]


def _first_line(description: str) -> str:
    lines = (line.strip(" #*_>`-") for line in description.splitlines())
    return next((line for line in lines if line), "")
