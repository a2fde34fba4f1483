"""The small forms. They hold what was typed; the rules are the verbs', whose complaints land beside the field."""

from collections.abc import Mapping
from typing import Any

from flask import current_app, request
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import EmailField, PasswordField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired

from portal.errors import PortalError, invalid
from portal.extensions import db
from portal.identity import current_actor
from portal.settings import LARGEST_SIZE
from portal.uploads.translate import StorageError, translate

REFUSALS = (PortalError, StorageError)
Refusal = PortalError | StorageError


class Form(FlaskForm):
    def complain(self, error: Refusal, names: Mapping[str, str] | None = None) -> int:
        """Shows a verb's error beside its field, what belongs to no field of this form on top; returns its status.

        `names` maps the verb's names to the form's. What is not the sender's to mend is raised on.
        """
        if isinstance(error, StorageError):
            error = translate(error)
        if error.status in (401, 403, 404) and not error.fields:
            raise error
        db.session.rollback()  # the verb may have left half of its change in the session
        for name, message in error.fields or [("", error.detail)]:
            field = self._fields.get((names or {}).get(name, name))
            if field is None:
                self.form_errors.append(message)
            else:
                field.errors = [*field.errors, message]
        return error.status


def take_whole_file(other_fields: int) -> None:
    """The request's form carries a file as large as files may be, from whoever may send one, and `other_fields` bytes.

    To be called before anybody reads the form.
    """
    if current_actor().may_write:
        largest = current_app.extensions["portal"].max_file_size
        request.max_content_length = LARGEST_SIZE if largest is None else largest + other_fields


def required(words: str) -> list[Any]:
    return [InputRequired(words)]


def choices(*pairs: tuple[str, str]) -> list[SelectChoice]:
    """The options of a select field from (value, words)."""
    return [SelectChoice(*pair) for pair in pairs]


class LoginForm(Form):
    email = EmailField("E-mail", required("Give your e-mail address."))
    password = PasswordField("Password", required("Give your password."))


class SignUpForm(Form):
    username = StringField("User name", required("Choose a user name."))
    email = EmailField("E-mail", required("Give your e-mail address."))
    password = PasswordField("Password", required("Choose a password."))


class ProfileForm(Form):
    username = StringField("User name", required("Give a user name."))
    email = EmailField("E-mail", required("Give your e-mail address."))
    current = PasswordField("Current password", required("Give your current password."))


class PasswordForm(Form):
    current = PasswordField("Current password", required("Give your current password."), id="password-current")
    new = PasswordField("New password", required("Choose a new password."))


class TokenForm(Form):
    name = StringField("Name", required("Give the token a name."))
    scope = SelectField("It may", choices=choices(("read", "read"), ("write", "read and write")))
    expires_in = SelectField(
        "It ends",
        choices=choices(("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year"), ("", "never")),
        default="90",
    )


class DeleteForm(Form):
    """Asks for the name of what is to go."""

    name = StringField("Name", required("Type the name."))

    def require(self, name: str, words: str = "This is not its name.") -> None:
        """422 where something else is typed."""
        if (self.name.data or "").strip() != name:
            raise invalid("name", words)


class UploadForm(Form):
    """Without JavaScript it carries the file itself; with it, the script reads the fields."""

    entry = SelectField("For", required("Choose one."), default="", validate_choice=False)
    name = StringField("Name", required("Give a name."))
    type = StringField("Type")
    description = TextAreaField("Description")
    file = FileField("File")
