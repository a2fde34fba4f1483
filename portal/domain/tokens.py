"""Personal API tokens: shown once, stored as a hash, scoped, expiring, revocable."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, String, bindparam, select, update
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Id, Table, Time, new_id, now
from portal.domain import audit, rules
from portal.domain.audit import What
from portal.domain.sessions import WHO, actor_of, hash_key, note
from portal.domain.teams import Membership
from portal.domain.users import User
from portal.errors import NotFound, invalid
from portal.extensions import db
from portal.security.actor import Actor, Via
from portal.security.guard import allows
from portal.security.policy import OnAccount, Portal

PREFIX = "mp_"
SCOPES = ("read", "write")
_SEEN_EVERY = timedelta(minutes=1)


class Token(Table):
    __tablename__ = "token"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    scope: Mapped[str] = mapped_column(String(8))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(Time)
    last_used_at: Mapped[datetime | None] = mapped_column(Time)

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= now()


@allows(OnAccount.SELF, writes=True)
def issue(
    actor: Actor, user_id: str | None, name: str, scope: str, expires_at: datetime | None = None
) -> tuple[Token, str]:
    """A new token and its secret, which is not kept."""
    if scope not in SCOPES:
        raise invalid("scope", "Takes “read” or “write”.")
    if expires_at is not None and expires_at <= now():
        raise invalid("expires_at", "Takes a time that is still to come.")
    secret = PREFIX + secrets.token_urlsafe(32)
    token = Token(user_id=user_id, name=rules.name(name, "name"), scope=scope, expires_at=expires_at)
    token.secret_hash = hash_key(secret)
    db.session.add(token)
    db.session.flush()
    audit.note(actor, What.TOKEN_MADE, name=token.name, scope=scope)
    return token, secret


@allows(Portal.USE)
def list_own(actor: Actor) -> Sequence[Token]:
    own = select(Token).where(Token.user_id == actor.user_id)
    return db.session.scalars(own.order_by(Token.created_at.desc(), Token.id)).all()


@allows(OnAccount.SELF, writes=True)
def revoke(actor: Actor, user_id: str | None, token_id: str) -> None:
    token = db.session.scalar(select(Token).where(Token.id == token_id, Token.user_id == user_id))
    if token is None:
        raise NotFound("There is no such token.")
    db.session.delete(token)
    audit.note(actor, What.TOKEN_REVOKED, name=token.name)


# Put together once, of the tables' own columns: every request with a token asks.
_TOKEN: Any = Token.__table__.c
_USER: Any = User.__table__.c
_MEMBER: Any = Membership.__table__.c
_NAMED_BY = (
    select(*WHO, _TOKEN.id, _TOKEN.scope, _TOKEN.expires_at, _TOKEN.last_used_at)
    .join(Token.__table__, _TOKEN.user_id == _USER.id)
    .outerjoin(Membership.__table__, _MEMBER.user_id == _USER.id)
    .where(_TOKEN.secret_hash == bindparam("secret_hash"))
)


def recognise(secret: str) -> Actor | None:
    """The actor whose token `secret` is, or None when it is unknown, revoked or past its time. Notes the use.

    Checks no permission: the secret is the proof.
    """
    key_hash, moment = hash_key(secret), now()
    rows = db.session.connection().execute(_NAMED_BY, {"secret_hash": key_hash}).all()
    if not rows or (rows[0].expires_at is not None and rows[0].expires_at <= moment):
        return None
    token = rows[0]
    if token.last_used_at is None or moment - token.last_used_at > _SEEN_EVERY:
        _note_use(token.id)
    may_write = token.scope == "write"
    return actor_of(rows, Via.TOKEN, may_write=may_write, key_hash=key_hash, expires_at=token.expires_at)


def _note_use(token_id: str) -> None:
    note(update(Token).where(Token.id == token_id).values(last_used_at=now()))
