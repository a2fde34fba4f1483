"""Counts failures per key in the database, so that the limit holds over all workers."""

import hashlib
from datetime import UTC, datetime, timedelta

from limits import parse
from sqlalchemy import String, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Table, Time, begin_write, now
from portal.errors import Throttled
from portal.extensions import db


class Attempt(Table):
    __tablename__ = "attempt"

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    window: Mapped[datetime] = mapped_column(Time, primary_key=True)
    number: Mapped[int] = mapped_column(default=0)


class Attempts:
    """One try under `limit` (like `10 per minute`) for each of `keys`, in fixed windows.

    `reserve` counts it before the outcome is known, so that parallel guesses cannot slip past; `give_back` undoes it.
    """

    def __init__(self, limit: str, *keys: str) -> None:
        item = parse(limit)
        self.most, self.seconds = item.amount, item.get_expiry()
        self.hashes = [hashlib.sha256(key.encode("utf-8", "replace")).hexdigest() for key in keys]
        start = int(now().timestamp()) // self.seconds * self.seconds
        self.window = datetime.fromtimestamp(start, UTC)

    def reserve(self) -> None:
        """Counts this try and commits it; 429 with Retry-After once a key is past the limit."""
        begin_write()
        db.session.execute(delete(Attempt).where(Attempt.window < self.window))
        query = select(func.max(Attempt.number)).where(Attempt.key_hash.in_(self.hashes), Attempt.window == self.window)
        if (db.session.scalar(query) or 0) >= self.most:
            db.session.commit()
            wait = int((self.window + timedelta(seconds=self.seconds) - now()).total_seconds()) + 1
            raise Throttled(f"Too many attempts. Try again in {wait} s.", headers={"Retry-After": str(wait)})
        for key_hash in self.hashes:
            self._add(key_hash, 1)
        db.session.commit()

    def give_back(self) -> None:
        begin_write()
        for key_hash in self.hashes:
            self._add(key_hash, -1)

    def _add(self, key_hash: str, amount: int) -> None:
        from portal.search.dialects import insert

        row = insert(Attempt).values(key_hash=key_hash, window=self.window, number=amount)
        db.session.execute(
            row.on_conflict_do_update(
                index_elements=[Attempt.key_hash, Attempt.window], set_={"number": Attempt.number + amount}
            )
        )
