"""The policy, read aloud: who may do what to which thing. Unknown means no.

Looks at attributes only (`owner_id`, `access`, `team_id`, `default_permission`), so it needs no table.
"""

from collections.abc import Callable
from enum import Enum, IntEnum
from typing import Any

from portal.security.actor import Actor, Via


class Level(IntEnum):
    """What a person may do with an entry; a higher one includes the lower."""

    NONE = 0
    READ = 1
    WRITE = 2
    OWNER = 3


class Permission(Enum):
    pass


class Portal(Permission):
    """Things that concern no entry."""

    USE = "be signed in"
    CHANGE = "be signed in with a credential that may change things"
    OVERSEE = "see what is done in the whole portal, and by whom"
    ADMINISTER = "make teams, look after people"


class OnEntry(Permission):
    READ = "see an entry, its versions and files"
    WRITE = "edit an entry, add versions"
    OWN = "delete an entry, change who sees it"
    OVERSEE = "see what was done to an entry, and by whom"


class OnTeam(Permission):
    SEE = "see a team, who is in it and what it shares"
    CONTRIBUTE = "make apps in a team"
    LEAVE = "end one's own membership"
    OVERSEE = "have a program list a team's people and what it shares"
    ADMINISTER = "rename a team, say who is in it and who looks after it"
    REMOVE = "delete a team"


class OnApp(Permission):
    CONTRIBUTE = "register entries in an app"
    ADMINISTER = "rename an app, end it"


class OnUpload(Permission):
    SEE = "see how far an upload is"
    CONTINUE = "send chunks, finish"
    ABORT = "end an upload and delete what has arrived"


class OnAccount(Permission):
    """The thing is the id of the person whose account it is."""

    SELF = "change one's own name, password, tokens"


def level(actor: Actor, entry: Any) -> Level:
    """The highest level that a rule gives `actor` on `entry`, whatever their credential may change."""
    if actor.is_known and (actor.is_admin or entry.owner_id == actor.user_id):
        return Level.OWNER
    if entry.access == "public":
        if actor.is_known:
            return Level[entry.default_permission.upper()]
        return Level.READ if actor.may_read_public else Level.NONE
    if entry.access == "protected" and entry.team_id in actor.teams:
        return Level.OWNER if actor.teams[entry.team_id] else Level[entry.default_permission.upper()]
    return Level.NONE


def can_read(actor: Actor, entry: Any) -> bool:
    return level(actor, entry) >= Level.READ


def can_write(actor: Actor, entry: Any) -> bool:
    return actor.may_write and level(actor, entry) >= Level.WRITE


def is_owner(actor: Actor, entry: Any) -> bool:
    return actor.may_write and level(actor, entry) >= Level.OWNER


def owns(actor: Actor, entry: Any) -> bool:
    """Whatever their credential may change."""
    return level(actor, entry) >= Level.OWNER


def is_admin(actor: Actor, _thing: Any) -> bool:
    return actor.is_known and actor.is_admin


def is_admin_and_may_change(actor: Actor, _thing: Any) -> bool:
    return actor.may_write and is_admin(actor, _thing)


def is_in(actor: Actor, team: Any) -> bool:
    return is_admin(actor, team) or team.id in actor.teams


def is_in_and_may_change(actor: Actor, team: Any) -> bool:
    return actor.may_write and is_in(actor, team)


def is_in_its_team(actor: Actor, app: Any) -> bool:
    return is_in(actor, app.team)


def is_in_its_team_and_may_change(actor: Actor, app: Any) -> bool:
    return actor.may_write and is_in_its_team(actor, app)


def looks_after_its_team_and_may_change(actor: Actor, app: Any) -> bool:
    return looks_after_and_may_change(actor, app.team)


def looks_after(actor: Actor, team: Any) -> bool:
    return is_admin(actor, team) or actor.teams.get(team.id, False)


def looks_after_and_may_change(actor: Actor, team: Any) -> bool:
    return actor.may_write and looks_after(actor, team)


def is_known(actor: Actor, _thing: Any) -> bool:
    return actor.is_known


def may_change(actor: Actor, _thing: Any) -> bool:
    return actor.is_known and actor.may_write


def began_it(actor: Actor, upload: Any) -> bool:
    return actor.is_known and actor.user_id == upload.user_id


def began_it_and_can_write(actor: Actor, upload: Any) -> bool:
    """Also where the entry is gone: who began the upload may hear that there is nothing left to continue."""
    return began_it(actor, upload) and actor.may_write and (upload.entry is None or can_write(actor, upload.entry))


def began_it_and_holds_on(actor: Actor, upload: Any) -> bool:
    """A person sees what they began; an upload token ends with the right to write there."""
    return began_it(actor, upload) and (actor.via is not Via.UPLOAD or began_it_and_can_write(actor, upload))


def began_it_and_may_end_it(actor: Actor, upload: Any) -> bool:
    """A person takes back what they began, whatever right is left; an upload token ends with the right to write."""
    return began_it_and_holds_on(actor, upload) and actor.may_write


def is_self(actor: Actor, user_id: Any) -> bool:
    return actor.is_known and actor.user_id == user_id


def is_self_and_may_change(actor: Actor, user_id: Any) -> bool:
    return actor.may_write and is_self(actor, user_id)


POLICY: dict[Permission, Callable[[Actor, Any], bool]] = {
    Portal.USE: is_known,
    Portal.CHANGE: may_change,
    Portal.OVERSEE: is_admin,
    Portal.ADMINISTER: is_admin_and_may_change,
    OnEntry.READ: can_read,
    OnEntry.WRITE: can_write,
    OnEntry.OWN: is_owner,
    OnEntry.OVERSEE: owns,
    OnTeam.SEE: is_in,
    OnTeam.CONTRIBUTE: is_in_and_may_change,
    OnTeam.LEAVE: is_in_and_may_change,
    OnTeam.OVERSEE: looks_after,
    OnTeam.ADMINISTER: looks_after_and_may_change,
    OnTeam.REMOVE: is_admin_and_may_change,
    OnApp.CONTRIBUTE: is_in_its_team_and_may_change,
    OnApp.ADMINISTER: looks_after_its_team_and_may_change,
    OnUpload.SEE: began_it_and_holds_on,
    OnUpload.CONTINUE: began_it_and_can_write,
    OnUpload.ABORT: began_it_and_may_end_it,
    OnAccount.SELF: is_self_and_may_change,
}


def can(actor: Actor, permission: Permission, thing: Any = None) -> bool:
    if actor.via is Via.UPLOAD and not _is_own_upload(actor, permission, thing):
        return False
    rule = POLICY.get(permission)
    return rule is not None and rule(actor, thing)


def is_visible(actor: Actor, permission: Permission, thing: Any) -> bool:
    """Whether a refusal may admit that the thing exists (403) or must not (404)."""
    if isinstance(permission, OnEntry):
        return can_read(actor, thing)
    if isinstance(permission, OnTeam):
        return is_in(actor, thing)
    if isinstance(permission, OnApp):
        return is_in_its_team(actor, thing)
    if isinstance(permission, OnUpload):
        return began_it(actor, thing)
    return True


def _is_own_upload(actor: Actor, permission: Permission, thing: Any) -> bool:
    return isinstance(permission, OnUpload) and thing.id == actor.upload_id
