"""Argon2id with at most two hashes at a time in one process, so that a flood of log-ins cannot eat the memory."""

import functools
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portal.errors import invalid

SHORTEST, LONGEST = 8, 128

_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
_slots = threading.BoundedSemaphore(2)


@functools.cache
def _commonest() -> frozenset[str]:
    """Read when somebody chooses a password: the lists take 12 MiB, and most workers never need them."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST)


def check(password: str, field: str) -> None:
    """8 to 128 characters, any, none of the commonest."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise invalid(field, f"A password takes {SHORTEST} to {LONGEST} characters.")
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise invalid(field, "Must not contain lone surrogates.")
    if password.casefold() in _commonest() or len(set(password)) == 1:
        raise invalid(field, "This password is among the commonest. Choose another.")


def hash_password(password: str) -> str:
    with _slots:
        return _hasher.hash(password)


@functools.cache
def _nobodys() -> str:
    """Verified against when there is no such person, so that both answers take the same time."""
    return hash_password("nobody has this password")


def verify(password: str, hashed: str | None) -> bool:
    """Whether `password` belongs to `hashed`; takes as long when there is no hash."""
    nobodys = _nobodys()  # before the clock of either answer starts to run apart
    with _slots:
        try:
            _hasher.verify(hashed or nobodys, password.encode("utf-8", "surrogatepass"))
        except (VerificationError, InvalidHashError):
            return False
    return hashed is not None
