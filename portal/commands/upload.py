"""`portal upload`: the client of another portal. It needs neither settings nor a database of its own."""

import click

from portal import client


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
    short_help="Upload a file to a portal, resuming by itself.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def upload(context: click.Context, arguments: tuple[str, ...]) -> None:
    """Everything after the verb is the client's own command line, which also works where no portal is installed."""
    context.exit(client.main(list(arguments), prog="portal upload"))
