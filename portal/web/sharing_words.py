"""A preview of other terms in plain words: who comes in or goes out, gets more or less, and what is asked back."""

from collections.abc import Mapping
from typing import NamedTuple

from portal.domain.sharing import Change, Preview, Rule, Step
from portal.security.policy import Level
from portal.web.figures import counted

LEVELS = {Level.NONE: "nothing", Level.READ: "read", Level.WRITE: "write", Level.OWNER: "owner"}
MOST_IN_A_SENTENCE = 3

Teams = Mapping[str | None, str]


class Sentence(NamedTuple):
    """`names` are the first of those whom the sentence only counts, `others` how many more there are."""

    drawing: str
    text: str
    names: tuple[str, ...] = ()
    others: int = 0


def sentences(said: Preview, teams: Teams) -> list[Sentence]:
    """`teams` maps the ids of the teams concerned to their names."""
    found = [_of_people(change, teams) for change in said.changes]
    rises = any(change.rule is Rule.OWNER and opens(change.step) for change in said.changes)
    if said.heir is not None and not rises:  # they might do all that an owner may before
        found.insert(0, Sentence("person", f"Makes {said.heir} the owner."))
    else_ = " else" if said.changes or "protected" in (said.before.access, said.after.access) else ""
    everybody = f"everybody{else_} who is signed in"
    for step, who in ((said.signed_in, everybody), (said.visitors, "visitors who are not signed in")):
        if step.before != step.after:
            found.append(Sentence(_drawing(step), _told(step, who)))
    return found


def asks(said: Preview) -> str:
    """What must be said yes to before the change is made; empty where it can be taken back as easily."""
    writes = said.signed_in.after == Level.WRITE
    if opens(said.visitors):
        return f"Yes, everybody may see it from now on{', and change it after signing in' if writes else ''}."
    if opens(said.signed_in):
        return f"Yes, everybody who is signed in may see {'and change ' if writes else ''}it from now on."
    own = next((change.step for change in said.changes if change.has_actor), None)
    if own is None or own.after > own.before:
        return ""
    left = f"I keep {LEVELS[own.after]}" if own.after else "I will not see it any more"
    return f"Yes, I give up being an owner: {left}."


def opens(step: Step) -> bool:
    return step.after > step.before


def _of_people(change: Change, teams: Teams) -> Sentence:
    team, few = teams.get(change.team_id, ""), change.number <= MOST_IN_A_SENTENCE
    who = _names(change) if few else counted(change.number, "person", "people")
    if change.rule is Rule.OWNER:
        if opens(change.step):
            return Sentence("person", f"Makes {who} the owner.")
        who = f"{who} (owner until now)"
    elif change.rule is Rule.TEAM_ADMIN:
        admins = "admin" if change.number == 1 else "admins"
        who = f"{who} ({admins} of team {team})" if few else f"{counted(change.number, 'admin')} of team {team}"
    elif change.rule is Rule.MEMBER:
        who = f"{who} of team {team}"
    told = Sentence(_drawing(change.step), _told(change.step, who))
    return told if few else told._replace(names=change.names, others=change.number - len(change.names))


def _told(step: Step, who: str) -> str:
    after, before = LEVELS[step.after], LEVELS[step.before]
    if not step.before:
        return f"Adds {who}: {after}."
    if not step.after:
        return f"Removes {who}."
    return f"Gives {who} {'more' if opens(step) else 'less'}: {after} instead of {before}."


def _drawing(step: Step) -> str:
    if step.before and step.after:
        return "arrow-right"
    return "plus-lg" if opens(step) else "x-lg"


def _names(change: Change) -> str:
    names = [*(["you"] if change.has_actor else []), *change.names]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
