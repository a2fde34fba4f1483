"""The roll-up compared with the records themselves: what `tally` should say, and where it says something else."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import func, literal, select, union_all

from portal.domain import tally
from portal.domain.circumstances import Circumstances
from portal.domain.records import Record
from portal.extensions import db
from portal.search.dialects import utc_day


class Difference(NamedTuple):
    """`key` tells the row of `table`; `said` is its number, or 0 where there is no row, and `real` that of records."""

    table: str
    key: dict[str, Any]
    said: int
    real: int


def differences() -> Iterator[Difference]:
    """Reads every record once for each table of the roll-up. Each is compared in one statement: others may write."""
    counted_by: dict[str, Any] = {
        "entry_id": Record.entry_id,
        "circumstances_id": Record.circumstances_id,
        "dataset_id": Record.dataset_id,
        "collection_date": Record.collection_date,
        "day": utc_day(Record.timestamp),
    }
    yield from _compare(Circumstances, {"id": Record.circumstances_id})
    for table, columns in tally.SUMS.items():
        yield from _compare(table, {column: counted_by[column] for column in columns})


def _compare(table: type[Any], counted_by: dict[str, Any]) -> Iterator[Difference]:
    said = select(*(getattr(table, name) for name in counted_by), table.number.label("said"), literal(0).label("real"))
    own = [column.label(name) for name, column in counted_by.items()]
    real = select(*own, literal(0), func.count()).select_from(Record).group_by(*counted_by.values())
    both = union_all(said, real).subquery()
    sums = func.sum(both.c.said), func.sum(both.c.real)
    keys = [both.c[name] for name in counted_by]
    for *key, number, found in db.session.execute(
        select(*keys, *sums).group_by(*keys).having(sums[0] != sums[1]).order_by(*keys)
    ):
        yield Difference(table.__tablename__, dict(zip(counted_by, key, strict=True)), int(number), int(found))
