"""Sessions that really end: a browser's session and a program's log-in token are rows, and log-out deletes the row."""

import hashlib
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ForeignKey, String, Update, bindparam, delete, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Table, Time, begin_write, end_read, is_writing, now
from portal.domain import passwords, rules, throttle
from portal.domain.teams import Membership
from portal.domain.users import User
from portal.errors import Unauthenticated
from portal.extensions import db
from portal.security.actor import Actor, Via
from portal.security.guard import allows, anyone
from portal.security.policy import OnAccount, Portal

NO_MATCH = "E-mail and password do not match an account that may log in."

log = logging.getLogger("portal.people")

PREFIX = "ms_"  # no session key begins like a personal token
LIFETIMES = {Via.SESSION: timedelta(days=30), Via.LOGIN: timedelta(days=7)}
IDLE = timedelta(days=14)
_PROLONGED_EVERY = timedelta(days=1)


class LoginSession(Table):
    """`expires_at` is when it ends unless it is used again; in use it lasts as long as LIFETIMES says."""

    __tablename__ = "login_session"

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    via: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    expires_at: Mapped[datetime] = mapped_column(Time)


def hash_key(key: str) -> str:
    """How a secret of 256 random bits is stored: its SHA-256 as hex."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


@anyone("logging in makes the caller known")
def log_in(actor: Actor, email: str, password: str, *, via: Via, address: str, limit: str) -> tuple[str, str]:
    """A new session for who knows e-mail and password: (user id, session key).

    401 with one sentence and in the same time whether the e-mail exists, the password is wrong or the account waits for
    verification. Failures are counted per e-mail and per address over all workers (429 with Retry-After). A browser
    that was logged in gives its old session up.
    """
    email_key = rules.key(email)[:1024].replace("\0", "\ufffd")  # PostgreSQL cannot look for a NUL
    attempts = throttle.Attempts(limit, f"email:{email_key}", f"address:{throttle.network(address)}")
    attempts.reserve()
    found = db.session.execute(
        select(User.id, User.password_hash, User.is_verified).where(User.email_key == email_key)
    ).first()
    end_read()
    if not passwords.verify(password, found and found.password_hash) or not found or not found.is_verified:
        log.warning("log-in of %s from %r refused", found.id if found else "nobody known", address)
        raise Unauthenticated(NO_MATCH)
    attempts.give_back()
    _require_unchanged(found)
    log.info("log-in of %s from %r", found.id, address)
    if actor.via is Via.SESSION:
        log_out(actor)
    return found.id, start(found.id, via)


def _require_unchanged(found: Any) -> None:
    """A password changed while the old one was being verified lets nobody in with the old one."""
    same = User.id == found.id, User.password_hash == found.password_hash, User.is_verified
    begin_write()  # the session that follows belongs to the same transaction: nothing comes between
    if db.session.scalar(select(User.id).where(*same).with_for_update()) is None:
        raise Unauthenticated(NO_MATCH)


def start(user_id: str, via: Via) -> str:
    """A new session of `user_id`; returns its key, which is stored only as a hash.

    Checks no permission: for whoever has just shown that they are this person.
    """
    key = PREFIX + secrets.token_urlsafe(32)
    forget_ended()
    expires_at = now() + min(LIFETIMES[via], IDLE)
    db.session.add(LoginSession(key_hash=hash_key(key), user_id=user_id, via=via, expires_at=expires_at))
    db.session.flush()
    return key


@anyone("whoever holds a session may end it", writes=True)
def log_out(actor: Actor) -> None:
    db.session.execute(delete(LoginSession).where(LoginSession.key_hash == (actor.key_hash or "")))


class SessionRow(NamedTuple):
    via: str
    created_at: datetime
    expires_at: datetime
    is_this: bool


@allows(Portal.USE)
def list_own(actor: Actor) -> list[SessionRow]:
    """Where the actor is logged in, newest first."""
    own = select(LoginSession).where(LoginSession.user_id == actor.user_id, LoginSession.expires_at > now())
    return [
        SessionRow(row.via, row.created_at, row.expires_at, row.key_hash == actor.key_hash)
        for row in db.session.scalars(own.order_by(LoginSession.created_at.desc()))
    ]


@allows(OnAccount.SELF, writes=True)
def end_others(actor: Actor, user_id: str | None) -> None:
    """Ends every session and log-in token of this person but the one that asks."""
    others = LoginSession.user_id == user_id, LoginSession.key_hash != (actor.key_hash or "")
    db.session.execute(delete(LoginSession).where(*others))


# Built once, and of the tables' own columns at half the price: every request runs one of these.
_USER: Any = User.__table__.c
_SESSION: Any = LoginSession.__table__.c
_MEMBER: Any = Membership.__table__.c
WHO = (
    _USER.id.label("user_id"),
    _USER.username,
    _USER.is_admin,
    _MEMBER.team_id,
    _MEMBER.is_admin.label("administers"),
)
"""What an actor is made of: a row for each team, or one without a team."""

_OPENED_BY = (
    select(*WHO, _SESSION.created_at, _SESSION.expires_at)
    .join(LoginSession.__table__, _SESSION.user_id == _USER.id)
    .outerjoin(Membership.__table__, _MEMBER.user_id == _USER.id)
    .where(
        _SESSION.key_hash == bindparam("key_hash"),
        _SESSION.via == bindparam("via"),
        _SESSION.expires_at > bindparam("moment", type_=Time),
    )
)

_TEAMS = select(_MEMBER.team_id, _MEMBER.is_admin).where(_MEMBER.user_id == bindparam("user_id"))


def resume(key: str, via: Via) -> Actor | None:
    """The actor whose session `key` opens, or None when it is unknown, ended, past its time or made for another way in.

    What a cookie carries is no access token, nor the other way round. Checks no permission: the key is the proof.
    """
    key_hash = hash_key(key)
    rows = db.session.connection().execute(_OPENED_BY, {"key_hash": key_hash, "via": via, "moment": now()}).all()
    if not rows:
        return None
    _prolong(key_hash, LIFETIMES[via], rows[0])
    return actor_of(rows, via, may_write=True, key_hash=key_hash, expires_at=rows[0].expires_at)


def actor_of(rows: Sequence[Any], via: Via, **credential: Any) -> Actor:
    """The actor whom the rows of `WHO` are about, and what the credential says of them. Checks no permission."""
    user_id, username, is_admin = rows[0][:3]
    teams = {row.team_id: row.administers for row in rows if row.team_id}
    return Actor(user_id=user_id, username=username, is_admin=is_admin, teams=teams, via=via, **credential)


def _prolong(key_hash: str, lifetime: timedelta, session: Any) -> None:
    """Once a day at most: who only reads must not have to wait for those who write."""
    later = min(now() + IDLE, session.created_at + lifetime)
    if later - session.expires_at >= _PROLONGED_EVERY and not is_writing():
        note(update(LoginSession).where(LoginSession.key_hash == key_hash).values(expires_at=later))


def note(statement: Update) -> None:
    """Commits what may as well be lost: a busy writer must not refuse a reader. Checks no permission."""
    try:
        begin_write()
        db.session.execute(statement)
        db.session.commit()
    except OperationalError:
        db.session.rollback()


def forget_ended() -> int:
    """Deletes the sessions that are past their time; how many there were. Checks no permission."""
    begin_write()
    ended = delete(LoginSession).where(LoginSession.expires_at <= now())
    return db.session.execute(ended, execution_options={"synchronize_session": False}).rowcount  # type: ignore[attr-defined]


def actor_for(user: User, via: Via, *, expires_at: datetime | None = None, upload_id: str | None = None) -> Actor:
    """The actor that `user` is when they come by `via`, with their teams as they are now. Checks no permission."""
    teams = db.session.execute(_TEAMS, {"user_id": user.id})
    return Actor(
        user_id=user.id,
        username=user.username,
        is_admin=user.is_admin,
        teams={row.team_id: row.is_admin for row in teams},
        may_write=True,
        via=via,
        expires_at=expires_at,
        upload_id=upload_id,
    )
