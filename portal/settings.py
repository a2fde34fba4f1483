"""The PORTAL_… environment variables: read once, checked at start, then frozen.

Each field below is the variable PORTAL_<NAME>: how its text is read, what it takes in words, its default.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import timedelta
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from limits import parse_many
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from portal.data_dir import SHORTEST_KEY, default_data_dir, kept_secret_key, make_data_dir

SIZE = re.compile(r"([0-9]{1,15})([KMGT]?)")
TIME = re.compile(r"([0-9]{1,9})([smhd]?)")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
BYTES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
LARGEST_SIZE = 2**63 - 1
LONGEST_TIME = timedelta(days=3650)
ELSEWHERE = ("TOKEN",)  # read by the terminal client
DATABASES = {"sqlite": "pysqlite", "postgresql": "psycopg"}


class SettingError(Exception):
    """One line a variable that is wrong: its name and what it takes."""


def read_folder(text: str) -> Path:
    if not text:
        raise ValueError
    return Path(text).expanduser().absolute()


def read_secret(text: str) -> str:
    if len(text) < SHORTEST_KEY:
        raise ValueError
    return text


def read_database(text: str) -> str:
    url = make_url(text)
    if DATABASES[url.get_backend_name()] != url.get_driver_name() or url.database in (None, "", ":memory:"):
        raise ValueError
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_absolute():
        raise ValueError
    return text


def read_storage(text: str) -> str:
    url = urlsplit(text)
    if url.query or url.fragment:
        raise ValueError
    if url.scheme == "s3":
        matched(BUCKET, url.netloc)
    elif url.scheme != "file" or url.netloc not in ("", "localhost") or not url.path.startswith("/"):
        raise ValueError
    return text


def read_address(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.username or url.query or url.fragment:
        raise ValueError
    _ = url.port  # raises ValueError where it is no number
    _ = url.hostname.encode("idna")  # likewise where a part of the name is too long
    return text.rstrip("/")


def read_origin(text: str) -> str:
    origin = read_address(text)
    if urlsplit(origin).path:
        raise ValueError
    return origin


def read_word(*words: str) -> Callable[[str], str]:
    return lambda text: words[words.index(text.lower())]


def read_switch(text: str) -> bool:
    return {"on": True, "off": False}[text.lower()]


def read_size(text: str) -> int:
    number, unit = matched(SIZE, text.upper())
    size = int(number) * BYTES[unit]
    if not 0 < size <= LARGEST_SIZE:
        raise ValueError
    return size


def read_time(text: str) -> timedelta:
    number, unit = matched(TIME, text.lower())
    time = timedelta(seconds=int(number) * SECONDS[unit])
    if not timedelta(0) < time <= LONGEST_TIME:
        raise ValueError
    return time


def read_number(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 2 <= number <= 1000:
        raise ValueError
    return number


def read_rate(text: str) -> str:
    (rate,) = parse_many(text)
    if rate.amount < 1 or rate.multiples < 1:
        raise ValueError
    return text


def read_networks(text: str) -> str:
    return ",".join(str(ip_network(each.strip())) for each in text.split(","))


def written(value: Path | str | bool | int | timedelta | None) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(int(value.total_seconds())) if isinstance(value, timedelta) else str(value)


def matched(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    found = pattern.fullmatch(text)
    if found is None:
        raise ValueError
    return found.groups()


def variable(read: Callable[[str], Any], takes: str, default: Any = MISSING, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"read": read, "takes": takes})


@dataclass(frozen=True, kw_only=True)
class Settings:
    data_dir: Path = variable(read_folder, "a folder")
    secret_key: str = variable(read_secret, f"at least {SHORTEST_KEY} random characters", secret=True)
    database_url: str = variable(
        read_database,
        "sqlite:////absolute/file.db or postgresql+psycopg://user:password@host/database",
        secret=True,
    )
    database_connections: int | None = variable(read_number, "a whole number from 2 to 1000", None)
    storage_url: str = variable(read_storage, "file:///absolute/folder or s3://bucket/prefix")
    s3_endpoint_url: str | None = variable(read_address, "an http or https address", None)
    s3_public_url: str | None = variable(read_address, "an http or https address", None)
    public_url: str | None = variable(read_origin, "an http or https address without a path", None)
    signup: Literal["open", "verify", "closed"] = variable(
        read_word("open", "verify", "closed"), "open, verify or closed", "open"
    )
    anonymous_read: bool = variable(read_switch, "on or off", True)
    max_file_size: int | None = variable(read_size, "a number of bytes, or a size like 64M or 2T", None)  # bytes
    max_chunk_size: int = variable(read_size, "a number of bytes, or a size like 64M or 2T", 64 * 2**20)  # bytes
    upload_ttl: timedelta = variable(read_time, "seconds, or a time like 15m or 7d, at most 3650d", timedelta(days=7))
    login_throttle: str = variable(read_rate, "one rate like 10 per minute", "10 per minute")
    log_format: Literal["text", "json"] = variable(read_word("text", "json"), "text or json", "text")
    metrics_token: str | None = variable(read_secret, f"at least {SHORTEST_KEY} random characters", None, secret=True)
    trusted_proxies: str = variable(read_networks, "addresses or networks, with commas between", "127.0.0.1/32,::1/128")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Makes the data directory, and the secret key in it, where they are left to their defaults.

        Raises SettingError naming every variable that is wrong; values are not repeated, they may be secret.
        """
        given: dict[str, Any] = {}
        problems = []
        for each in fields(cls):
            name = f"PORTAL_{each.name.upper()}"
            if name not in environ:
                continue
            try:
                given[each.name] = each.metadata["read"](environ[name].strip())
            except (ValueError, LookupError, ArgumentError, RuntimeError):
                problems.append(f"{name} takes {each.metadata['takes']}")
        if problems:
            raise SettingError("\n".join(problems))
        return cls(**with_data_dir(given, environ))

    @property
    def is_embedded(self) -> bool:
        """Whether the database is the one in the data directory, which the portal looks after by itself."""
        return self.database_url == embedded_database(self.data_dir)

    def as_environ(self) -> dict[str, str]:
        """The variables that give these settings again to another process."""
        texts = {f"PORTAL_{each.name.upper()}": written(getattr(self, each.name)) for each in fields(self)}
        return {name: text for name, text in texts.items() if text is not None}

    def flask_config(self) -> dict[str, Any]:
        https = urlsplit(self.public_url or "").scheme == "https"
        return {
            "SECRET_KEY": self.secret_key,
            "SESSION_COOKIE_NAME": "__Host-portal" if https else "portal",
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "SESSION_COOKIE_SECURE": https,
            "SESSION_REFRESH_EACH_REQUEST": False,  # it outlives the log-in that it names
            "MAX_CONTENT_LENGTH": max(self.max_chunk_size, 4 * 2**20),  # a chunk, or a form with 1 MiB of JSON
            "MAX_FORM_MEMORY_SIZE": 2 * 2**20,
            "MAX_FORM_PARTS": 1000,
            "WTF_CSRF_CHECK_DEFAULT": False,  # identity.py decides which requests ride on a cookie
            "WTF_CSRF_TIME_LIMIT": None,  # as long as the session: a page left open for a day still works
        }


