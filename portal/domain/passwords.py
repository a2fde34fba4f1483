"""Argon2id with at most two hashes at a time in one process, so that a flood of log-ins cannot eat the memory."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portal.errors import invalid

_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
_slots = threading.BoundedSemaphore(2)

# The front of every public list of leaked passwords that is long enough to pass the length rule, and words of this place.
_COMMONEST = frozenset(
    ["password", "password1", "password12", "password123", "passw0rd", "p@ssw0rd", "p@ssword", "12345678", "123456789", "1234567890", "0123456789", "987654321", "87654321", "11111111", "111111111", "1111111111", "00000000", "000000000", "0000000000", "22222222", "55555555", "66666666", "77777777", "88888888", "99999999", "12341234", "11223344", "1122334455", "123123123", "12344321", "1q2w3e4r", "1q2w3e4r5t", "1qaz2wsx", "qazwsxedc", "zaq12wsx", "q1w2e3r4", "q1w2e3r4t5", "qwertyui", "qwertyuiop", "qwerty12", "qwerty123", "qwerty1234", "qwerty12345", "asdfghjk", "asdfghjkl", "zxcvbnm1", "zxcvbnm123", "abcd1234", "abc12345", "abcdefgh", "abcdefghi", "a1b2c3d4", "aa123456", "iloveyou", "iloveyou1", "sunshine", "princess", "football", "baseball", "basketball", "superman", "batman123", "spiderman", "starwars", "trustno1", "welcome1", "welcome123", "letmein1", "letmein123", "changeme", "changeme1", "changeme123", "secret12", "secret123", "admin123", "admin1234", "administrator", "adminadmin", "rootroot", "root1234", "testtest", "test1234", "test12345", "guest123", "default1", "master12", "master123", "dragon12", "dragon123", "monkey12", "monkey123", "michelle", "jennifer", "computer", "internet", "samantha", "whatever", "charlie1", "jordan23", "liverpool", "chelsea1", "arsenal1", "pokemon1", "corvette", "mercedes", "maverick", "midnight", "mustang1", "shadow12", "hello123", "hellohello", "helloworld", "summer2024", "summer2025", "summer2026", "winter2024", "winter2025", "winter2026", "spring2026", "autumn2026", "portal123", "modelportal"]
)


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
            return _hasher.verify(hashed or _NOBODY, password.encode("utf-8", "replace")) and hashed is not None
        except (VerificationError, InvalidHashError):
            return False
