"""The row of an upload: whose it is, what was announced, how far it came. The bytes are the truth; this catches up."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, String, and_, bindparam, func, or_, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from portal.database import Id, JsonObject, Table, Time, new_id, now
from portal.domain import rules
from portal.domain.access import Ids
from portal.domain.entries import Entry, locked
from portal.domain.kinds import Kind
from portal.domain.users import User
from portal.errors import Conflict, Gone, NotFound
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import allows, scoped
from portal.security.policy import Portal
from portal.storage.keys import record_key, version_key


class Status(StrEnum):
    OPEN = "open"
    CHECKING = "checking"
    DONE = "done"
    ABORTED = "aborted"
    EXPIRED = "expired"


UNFINISHED = (Status.OPEN, Status.CHECKING)
LEASE = timedelta(seconds=15)


class Upload(Table):
    """`size` and `chunk_size` are null where the client declared nothing.

    While `checking`, `checked_at` is the checker's last sign of life and `checked_bytes` how far it has hashed. An open
    upload that has a `checked_at` did not pass. What an upload makes has its id: a version, or a record where `record`
    says what goes with the file. People never see those of records: one request begins, sends and ends them.
    """

    __tablename__ = "upload"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(16))
    entry_id: Mapped[str | None] = mapped_column(ForeignKey("entry.id", ondelete="SET NULL"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    made_entry: Mapped[bool]
    status: Mapped[str] = mapped_column(String(16), default=Status.OPEN)
    file_name: Mapped[str] = mapped_column(String(255))
    size: Mapped[int | None] = mapped_column(BigInteger)
    chunk_size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    description: Mapped[str] = mapped_column(default="")
    record: Mapped[dict[str, Any] | None] = mapped_column(JsonObject)
    checked_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    chunk_count: Mapped[int | None]  # when it was last found complete
    checked_at: Mapped[datetime | None] = mapped_column(Time)
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    expires_at: Mapped[datetime] = mapped_column(Time)

    entry: Mapped[Entry | None] = relationship()
    __table_args__ = (
        Index("ix_upload_unfinished", "user_id", "status", "created_at"),
        Index("ix_upload_expiry", "status", "expires_at"),
    )

    @property
    def key(self) -> str:
        """Where its bytes are published."""
        return (version_key if self.record is None else record_key)(UUID(self.id))

    @property
    def is_abandoned(self) -> bool:
        """Being checked by nobody: the checker has not given a sign of life for a while."""
        return self.status == Status.CHECKING and (self.checked_at is None or now() - self.checked_at > LEASE)

    @property
    def state(self) -> Status:
        """The status as of now: an open upload past its time is expired even before the sweep."""
        if self.status == Status.OPEN and self.expires_at <= now():
            return Status.EXPIRED
        return Status(self.status)

    def require_open(self) -> None:
        """409 once it is being checked or done."""
        self.require_alive()
        if self.state is not Status.OPEN:
            raise Conflict("This upload is complete; it takes no more chunks.")

    def require_alive(self) -> None:
        """410 once there is nothing left to continue."""
        if self.state is Status.EXPIRED:
            raise Gone("This upload has expired. Begin a new one.")
        if self.state is Status.ABORTED:
            raise Gone("This upload was aborted. Begin a new one.")
        if self.entry is None:
            raise Gone(f"The {self.kind} of this upload was deleted.")


@scoped
def get(actor: Actor, upload_id: str, kind: Kind | None = None) -> Upload:
    """The actor's own upload; 404 for another's, as for an id that does not exist or is none."""
    own = Upload.user_id == actor.user_id, Upload.record.is_(None)
    query = select(Upload).where(Upload.id == upload_id.lower(), *own)
    if kind is not None:
        query = query.where(Upload.kind == kind.word)
    upload = db.session.scalar(query) if rules.is_id(upload_id) else None
    if upload is None:
        raise NotFound("There is no such upload.")
    return upload


def lock(upload_id: str) -> Upload:
    """The row as it is now, and its entry; nobody else changes them until the end of this transaction.

    The entry comes first, as for whoever deletes it. Checks no permission.
    """
    its_entry = select(Upload.entry_id).where(Upload.id == upload_id).scalar_subquery()
    db.session.scalar(locked(Entry.id == its_entry))
    return find(upload_id, locked=True)


def find(upload_id: str, *, locked: bool = False) -> Upload:
    """The row as it is now; 410 if it is forgotten. Checks no permission."""
    how = {"of": Upload} if locked else None
    upload = db.session.get(Upload, upload_id, populate_existing=True, with_for_update=how)
    if upload is None:
        raise Gone("This upload is over.")
    return upload


@scoped
def list_unfinished(actor: Actor) -> Sequence[Upload]:
    """The actor's uploads that can be continued or are being checked, newest first."""
    unfinished = select(Upload).where(_unfinished(actor.user_id, now())).options(joinedload(Upload.entry))
    return db.session.scalars(unfinished.order_by(Upload.created_at.desc())).all()


@scoped
def count_unfinished(actor: Actor) -> int:
    if not actor.is_known:
        return 0
    return db.session.scalar(_COUNT_UNFINISHED, {"user_id": actor.user_id, "moment": now()}) or 0


@allows(Portal.OVERSEE)
def list_all_unfinished(actor: Actor, most: int, user_id: str | None = None) -> tuple[Sequence[Any], int]:
    """The uploads of everybody, or of one, that wait to be continued or are being checked, the oldest first: at most so
    many rows of Upload and username, and how many there are in all."""
    conditions = [Upload.record.is_(None), Upload.entry_id.is_not(None), is_under_way(now())]
    if user_id is not None:
        conditions.append(Upload.user_id == user_id)
    query: Any = select(Upload, User.username).join(User, User.id == Upload.user_id).where(*conditions)
    query = query.options(joinedload(Upload.entry)).order_by(Upload.created_at, Upload.id)
    number = db.session.scalar(select(func.count()).select_from(Upload).where(*conditions)) or 0
    return db.session.execute(query.limit(most)).all(), number


def has_unfinished(entry_ids: Ids) -> set[str]:
    """Which of the entries have an upload under way. Checks no permission: ask for visible entries."""
    of_them = Upload.entry_id.in_(entry_ids), Upload.record.is_(None)
    query = select(Upload.entry_id).where(*of_them, is_under_way(now()))
    return {entry_id for entry_id in db.session.scalars(query) if entry_id}


def is_under_way(moment: Any, upload: Any = Upload) -> ColumnElement[bool]:
    """The condition of uploads that can be continued or are being checked at `moment`."""
    return or_(upload.status == Status.CHECKING, and_(upload.status == Status.OPEN, upload.expires_at > moment))


def _unfinished(user_id: Any, moment: Any, upload: Any = Upload) -> ColumnElement[bool]:
    own = upload.user_id == user_id, upload.record.is_(None), upload.entry_id.is_not(None)
    return and_(*own, is_under_way(moment, upload))


# Built once and of the table's own columns, at half the price: every page of somebody who is signed in shows it.
_COUNT_UNFINISHED = select(func.count()).where(
    _unfinished(bindparam("user_id"), bindparam("moment", type_=Time), Upload.__table__.c)
)
