"""Whom one may name: anybody by the exact user name or e-mail; offered while typing are those alone whom one knows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select

from portal.domain import rules
from portal.domain.teams import Membership
from portal.domain.users import User
from portal.errors import invalid
from portal.extensions import db
from portal.search.filters import contains
from portal.security.actor import Actor
from portal.security.guard import allows
from portal.security.policy import Portal

MOST = 20


@allows(Portal.USE)
def known(actor: Actor, text: str, most: int = MOST) -> Sequence[Any]:
    """Rows of id, username, email: of those who share a team with the actor (of everybody, for an administrator) the
    first with `text` in user name or e-mail, by user name."""
    query = select(User.id, User.username, User.email).order_by(User.username_key).limit(most)
    if not actor.is_admin:
        together = select(Membership.user_id).where(Membership.team_id.in_(actor.teams))
        query = query.where(or_(User.id == actor.user_id, User.id.in_(together)))
    if wanted := rules.key(rules.line(text, "q")):
        query = query.where(or_(contains(User.username_key, wanted), contains(User.email_key, wanted)))
    return db.session.execute(query).all()


@allows(Portal.CHANGE)
def named(actor: Actor, text: str, field: str) -> User:
    """The person with this user name or e-mail, in any case; 422 for `field` if there is nobody."""
    wanted = rules.key(rules.line(text, field))
    user = db.session.scalar(select(User).where(or_(User.username_key == wanted, User.email_key == wanted)))
    if user is None:
        raise invalid(field, "There is nobody with this user name or e-mail.")
    return user
