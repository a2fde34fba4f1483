"""A mark that changes with every transaction that changes what lists of entries show.

Counts are kept in memory under the mark they were counted at: exact, and for nothing while nothing changes.
The mark is written last in the transaction: whoever changes entries never waits for another who does.
"""

from sqlalchemy import event, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.database import Id, Table, new_id
from portal.extensions import db


class Revision(Table):
    """One row, made by the migration; `mark` is random, so that two databases never share one."""

    __tablename__ = "revision"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mark: Mapped[str] = mapped_column(Id)


_MARK = select(Revision.__table__.c.mark)


def current() -> str:
    return db.session.execute(_MARK).scalar_one()


def changed() -> None:
    """Say so where a change does not pass through the session's objects."""
    db.session().info["lists_changed"] = True


def watch(*tables: type) -> None:
    """From now on a transaction that flushes a row of `tables` changes the mark."""

    @event.listens_for(Session, "before_flush")
    def before_flush(session: Session, _context: object, _instances: object) -> None:
        touched = (*session.new, *session.deleted, *(row for row in session.dirty if session.is_modified(row)))
        if any(isinstance(row, tables) for row in touched):
            session.info["lists_changed"] = True

    @event.listens_for(Session, "before_commit")
    def before_commit(session: Session) -> None:
        if session.in_nested_transaction():  # a savepoint's end is no commit: the mark would be locked from then on
            return
        session.flush()
        if session.info.pop("lists_changed", False):
            session.execute(update(Revision).values(mark=new_id()))

    @event.listens_for(Session, "after_rollback")
    def after_rollback(session: Session) -> None:
        if not session.in_nested_transaction():
            session.info.pop("lists_changed", None)
