"""`portal deploy`: the files that put the portal on a server, as they lie in the package."""

from importlib.resources import files

import click

FOLDER = files("portal").joinpath("deploy")
FILES = {
    "nginx.conf": "the portal behind nginx with TLS",
    "nginx-store.conf": "the same nginx before an S3-compatible store of your own",
    "model-portal.service": "the portal as a systemd service",
    "model-portal": "a command for root that runs the portal's with the service's settings",
    "Containerfile": "the portal as a container image",
    "compose.yaml": "the portal with PostgreSQL, an S3-compatible store and nginx, as containers",
}


@click.command(epilog="\b\n" + "\n".join(f"{name:22}{about}" for name, about in FILES.items()))
@click.argument("file", type=click.Choice(list(FILES)))
def deploy(file: str) -> None:
    """Print one of the files for a server. What to change in it is marked CHANGE."""
    click.echo(FOLDER.joinpath(file).read_text(), nl=False)
