"""Who can see or change an entry: the tab of its owners, and of the change that they see before they make it."""

from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, HiddenField, RadioField, SelectField, StringField

from portal.domain import acquaintances, entries, sharing
from portal.domain.entries import Entry
from portal.domain.kinds import Kind
from portal.domain.sharing import Preview, Terms
from portal.identity import current_actor
from portal.security.actor import Actor, nobody
from portal.security.guard import enforce
from portal.security.policy import Level, OnEntry
from portal.web import sharing_words
from portal.web.entries import head, pages
from portal.web.figures import Pages
from portal.web.filters import page_number
from portal.web.forms import REFUSALS, Form, Refusal, choices
from portal.web.htmx import wants_fragment

CHANGED_CHOICE = "This is another choice than the one you looked at. Look again, then save."
CHANGED_MEANWHILE = (
    "Meanwhile somebody changed who may see it, or who is in the team. This is what your choice does now."
)


class AccessForm(Form):
    """`chosen` and `seen` say which preview the person has looked at."""

    access = RadioField(
        "Who may see it", choices=choices(("private", "Private"), ("protected", "A team"), ("public", "Public"))
    )
    team_id = SelectField("Team", validate_choice=False)
    permission = RadioField("What they may do", choices=choices(("read", "Read"), ("write", "Write")))
    person = StringField("New owner")
    chosen = HiddenField()
    seen = HiddenField()
    confirm = BooleanField()

    def offer(self, teams: Any) -> None:
        self.team_id.choices = choices(("", "Choose a team"), *((team.id, team.name) for team in teams))

    def terms(self, entry: Entry) -> Terms:
        name = (self.person.data or "").strip()
        owner_id = acquaintances.named(current_actor(), name, "person").id if name else entry.owner_id
        return Terms(owner_id, self.access.data or "", self.team_id.data or None, self.permission.data or "")

    def complain(self, error: Refusal, names: Any = None) -> int:
        return super().complain(error, {"owner": "person", "user_id": "person", "name": "person", **(names or {})})


@pages.get("/<kind:kind>/<id:entry_id>/access", endpoint="access")
def show(kind: Kind, entry_id: str) -> ResponseReturnValue:
    entry = entries.get(current_actor(), kind, entry_id)
    enforce(current_actor(), OnEntry.OVERSEE, entry)
    terms = sharing.terms_of(entry)
    given = {"access": terms.access, "team_id": terms.team_id or "", "permission": terms.default_permission}
    return _page(kind, entry, AccessForm(formdata=None, data=given))


@pages.post("/<kind:kind>/<id:entry_id>/access", endpoint="change_access")
def change(kind: Kind, entry_id: str) -> ResponseReturnValue:
    """Without `seen` it shows what the change would do; with it, it makes the change that was looked at."""
    entry = entries.get(current_actor(), kind, entry_id)
    enforce(current_actor(), OnEntry.OWN, entry)
    form, said, status = AccessForm(), None, 200
    try:
        said = sharing.preview(current_actor(), entry, form.terms(entry), visitor=_visitor())
        status = _look(form, said)
        if not status:
            sharing.change(current_actor(), entry, said.after, said.seen, visitor=_visitor())
            flash("Saved.", "success")
            return redirect(_where_next(kind, entry_id, said))
    except REFUSALS as error:
        status, said = form.complain(error), None
    return _page(kind, entry, form, said), 200 if wants_fragment() else status


def _look(form: AccessForm, said: Preview) -> int:
    """The status of the answer that shows the preview, or 0 where nothing is left but to do what it says."""
    seen, chosen = form.seen.data, form.chosen.data
    form.seen.data, form.chosen.data = said.seen, repr(said.after)
    if not seen or wants_fragment():
        return 200
    if chosen != form.chosen.data:
        form.form_errors.append(CHANGED_CHOICE)
        return 422
    if seen != said.seen:
        form.form_errors.append(CHANGED_MEANWHILE)
        return 409
    if sharing_words.asks(said) and not form.confirm.data:
        form.confirm.errors = ["Tick this to go on."]
        return 422
    return 0


def _where_next(kind: Kind, entry_id: str, said: Preview) -> str:
    """The page that the actor can still see."""
    own = next((change.step.after for change in said.changes if change.has_actor), None)
    if own is None or own == Level.OWNER:
        return url_for("entries.access", kind=kind, entry_id=entry_id)
    return url_for("entries.show", kind=kind, entry_id=entry_id) if own else url_for("entries.index", kind=kind)


def _page(kind: Kind, entry: Entry, form: AccessForm, said: Preview | None = None) -> str:
    actor, number = current_actor(), page_number(request.args)
    teams = sharing.teams_for(actor, entry)
    form.offer(teams)
    names = {team.id: team.name for team in teams}
    problems = [message for messages in form.errors.values() for message in messages]
    shown: dict[str, Any] = {"kind": kind, "entry": entry, "form": form, "said": said, "problems": problems}
    if said:
        shown |= {"sentences": sharing_words.sentences(said, names), "asks": sharing_words.asks(said)}
    if wants_fragment():
        return render_template("access/_preview.html", **shown)
    audience = sharing.people_of(actor, entry, offset=(number - 1) * sharing.PAGE_ROWS, visitor=_visitor())
    here = url_for("entries.access", kind=kind, entry_id=entry.id)
    return render_template(
        "access/show.html",
        **{**head(kind, entry), **shown},
        audience=audience,
        levels=sharing_words.LEVELS,
        pages=Pages.of(number, audience.total, sharing.PAGE_ROWS, f"{here}?page="),
        anonymous_read=_visitor().may_read_public,
        known=acquaintances.known(actor, "", most=100),
    )


def _visitor() -> Actor:
    return nobody(may_read_public=current_app.extensions["portal"].anonymous_read)
