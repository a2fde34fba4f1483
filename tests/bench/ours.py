"""The portal under measurement: a real `portal serve` on a new data folder, and a client that costs next to nothing."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from copy import copy
from http.cookiejar import CookieJar
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import psutil

from tests.bench.process import Server
from tests.nginx import Nginx

PORTAL = Path(sys.executable).with_name("portal")
NAME, EMAIL, PASSWORD = "bench", "bench@example.org", "long enough for a bench"


class Portal(Server):
    """`portal serve` with one user, who owns whatever the benchmark makes; `token` is theirs.

    A `database_url` names a database that is migrated already, and that has the user if `has_user`; without one the
    portal makes its own.
    """

    def __init__(self, folder: Path, workers: int, database_url: str | None = None, *, has_user: bool = False) -> None:
        self._files = folder / f"files-{workers}"
        settings = {
            "PORTAL_DATA_DIR": str(folder / f"data-{workers}"),
            "PORTAL_STORAGE_URL": self._files.as_uri(),
            "PORTAL_LOGIN_THROTTLE": "1000 per minute",
        }
        if database_url is not None:
            settings["PORTAL_DATABASE_URL"] = database_url
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")} | settings

        def portal(*words: str) -> str:
            return subprocess.check_output([PORTAL, *words], env=self.environ, text=True).strip()

        if not has_user:
            portal("user", "create", NAME, EMAIL, "--password", PASSWORD)
        self.token = portal("token", "create", NAME, "bench", "--scope", "write")
        command = [PORTAL, "serve", "--host", "127.0.0.1", "--port", "{port}", "--workers", str(workers)]
        super().__init__(command, folder / f"portal-{workers}.log", self.environ)

    def client(self, token: str | None = None) -> Client:
        return Client(self.port, token or self.token)

    def drop_files(self) -> None:
        """Frees the disk of deleted versions at once; the portal's own sweep gives them an hour of grace."""
        for file in self._files.glob("versions/*/*/*"):
            file.unlink()

    def sign_in(self) -> str:
        """The Cookie header of a browser session of the user."""
        cookies = CookieJar()
        browser = build_opener(HTTPCookieProcessor(cookies))
        form = browser.open(f"{self.url}/login").read().decode()
        csrf_token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
        if not csrf_token:
            raise SystemExit("the login page has no CSRF token")
        answers = {"email": EMAIL, "password": PASSWORD, "csrf_token": csrf_token[1]}
        browser.open(f"{self.url}/login", urlencode(answers).encode())
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in cookies)


class BehindNginx(Portal):
    """A running portal by way of the shipped nginx, in plain HTTP; what it uses is what both use."""

    def __init__(self, portal: Portal, folder: Path) -> None:
        self.__dict__ |= copy(portal.__dict__)
        self._portal = portal
        self._nginx = Nginx(folder, portal.port)
        self.port, self.url = self._nginx.port, self._nginx.address

    def __enter__(self) -> Self:
        self._nginx.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._nginx.__exit__()

    def tree(self) -> list[psutil.Process]:
        nginx = psutil.Process(self._nginx.process.pid)
        return [*self._portal.tree(), nginx, *nginx.children()]


class Client:
    """One kept-alive connection that speaks JSON with a bearer token."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._headers = {"Authorization": f"Bearer {token}"}

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        self._connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        return self._answer(method, path)

    def send_part(self, path: str, source: Path, offset: int, length: int, digest: str | None = None) -> None:
        """POSTs `length` bytes of `source` from the page cache, without a copy through this process."""
        self._connection.putrequest("POST", path)
        headers = self._headers | {"Content-Length": str(length), "Content-Type": "application/octet-stream"}
        if digest:
            headers["Content-Digest"] = digest
        for name, value in headers.items():
            self._connection.putheader(name, value)
        self._connection.endheaders()
        with source.open("rb") as file:
            self._connection.sock.sendfile(file, offset, length)
        self._answer("POST", path)

    def commit(self) -> Any:
        """The finished version, once the whole file is checked."""
        while (version := self.call("POST", "/api/v2/model/upload/commit")).get("status") == "checking":
            time.sleep(0.02)
        return version

    def close(self) -> None:
        self._connection.close()

    def _answer(self, method: str, path: str) -> Any:
        response = self._connection.getresponse()
        body = response.read()
        if response.status not in (200, 202):
            raise SystemExit(f"{method} {path}: {response.status} {body[:500]!r}")
        return json.loads(body)
