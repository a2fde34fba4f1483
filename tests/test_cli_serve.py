"""`portal serve`: the embedded database is looked after, any other is not touched, one that is away is waited for."""

import os
import signal
import socket
import stat
import time
from contextlib import closing
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg
import pytest

from tests.command import portal, start, surroundings
from tests.served import free_port


def status(port: int, path: str) -> int:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status
    except HTTPError as answer:
        with closing(answer):
            return answer.code


def come_up(process, port: int) -> None:
    deadline = time.monotonic() + 40
    while True:
        try:
            assert status(port, "/healthz") == 200
            return
        except OSError:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.fixture
def serving(tmp_path):
    """Starts `portal serve` with these variables; (process, port)."""
    started = []

    def serve(**variables: str):
        port = free_port()
        environ = surroundings(tmp_path, **variables)
        started.append(start(environ, "serve", "--port", str(port), "--workers", "1"))
        come_up(started[-1], port)
        return started[-1], port

    yield serve
    for process in started:
        process.terminate()
        process.communicate(timeout=40)


def test_the_embedded_database_is_made_on_the_first_start(serving):
    process, port = serving()
    assert status(port, "/readyz") == 200
    assert status(port, "/models") == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 0


def test_only_its_own_user_reads_what_is_in_the_data_directory(serving, tmp_path):
    data_dir = tmp_path / "srv" / "portal"
    before = os.umask(0o022)
    try:
        _process, port = serving(PORTAL_DATA_DIR=str(data_dir))
    finally:
        os.umask(before)
    assert status(port, "/readyz") == 200

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (data_dir, *data_dir.rglob("*"))}
    assert modes.keys() >= {"portal", "portal.db", "portal.db-wal", "secret_key", "upgrade.lock", "files"}
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}


def test_with_the_database_away_it_comes_up_and_says_so(serving):
    _process, port = serving(PORTAL_DATABASE_URL="postgresql+psycopg://u:p@127.0.0.1:1/x")
    assert status(port, "/readyz") == 503


def test_another_database_is_left_to_its_owner(tmp_path, postgresql_server):
    with postgresql_server.fresh(tmp_path) as url:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        environ = surroundings(tmp_path, PORTAL_DATABASE_URL=url)
        for arguments in (["serve", "--port", str(free_port())], ["uploads", "reap"]):
            ended = portal(environ, *arguments)
            assert ended.returncode == 1
            assert "`portal db upgrade`" in ended.stderr
        assert portal(environ, "db", "upgrade").returncode == 0
        assert portal(environ, "uploads", "reap").stdout == "Nothing to remove.\n"


def test_a_port_that_is_taken_is_said_before_anything_is_started(tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        ended = portal(surroundings(tmp_path), "serve", "--port", str(other.getsockname()[1]))
    assert ended.returncode == 1
    assert "Address already in use" in ended.stderr
    assert not (tmp_path / "portal.db").exists()
