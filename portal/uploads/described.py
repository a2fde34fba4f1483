"""What goes with the file of a record, kept in the row of its upload until the file is whole."""

from datetime import date, datetime
from typing import Any

from portal.domain import records
from portal.domain.circumstances import Names
from portal.domain.entries import Entry
from portal.domain.records import NewRecord, Writer
from portal.extensions import db
from portal.uploads.session import Upload


def packed(new: NewRecord, file_type: str) -> dict[str, Any]:
    return {
        "data": new.data,
        "info": new.info,
        "names": list(new.names),
        "dataset": new.dataset,
        "timestamp": new.timestamp and new.timestamp.isoformat(),
        "collection_date": new.collection_date and new.collection_date.isoformat(),
        "file_type": file_type,
    }


def add(upload: Upload, size: int, sha256: str) -> None:
    """The record that the upload was for, with the upload's id; 409 if it is there already. Wants the entry locked.

    Checks no permission.
    """
    said = upload.record or {}
    new = NewRecord(
        data=said["data"],
        info=said["info"],
        names=Names(*said["names"]),
        dataset=said["dataset"],
        timestamp=said["timestamp"] and datetime.fromisoformat(said["timestamp"]),
        collection_date=said["collection_date"] and date.fromisoformat(said["collection_date"]),
        file_name=upload.file_name,
    )
    file = {"file_size": size, "file_sha256": sha256, "file_type": said["file_type"]}
    records.keep(Writer(db.session.get_one(Entry, upload.entry_id)).row(new, id=upload.id, **file))
