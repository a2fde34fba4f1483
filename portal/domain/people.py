"""People as others see them, and what administrators do about them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from portal.domain.teams import Membership, Team
from portal.domain.users import User
from portal.extensions import db
from portal.security.actor import Actor
from portal.security.guard import allows
from portal.security.policy import Portal


@allows(Portal.USE)
def profile(actor: Actor) -> tuple[User, Sequence[Any]]:
    """The caller and their teams as rows of id, name, is_admin."""
    assert actor.user_id is not None
    teams = select(Team.id, Team.name, Membership.is_admin).join(Membership, Membership.team_id == Team.id)
    rows = db.session.execute(teams.where(Membership.user_id == actor.user_id).order_by(Team.name_key)).all()
    return db.session.get_one(User, actor.user_id), rows
