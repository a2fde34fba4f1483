"""The audit trail in sentences: “Maya made it public”, when, from where."""

from collections.abc import Container, Iterable
from typing import NamedTuple

from flask import url_for
from markupsafe import Markup, escape

from portal.database import now
from portal.domain.audit import AuditEntry, What, said
from portal.domain.kinds import BY_WORD
from portal.security.actor import Actor, Via
from portal.web.figures import counted, exact_time, time_tag

SENTENCES = {
    What.ENTRY_REGISTERED: "registered {it}",
    What.ENTRY_RENAMED: "renamed {it}, which was “{was}”",
    What.ENTRY_DELETED: "deleted {it}",
    What.ACCESS_CHANGED: "made {it} {now}; it was {was}",
    What.DEFAULT_PERMISSION_CHANGED: "let those who see {it} {now} it; before, {was} it",
    What.OWNER_CHANGED: "gave {it} to {about}; it was {was}’s",
    What.VERSION_PUBLISHED: "uploaded version {number} of {it}",
    What.VERSION_DEPLOYED: "deployed version {number} of {it} to {environment}",
    What.RECORDS_DELETED: "deleted {records} of {it}",
    What.TEAM_CREATED: "made the team {team}",
    What.TEAM_RENAMED: "renamed the team {was} to {team}",
    What.TEAM_DELETED: "deleted the team {team}",
    What.APP_CREATED: "made the app {name} of the team {team}",
    What.APP_RENAMED: "renamed the app {was} of the team {team} to {name}",
    What.APP_DELETED: "deleted the app {name} of the team {team}",
    What.MEMBER_ADDED: "added {about} to the team {team}",
    What.MEMBER_REMOVED: "removed {about} from the team {team}",
    What.MEMBER_PROMOTED: "made {about} an administrator of the team {team}",
    What.MEMBER_DEMOTED: "made {about} a plain member of the team {team}",
    What.MEMBER_LEFT: "left the team {team}",
    What.USER_SIGNED_UP: "signed up",
    What.USER_CREATED: "made an account for {about}",
    What.USER_RENAMED: "changed the user name {was} to {about}",
    What.USER_VERIFIED: "verified {about}",
    What.USER_PROMOTED: "made {about} an administrator",
    What.USER_DEMOTED: "made {about} an ordinary user",
    What.USER_DELETED: "deleted the account of {about}",
    What.TOKEN_MADE: "made the token “{name}”, to {may}",
    What.TOKEN_REVOKED: "revoked the token “{name}”",
    What.EMAIL_CHANGED: "changed their e-mail",
    What.PASSWORD_CHANGED: "changed their password",
    What.PASSWORD_REPLACED: "gave {about} a new password",
}
WAYS = {
    Via.NOBODY: "",
    Via.SESSION: "in a browser",
    Via.LOGIN: "by a program",
    Via.TOKEN: "by a program with an API token",
    Via.UPLOAD: "with an upload token",
    Via.COMMAND: "on the command line",
}
_MAY = {"read": "read", "write": "read and write"}
_LETS = {"read": "only read", "write": "change"}


class Line(NamedTuple):
    who: str
    sentence: Markup
    age: Markup
    at: str
    address: str
    way: str


def of_entry(actor: Actor, rows: Iterable[AuditEntry]) -> list[Line]:
    """For a page that is about the one entry."""
    return [_line(actor, row, Markup("it")) for row in rows]


def of_portal(actor: Actor, rows: Iterable[AuditEntry], existing: Container[str]) -> list[Line]:
    """For a page about everything; entries whose ids are among `existing` are linked."""
    return [_line(actor, row, _named(row, existing)) for row in rows]


def _line(actor: Actor, row: AuditEntry, it: Markup) -> Line:
    return Line(
        _who(row),
        _sentence(actor, row, it),
        time_tag(row.at, now()),
        exact_time(row.at),
        row.address or "",
        WAYS[Via(row.via)] if row.username else "",
    )


def _who(row: AuditEntry) -> str:
    if row.what == What.USER_SIGNED_UP:  # perhaps from the browser of somebody else
        return row.about
    return row.username or ("The command line" if row.via == Via.COMMAND else "The portal")


def _sentence(actor: Actor, row: AuditEntry, it: Markup) -> Markup:
    _, team, details = said(actor, row)
    words = {
        **details,
        "it": it,
        "about": "themselves" if row.about == row.username else row.about,
        "team": team,
        "records": counted(details.get("number", 0), "record"),
        "may": _MAY.get(details.get("scope", ""), ""),
    }
    if row.what == What.ACCESS_CHANGED:
        words["was"] = _level(details["was"], details.get("was_team", ""))
        words["now"] = _level(details["now"], team)
    elif row.what == What.DEFAULT_PERMISSION_CHANGED:
        words["was"], words["now"] = _LETS[details["was"]], _LETS[details["now"]]
    return Markup(SENTENCES[What(row.what)]).format(**words)  # noqa: S704 - our own words; what is put in is escaped


def _level(access: str, team: str) -> str:
    if access != "protected":
        return access
    return f"visible to the team {team}" if team else "visible to a team"


def _named(row: AuditEntry, existing: Container[str]) -> Markup:
    if row.entry_id is None or row.kind is None:
        return Markup("")
    kind = BY_WORD[row.kind]
    if row.entry_id not in existing:
        return escape(f"the {kind.word} {row.entry_name}")
    href = url_for("entries.show", kind=kind, entry_id=row.entry_id)
    return Markup('the {} <a href="{}">{}</a>').format(kind.word, href, row.entry_name)
