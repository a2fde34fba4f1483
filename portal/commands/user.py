"""`portal user`: people, from the command line. This is how the first administrator comes to be."""

import click

from portal.commands.database import on_database
from portal.domain import users
from portal.extensions import db


@click.group()
def user() -> None:
    """People."""


@user.command()
@click.argument("username")
@click.argument("email")
@click.option("--password", metavar="PW", help="8 to 128 characters; asked for, unseen, if not given.")
@click.option("--admin", is_flag=True, help="Make an administrator.")
@on_database
def create(username: str, email: str, password: str | None, admin: bool) -> None:
    """Add a person who may log in, and print their id."""
    if password is None:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    made = users.create(username, email, password, is_admin=admin)
    db.session.commit()
    click.echo(made.id)
