"""The roll-up: how many records there are, kept exact in the transaction of every change, so that nobody counts rows.

`Tally` is the whole of it; `Circumstances.number`, `DatasetTally`, `EntryDatasetTally` and `DayTally` are its sums,
which the commonest questions read: a facet without a date, and all datasets and the histogram of an entry.
"""

import functools
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Date, ForeignKey, Index, and_, bindparam, delete, update
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Table
from portal.domain.circumstances import Circumstances
from portal.extensions import db
from portal.search.dialects import insert

_OF_CIRCUMSTANCES = "circumstances.id"
_IS_ITS_INDEX = {"sqlite_with_rowid": False}


class Tally(Table):
    """`day` is the UTC day of the records' timestamps."""

    __tablename__ = "tally"

    circumstances_id: Mapped[int] = mapped_column(ForeignKey(_OF_CIRCUMSTANCES, ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    collection_date: Mapped[date] = mapped_column(Date, primary_key=True)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("dataset.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index("ix_tally_collected", "collection_date", "circumstances_id"), _IS_ITS_INDEX)


class DatasetTally(Table):
    __tablename__ = "dataset_tally"

    circumstances_id: Mapped[int] = mapped_column(ForeignKey(_OF_CIRCUMSTANCES, ondelete="CASCADE"), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("dataset.id"), primary_key=True, index=True)
    number: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = _IS_ITS_INDEX


class EntryDatasetTally(Table):
    __tablename__ = "entry_dataset_tally"

    entry_id: Mapped[str] = mapped_column(ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("dataset.id"), primary_key=True, index=True)
    number: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = _IS_ITS_INDEX


class DayTally(Table):
    __tablename__ = "day_tally"

    entry_id: Mapped[str] = mapped_column(ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = _IS_ITS_INDEX


class Cell(NamedTuple):
    """What a record is counted under; sums leave some of it out."""

    entry_id: str
    circumstances_id: int
    dataset_id: str
    collection_date: date
    day: date


SUMS: dict[type[Table], tuple[str, ...]] = {
    DatasetTally: ("circumstances_id", "dataset_id"),
    EntryDatasetTally: ("entry_id", "dataset_id"),
    DayTally: ("entry_id", "day"),
    Tally: ("circumstances_id", "day", "collection_date", "dataset_id"),
}


def change(cells: Mapping[Cell, int]) -> None:
    """Adds to the count of each cell; the last thing before the commit, because it holds what others wait for.

    Rows are taken in one order, so that two who change several never wait for each other in a circle.
    """
    if not cells:
        return
    connection = db.session.connection()  # past the session, whose way of writing rows takes twice the time
    numbers = sorted(summed(cells, ("circumstances_id",)).items())
    connection.execute(_MORE, [{"circumstances": key[0], "more": more} for key, more in numbers])
    for table, columns in SUMS.items():
        rows = [
            dict(zip(columns, key, strict=True), number=more) for key, more in sorted(summed(cells, columns).items())
        ]
        connection.execute(_added(table, connection.dialect.name), rows)
        if any(row["number"] < 0 for row in rows):
            own = [getattr(table, column) for column in columns]
            empty = and_(*(column == bindparam(f"its_{column.key}") for column in own), table.number == 0)  # type: ignore[attr-defined]
            keys = [{f"its_{column}": row[column] for column in columns} for row in rows]
            connection.execute(delete(table).where(empty), keys)


@functools.cache
def _added(table: type[Table], _dialect: str) -> Any:
    """The statement that adds to the counts, made once for each database."""
    made = insert(table)
    number = table.number  # type: ignore[attr-defined]
    own = [getattr(table, column) for column in SUMS[table]]
    return made.on_conflict_do_update(index_elements=own, set_={"number": number + made.excluded.number})


_MORE = (
    update(Circumstances.__table__)  # type: ignore[arg-type]
    .where(Circumstances.id == bindparam("circumstances"))
    .values(number=Circumstances.number + bindparam("more"), changes=Circumstances.changes + 1)
)


def summed(cells: Mapping[Cell, int], columns: Iterable[str]) -> Counter[tuple[Any, ...]]:
    totals: Counter[tuple[Any, ...]] = Counter()
    for cell, more in cells.items():
        totals[tuple(getattr(cell, column) for column in columns)] += more
    return totals
