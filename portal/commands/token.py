"""`portal token`: personal API tokens, from the command line."""

from datetime import timedelta

import click

from portal.commands.database import on_database
from portal.database import now
from portal.domain import tokens, users
from portal.domain.sessions import actor_for
from portal.extensions import db
from portal.security.actor import Via


@click.group()
def token() -> None:
    """Personal API tokens."""


@token.command()
@click.argument("username")
@click.argument("name")
@click.option("--scope", type=click.Choice(tokens.SCOPES), default="read", show_default=True)
@click.option("--expires-in", metavar="DAYS", type=click.IntRange(1, 36_500), help="Never, if not given.")
@on_database
def create(username: str, name: str, scope: str, expires_in: int | None) -> None:
    """Make a token called NAME for USERNAME, and print it. It is shown this once."""
    owner = users.find(username)
    expires_at = now() + timedelta(days=expires_in) if expires_in else None
    _token, secret = tokens.issue(actor_for(owner, Via.COMMAND), owner.id, name, scope, expires_at)
    db.session.commit()
    click.echo(secret)
