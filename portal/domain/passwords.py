"""Argon2id with at most two hashes at a time in one process, so that a flood of log-ins cannot eat the memory."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from portal.errors import invalid

_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
_slots = threading.BoundedSemaphore(2)

_COMMONEST = frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= 8)


def check(password: str, field: str) -> None:
    """8 to 128 characters, any, none of the commonest."""
    if not 8 <= len(password) <= 128:
        raise invalid(field, "A password takes 8 to 128 characters.")
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise invalid(field, "Must not contain lone surrogates.")
    if password.casefold() in _COMMONEST or len(set(password)) == 1:
        raise invalid(field, "This password is among the commonest. Choose another.")


def hash_password(password: str) -> str:
    with _slots:
        return _hasher.hash(password)


# Verified against when there is no such person, so that both answers take the same time.
_NOBODY = _hasher.hash("nobody has this password")


def verify(password: str, hashed: str | None) -> bool:
    """Whether `password` belongs to `hashed`; takes as long when there is no hash."""
    with _slots:
        try:
            _hasher.verify(hashed or _NOBODY, password.encode("utf-8", "replace"))
        except (VerificationError, InvalidHashError):
            return False
    return hashed is not None
