"""Who is calling, and how they came."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Via(StrEnum):
    NOBODY = "nobody"
    SESSION = "session"
    LOGIN = "login"
    TOKEN = "token"
    UPLOAD = "upload"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller of a verb. `teams` maps the ids of the actor's teams to whether they administer the team.

    `address` is where the request comes from; commands have none. `upload_id` is set for an upload token, which is good
    for that one upload; `key_hash` names the session or token row that spoke for the actor; `expires_at` is when that
    credential ends.
    """

    user_id: str | None = None
    username: str = ""
    is_admin: bool = False
    teams: Mapping[str, bool] = field(default_factory=dict)
    may_write: bool = False
    may_read_public: bool = True
    via: Via = Via.NOBODY
    key_hash: str | None = None
    expires_at: datetime | None = None
    upload_id: str | None = None
    address: str | None = None

    @property
    def is_known(self) -> bool:
        return self.user_id is not None


def nobody(*, may_read_public: bool) -> Actor:
    return Actor(may_read_public=may_read_public)
