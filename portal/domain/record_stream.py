"""Records as NDJSON: the very texts that are stored, joined by what they have in common."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from portal.domain.record_reading import Around, Named, Reading, Row
from portal.domain.record_search import Wanted
from portal.security.actor import Actor
from portal.security.guard import scoped
from portal.strict_json import kept

T = TypeVar("T")


class Pieces(Iterator[bytes]):
    """The body of an answer; `reading` tells what is known beforehand. Whoever sends it closes it."""

    def __init__(self, reading: Reading, pieces: Iterator[bytes]) -> None:
        self.reading, self._pieces = reading, pieces

    @property
    def body(self) -> "bytes | Pieces":
        """All of it at once where that is little."""
        return b"".join(self) if self.reading.is_whole else self

    @property
    def headers(self) -> dict[str, str]:
        """How many records there are in all, where that is known."""
        total = self.reading.total
        return {} if total.is_capped else {"X-Total-Count": str(total.number)}

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        self.reading.close()


@scoped
def lines(
    actor: Actor, wanted: Wanted, *, newest: bool = False, limit: int | None = None, after: str | None = None
) -> Pieces:
    """NDJSON: every record as the registry dialect writes it, on one line."""
    reading = Reading(actor, wanted, newest=newest, limit=limit, after=after)
    datasets = Rendered(lambda key: _members("dataset", reading.datasets[key]))
    before = Rendered(lambda number: _before_data(reading.around[number]))
    behind = Rendered(lambda number: _behind_data(reading.around[number]))
    return Pieces(reading, (_joined(rows, datasets, before, behind) for rows in reading))


def _joined(rows: Sequence[Row], datasets: "Texts", before: "Texts", behind: "Texts") -> bytes:
    """One line a row, of texts as they are stored: nothing is parsed, and no object made but the line."""
    return "".join(
        [
            f'{{"id":"{id_}","timestamp":"{timestamp}","collection_date":"{collected}",{datasets[dataset]}'
            f'{before[number]}{data or "null"}{behind[number]}"record_file":'
            f'{"null" if file_name is None else kept(file_name)},"record_info":{info}}}\n'
            for id_, timestamp, collected, dataset, number, data, file_name, info in rows
        ]
    ).encode()


class Rendered(dict[Any, T]):
    """What is made when it is first needed."""

    def __init__(self, render: Callable[[Any], T]) -> None:
        super().__init__()
        self._render = render

    def __missing__(self, key: Any) -> T:
        made = self[key] = self._render(key)
        return made


Texts = Rendered[str]


def _members(word: str, named: Named) -> str:
    return f'"{word}_id":{kept(named.id)},"{word}_name":{kept(named.name)},'


def _before_data(around: Around) -> str:
    return f'{_members(around.kind, around.entry)}"{around.kind}_data":'


def _behind_data(around: Around) -> str:
    return "," + "".join(_members(word, getattr(around, word)) for word in ("experiment", "season", "site"))