def warn_of_unknown(environ: Mapping[str, str]) -> None:
    """A line on stderr for each PORTAL_ variable that nothing reads, with the one that may have been meant."""
    known = {*(each.name.upper() for each in fields(Settings)), *ELSEWHERE}
    given = {name.removeprefix("PORTAL_") for name in environ if name.startswith("PORTAL_")}
    for name in sorted(given - known):
        if not name.startswith("TEST_"):
            meant = "".join(f" Did you mean PORTAL_{near}?" for near in get_close_matches(name, known, 1))
            sys.stderr.write(f"Warning: PORTAL_{name} is none of the portal's variables and has no effect.{meant}\n")


def embedded_database(data_dir: Path) -> str:
    return f"sqlite:///{data_dir / 'portal.db'}"


def with_data_dir(given: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """What is not given of the data directory, the database, the storage and the key lives in the data directory."""
    data_dir: Path = given.get("data_dir") or default_data_dir(environ)
    try:
        if not {"secret_key", "database_url", "storage_url"} <= given.keys():
            make_data_dir(data_dir)
        secret_key = given.get("secret_key") or kept_secret_key(data_dir)
    except OSError as error:
        raise SettingError(f"PORTAL_DATA_DIR takes a folder that the portal may write: {error}") from error
    except ValueError as error:
        raise SettingError(f"PORTAL_SECRET_KEY: {error}") from error
    embedded = {
        "data_dir": data_dir,
        "secret_key": secret_key,
        "database_url": embedded_database(data_dir),
        "storage_url": (data_dir / "files").as_uri(),
    }
    return embedded | given
