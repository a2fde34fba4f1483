"""Counts failures per key in the database, so that the limit holds over all workers."""

import hashlib
import ipaddress
from datetime import UTC, datetime, timedelta

from limits import parse
from sqlalchemy import String, delete, update
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Table, Time, begin_write, now
from portal.errors import Throttled
from portal.extensions import db
from portal.search.dialects import insert


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
        self.forget_older()
        if any(self._count(key_hash) > self.most for key_hash in self.hashes):
            db.session.rollback()
            wait = int((self.window + timedelta(seconds=self.seconds) - now()).total_seconds()) + 1
            raise Throttled(f"Too many attempts. Try again in {wait} s.", headers={"Retry-After": str(wait)})
        db.session.commit()

    def give_back(self) -> None:
        begin_write()
        mine = Attempt.key_hash.in_(self.hashes), Attempt.window == self.window
        db.session.execute(update(Attempt).where(*mine).values(number=Attempt.number - 1))
        db.session.commit()

    def forget_older(self) -> int:
        """Deletes what was counted in windows before this one; how many rows that were."""
        begin_write()
        return db.session.execute(delete(Attempt).where(Attempt.window < self.window)).rowcount  # type: ignore[attr-defined]

    def _count(self, key_hash: str) -> int:
        """Tries with this key in this window, this one included. Whoever counts the same key waits for this commit."""
        row = insert(Attempt).values(key_hash=key_hash, window=self.window, number=1)
        row = row.on_conflict_do_update(
            index_elements=[Attempt.key_hash, Attempt.window], set_={"number": Attempt.number + 1}
        )
        return db.session.scalars(row.returning(Attempt.number)).one()


def network(address: str) -> str:
    """What one subscriber has: an IPv4 address, or the first 64 bits of an IPv6 one."""
    try:
        is_long = ipaddress.ip_address(address).version == 6
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{address}/64", strict=False)) if is_long else address
