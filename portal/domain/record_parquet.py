"""Records as Parquet, an optional extra: `pip install 'model-portal[parquet]'`."""

import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from typing import Any

from portal.domain.record_reading import Around, Named, Reading, Row
from portal.domain.record_search import Wanted
from portal.domain.record_stream import Pieces
from portal.security.actor import Actor
from portal.security.guard import scoped

GROUP = 20_000  # rows that are held until they can be written together


def is_installed() -> bool:
    return importlib.util.find_spec("pyarrow") is not None


@scoped
def parquet(
    actor: Actor, wanted: Wanted, *, newest: bool = False, limit: int | None = None, after: str | None = None
) -> Pieces:
    """The same records as `record_stream.lines`, typed and in columns; data and info are JSON in texts."""
    reading = Reading(actor, wanted, newest=newest, limit=limit, after=after)
    return Pieces(reading, _pieces(reading))


def _pieces(reading: Reading) -> Iterator[bytes]:
    arrow, file_format = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    schema = _schema(arrow, reading.wanted.kind.word if reading.wanted.kind else "entry")
    sink = _Sink()
    rows: list[Row] = []
    with file_format.ParquetWriter(arrow.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        for some in reading:
            rows += some
            if len(rows) >= GROUP or reading.is_whole:
                writer.write_table(_table(arrow, schema, reading, rows))
                rows.clear()
                yield sink.taken()
    yield sink.taken()


def _schema(arrow: Any, word: str) -> Any:
    """A name is kept once a group, however often it comes."""
    name, text = arrow.dictionary(arrow.int32(), arrow.string()), arrow.string()
    parts = [(f"{each}_{part}", name) for each in ("dataset", word) for part in ("id", "name")]
    more = [(f"{each}_{part}", name) for each in ("experiment", "season", "site") for part in ("id", "name")]
    times = [("timestamp", arrow.timestamp("us", tz="UTC")), ("collection_date", arrow.date32())]
    ends = [("record_file", text), ("record_info", text)]
    return arrow.schema([("id", text), *times, *parts, (f"{word}_data", text), *more, *ends])


def _table(arrow: Any, schema: Any, reading: Reading, rows: Sequence[Row]) -> Any:
    ids, moments, days, datasets, numbers, data, files, info = zip(*rows, strict=True)
    in_dataset: list[Named] = [reading.datasets[key] for key in datasets]
    around: list[Around] = [reading.around[number] for number in numbers]
    named = [in_dataset, *([getattr(each, part) for each in around] for part in Around._fields[1:])]
    pairs = [[[each.id for each in some], [each.name for each in some]] for some in named]
    columns = [ids, moments, days, *pairs[0], *pairs[1], data, *pairs[2], *pairs[3], *pairs[4], files, info]
    arrays = [
        arrow.array(column, arrow.string()).cast(kind) for column, kind in zip(columns, schema.types, strict=True)
    ]
    return arrow.Table.from_arrays(arrays, schema=schema)


class _Sink:
    """A file that gives away what was written to it so far."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._position = 0

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
