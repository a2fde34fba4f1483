"""Who sees what, as a condition for lists: the same rule as `policy.level`, said in SQL."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, false, or_, true

from portal.security.actor import Actor
from portal.security.guard import scoped

if TYPE_CHECKING:
    from portal.domain.entries import Entry

LEVELS = ("private", "protected", "public")
DEFAULT_PERMISSIONS = ("read", "write")


@scoped
def readable(actor: Actor, entry: "type[Entry] | Any") -> ColumnElement[bool]:
    """The condition on `entry` (the table or an alias) that holds for what `actor` may read."""
    if actor.is_admin:
        return true()
    public = entry.access == "public"
    if not actor.is_known:
        return public if actor.may_read_public else false()
    rules = [entry.owner_id == actor.user_id, public]
    if actor.teams:
        rules.append(and_(entry.access == "protected", entry.team_id.in_(actor.teams)))
    return or_(*rules)
