"""Fair rounds: every case once a round, in random order, and ratios taken inside a round because machines drift."""

from __future__ import annotations

import os
import random
import signal
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

Figures = Mapping[str, float]
Results = dict[str, list[Figures]]


def play(cases: Mapping[str, Callable[[], Figures]], runs: int) -> Results:
    """Runs every case `runs` times; the figures of each case, one mapping a round."""
    results: Results = {name: [] for name in cases}
    for _ in range(runs):
        for name in random.sample(list(cases), len(cases)):
            os.sync()  # dirty pages of the case before must not be written at this one's expense
            results[name].append(cases[name]())
    return results


def median(results: Results, name: str, figure: str) -> float:
    return statistics.median(figures[figure] for figures in results[name])


def ratio(results: Results, name: str, reference: str, figure: str, reference_figure: str | None = None) -> float:
    """Median over the rounds of `name`'s figure divided by the reference's figure of the same round."""
    pairs = zip(results[name], results[reference], strict=True)
    return statistics.median(ours[figure] / theirs[reference_figure or figure] for ours, theirs in pairs)


def table(rows: Sequence[Mapping[str, str]]) -> None:
    """Prints the rows under the names of their cells; a row may lack some."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    widths = {column: max(len(column), *(len(row.get(column, "")) for row in rows)) for column in columns}
    first, *others = columns
    for row in [dict(zip(columns, columns, strict=True)), *rows]:
        cells = [row.get(first, "").ljust(widths[first]), *(row.get(c, "").rjust(widths[c]) for c in others)]
        print("  ".join(cells))


@contextmanager
def workplace(minutes: float) -> Iterator[Path]:
    """A temporary folder (under $BENCH_DIR if set), and a limit on how long the whole benchmark may take."""

    def too_long(signum: int, frame: object) -> None:
        raise SystemExit(f"stopped after {minutes} minutes")

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(int(minutes * 60))
    try:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR")) as folder:
            yield Path(folder)
    finally:
        signal.alarm(0)


def peer(*path: str) -> Path | None:
    """A file below $BENCH_PEERS, None (after saying so) where that peer is not installed."""
    root = os.environ.get("BENCH_PEERS")
    found = Path(root, *path) if root else None
    if found and found.exists():
        return found.absolute()
    print(f"left out: no {'/'.join(path)} below $BENCH_PEERS")
    return None


def random_file(path: Path, size: int) -> Path:
    """A file of random bytes, on disk and in the page cache."""
    with path.open("wb") as file:
        for offset in range(0, size, 1 << 24):
            file.write(os.urandom(min(1 << 24, size - offset)))
        file.flush()
        os.fsync(file.fileno())
    return path
