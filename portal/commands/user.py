"""`portal user`: people, from the command line. This is how the first administrator comes to be."""

import click

from portal.commands.database import on_database
from portal.domain import audit, users
from portal.domain.audit import What
from portal.domain.users import User
from portal.extensions import db
from portal.security.actor import Actor, Via

SHELL = Actor(via=Via.COMMAND)

password_option = click.option("--password", metavar="PW", help="8 to 128 characters; asked for, unseen, if not given.")


@click.group()
def user() -> None:
    """People."""


@user.command()
@click.argument("username")
@click.argument("email")
@password_option
@click.option("--admin", is_flag=True, help="Make an administrator.")
@on_database
def create(username: str, email: str, password: str | None, admin: bool) -> None:
    """Add a person who may log in, and print their id."""
    made = users.create(username, email, _or_asked(password), is_admin=admin)
    audit.note(SHELL, What.USER_CREATED, about=made.username)
    if admin:
        audit.note(SHELL, What.USER_PROMOTED, about=made.username)
    db.session.commit()
    click.echo(made.id)


@user.command()
@click.argument("username")
@on_database
def verify(username: str) -> None:
    """Let USERNAME log in, whose account waits for that (PORTAL_SIGNUP=verify)."""
    someone = users.find(username)
    users.verify(someone)
    audit.note(SHELL, What.USER_VERIFIED, about=someone.username)
    db.session.commit()
    click.echo(f"{username} may log in.")


@user.command()
@click.argument("username")
@password_option
@on_database
def password(username: str, password: str | None) -> None:
    """Give USERNAME a new password, and end every session of theirs. API tokens stay until they are revoked."""
    someone = users.find(username)
    users.set_password(someone, _or_asked(password))
    audit.note(SHELL, What.PASSWORD_REPLACED, about=someone.username)
    db.session.commit()
    click.echo(f"{username} has a new password and is logged out everywhere.")


@user.command("list")
@on_database
def show_all() -> None:
    """Show everybody: user name, e-mail, day of sign-up, and who is an administrator or waits to be verified."""
    people = users.list_all()
    rows = [(each.username, each.email, f"{each.created_at:%Y-%m-%d}", _standing(each)) for each in people]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(map(str.ljust, row, widths)).rstrip())


def _standing(someone: User) -> str:
    words = (someone.is_admin, "administrator"), (not someone.is_verified, "not verified")
    return ", ".join(word for holds, word in words if holds)


def _or_asked(given: str | None) -> str:
    return click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True) if given is None else given
