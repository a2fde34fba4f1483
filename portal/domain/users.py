"""People: signing up, the account, the password."""

import logging
import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import String, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Id, Table, Time, begin_write, end_read, new_id, now
from portal.domain import audit, passwords, rules, throttle
from portal.domain.audit import What
from portal.errors import Conflict, Denied, NotFound, Unauthenticated, invalid
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import allows, anyone
from portal.security.policy import OnAccount

log = logging.getLogger("portal.people")

_USERNAME = re.compile(r"[\w.-]{1,50}")


class User(Table):
    __tablename__ = "user"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(String(50))
    username_key: Mapped[str] = mapped_column(String(200), unique=True)
    email: Mapped[str] = mapped_column(String(255))
    email_key: Mapped[str] = mapped_column(String(1024), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    is_admin: Mapped[bool] = mapped_column(default=False)
    is_verified: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(Time, default=now)


@anyone("signing up makes the caller known")
def sign_up(actor: Actor, username: str, email: str, password: str, *, policy: str) -> User:
    """A new person. `policy` is PORTAL_SIGNUP: with `closed` 403, with `verify` an administrator must verify first."""
    if policy == "closed":
        raise Denied("Signing up is closed here. Ask an administrator for an account.")
    user = create(username, email, password, is_verified=policy == "open")
    audit.note(actor, What.USER_SIGNED_UP, about=user.username)
    return user


def create(username: str, email: str, password: str, *, is_admin: bool = False, is_verified: bool = True) -> User:
    """Adds a person; 422 names the field that will not do, 409 one that is taken. Checks no permission."""
    user = User(id=new_id(), is_admin=is_admin, is_verified=is_verified)
    _rename(user, username, email)
    passwords.check(password, "password")
    end_read()
    user.password_hash = passwords.hash_password(password)
    begin_write()
    _require_free(user)
    db.session.add(user)
    _flush(user)
    return user


@allows(OnAccount.SELF)
def rename(actor: Actor, user_id: str | None, username: str, email: str, current: str, *, limit: str) -> User:
    """Changes user name and e-mail, after the current password (422 where it is wrong, 429 past `limit` wrong ones)."""
    _require_password(user_id, current, limit)
    begin_write()
    user = _still_there(user_id)
    was = user.username, user.email
    _rename(user, username, email)
    with db.session.no_autoflush:
        _require_free(user)
    _flush(user)
    if user.username != was[0]:
        audit.note(actor, What.USER_RENAMED, about=user.username, was=was[0])
    if user.email != was[1]:
        audit.note(actor, What.EMAIL_CHANGED, about=user.username)
    return user


@allows(OnAccount.SELF)
def change_password(actor: Actor, user_id: str | None, current: str, new: str, *, limit: str) -> None:
    """Sets a new password and ends every other session and log-in token of this person. `current` as in `rename`."""
    passwords.check(new, "new")
    _require_password(user_id, current, limit)
    _replace_password(user_id, new, spare=actor.key_hash or "")
    audit.note(actor, What.PASSWORD_CHANGED, about=actor.username)
    log.info("%s changed their password", user_id)


def set_password(user: User, password: str) -> None:
    """Replaces a forgotten password and ends every session and log-in token of this person. Checks no permission."""
    passwords.check(password, "password")
    _replace_password(user.id, password)
    log.info("%s was given a new password", user.id)


def verify(user: User) -> None:
    """From now on this person may log in. Checks no permission."""
    begin_write()
    db.session.get_one(User, user.id).is_verified = True
    db.session.flush()
    log.info("%s was verified", user.id)


def find(username: str) -> User:
    """The person of that user name, in any case; 404 if there is none. Checks no permission."""
    user = db.session.scalar(select(User).where(User.username_key == rules.key(username)))
    if user is None:
        raise NotFound(f"There is nobody called {username}.")
    return user


def list_all() -> Sequence[User]:
    """Everybody, by user name. Checks no permission."""
    return db.session.scalars(select(User).order_by(User.username_key)).all()


def hold(user_id: str) -> User:
    """The person, whom nobody deletes until the end of this transaction; 404 if there is nobody.

    Checks no permission.
    """
    kept = select(User).where(User.id == user_id.lower()).with_for_update(read=True, key_share=True)
    user = db.session.scalar(kept.execution_options(populate_existing=True)) if rules.is_id(user_id) else None
    if user is None:
        raise NotFound("There is no such person.")
    return user


def _rename(user: User, username: str, email: str) -> None:
    username = rules.line(username, "username")
    if not _USERNAME.fullmatch(username):
        raise invalid("username", "Takes 1 to 50 letters, digits, “.”, “_” or “-”.")
    user.username, user.username_key = username, rules.key(username)
    user.email = rules.email(email, "email")
    user.email_key = rules.key(user.email)


def _require_free(user: User) -> None:
    others = select(User.id).where(User.id != user.id)
    if db.session.scalar(others.where(User.username_key == user.username_key)):
        raise _taken("username", "This user name is taken.")
    if db.session.scalar(others.where(User.email_key == user.email_key)):
        raise _taken("email", "There is an account with this e-mail.")


def _taken(field: str, message: str) -> Conflict:
    return Conflict(message, fields=[(field, message)])


def _flush(user: User) -> None:
    """The check before can lose a race on PostgreSQL; the unique keys cannot."""
    try:
        db.session.flush()
    except IntegrityError as error:
        if not any(key in str(error.orig) for key in ("username_key", "email_key")):
            raise
        raise _taken("username", "This user name or e-mail is taken.") from None


def _replace_password(user_id: str | None, password: str, *, spare: str = "") -> None:
    """Ends every session of the person but the one whose key has the hash `spare`."""
    from portal.domain.sessions import LoginSession

    hashed = passwords.hash_password(password)
    begin_write()
    _still_there(user_id).password_hash = hashed
    ended = LoginSession.user_id == user_id, LoginSession.key_hash != spare
    db.session.execute(delete(LoginSession).where(*ended))


def _require_password(user_id: str | None, current: str, limit: str) -> None:
    attempts = throttle.Attempts(limit, f"password:{user_id}")
    attempts.reserve()
    hashed = db.session.scalar(select(User.password_hash).where(User.id == user_id))
    end_read()
    if not passwords.verify(current, hashed):
        raise invalid("current", "This is not your current password.")
    attempts.give_back()


def _still_there(user_id: str | None) -> User:
    user = db.session.get(User, user_id, populate_existing=True)
    if user is None:
        raise Unauthenticated("This account has just been deleted.")
    return user
