"""How far something is that reads or writes many bytes. Silent but for its label where nobody looks."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from portal.web.figures import human_size


@contextmanager
def interruptible(how_to_go_on: str) -> Iterator[None]:
    """Ctrl-C ends the command with 130, which no result is, and this sentence."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"Interrupted; {how_to_go_on}.", err=True)
        raise click.exceptions.Exit(130) from None


@contextmanager
def bar(label: str, size: int) -> Iterator[Callable[[int], None]]:
    """What is given takes so many bytes more as done."""
    began, done = time.monotonic(), 0

    def speed(_item: None) -> str:
        return f"{human_size(int(done / max(time.monotonic() - began, 0.001)))}/s"

    label = f"{label}, {human_size(size)}"
    with click.progressbar(length=size, label=label, item_show_func=speed, file=sys.stderr) as shown:

        def more(number: int) -> None:
            nonlocal done
            done += number
            shown.update(number)

        yield more
