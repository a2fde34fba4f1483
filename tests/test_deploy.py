"""The files for a server say what is true of the portal that they come with."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from portal.commands.deploy import FILES
from portal.settings import Settings
from tests import command
from tests.nginx import free_port

ROOT = Path(__file__).parent.parent
SHIPPED = files("portal").joinpath("deploy")
UNIT, CONTAINERFILE = (SHIPPED.joinpath(name).read_text() for name in ("model-portal.service", "Containerfile"))


@pytest.mark.parametrize("name", FILES)
def test_the_command_prints_a_file_as_it_is_shipped(name: str, tmp_path: Path) -> None:
    printed = command.portal(command.surroundings(tmp_path / "untouched"), "deploy", name)
    assert printed.returncode == 0
    assert printed.stdout == SHIPPED.joinpath(name).read_text()
    assert not (tmp_path / "untouched").exists(), "it makes no portal"


def test_the_command_knows_every_file_and_no_other(tmp_path: Path) -> None:
    assert FILES.keys() == {each.name for each in SHIPPED.iterdir()}
    refused = command.portal(command.surroundings(tmp_path), "deploy", "../settings.py")
    assert refused.returncode == 2


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_takes_the_unit_and_finds_it_little_exposed(tmp_path: Path) -> None:
    unit = tmp_path / "model-portal.service"
    unit.write_text(UNIT.replace("/opt/model-portal/bin/portal", "/bin/true"))
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    said = [line for line in verified.stderr.splitlines() if "model-portal" in line]
    assert not said
    looked = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", unit], capture_output=True
    )
    assert looked.returncode == 0, looked.stdout.decode()[-300:]


def test_the_server_tells_systemd_when_it_is_ready(tmp_path: Path) -> None:
    """With what the unit starts it with."""
    (start,) = re.findall(r"^ExecStart=\S+/portal (.*)$", UNIT, re.MULTILINE)
    words = shlex.split(start.replace("8000", str(free_port())))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(60)
        environ = command.surroundings(tmp_path / "data", NOTIFY_SOCKET=str(tmp_path / "notify"))
        with (tmp_path / "log").open("wb") as log:
            server = subprocess.Popen(
                [*command.PORTAL, *words], env=environ, stdout=log, stderr=log, start_new_session=True
            )
        try:
            assert told.recv(1000).startswith(b"READY=1")
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="a process that makes no code is Linux's")
def test_the_portal_needs_no_memory_that_is_written_and_run(tmp_path: Path) -> None:
    """As MemoryDenyWriteExecute has it."""
    forbid = "import ctypes; assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0, 'an older kernel'\n"
    use = (
        "from portal import create_app; from portal.domain import passwords; import prometheus_client, PIL.Image\n"
        "passwords.verify('x', passwords.hash_password('a horse, correctly stapled')); create_app(); print('done')"
    )
    done = subprocess.run(
        [sys.executable, "-c", forbid + use], env=command.surroundings(tmp_path), capture_output=True, text=True
    )
    if "an older kernel" in done.stderr:
        pytest.skip("this kernel cannot forbid it")
    assert done.stdout == "done\n", done.stderr


def test_the_image_copies_what_there_is_and_runs_a_command_that_there_is(tmp_path: Path) -> None:
    copied = [
        word for line in re.findall(r"^COPY (?!--)(.*)$", CONTAINERFILE, re.MULTILINE) for word in line.split()[:-1]
    ]
    assert {"pyproject.toml", ".build", "portal", "templates", "static", "migrations"} <= set(copied)
    assert all((ROOT / path).exists() for path in copied)
    (words,) = re.findall(r"^CMD \[(.*)\]$", CONTAINERFILE, re.MULTILINE)
    _, *words = re.findall(r'"([^"]+)"', words)
    helped = command.portal(command.surroundings(tmp_path), *words, "--help")
    assert helped.returncode == 0, helped.stderr


def test_the_composition_gives_the_portal_settings_that_it_takes(tmp_path: Path) -> None:
    composed = yaml.safe_load(SHIPPED.joinpath("compose.yaml").read_text())
    given = {
        name: re.sub(
            r"\$\{(\w+):\?\}",
            lambda found: "example.org" * (4 if "KEY" in found[1] or "TOKEN" in found[1] else 1),
            text,
        )
        for name, text in composed["services"]["portal"]["environment"].items()
    }
    settings = Settings.from_environ({**given, "PORTAL_DATA_DIR": str(tmp_path)})
    assert (settings.storage_url, settings.log_format) == ("s3://portal", "json")
    subnet = composed["networks"]["default"]["ipam"]["config"][0]["subnet"]
    assert settings.trusted_proxies == subnet
    assert f"S3_BUCKET: {settings.storage_url.removeprefix('s3://')}\n" in SHIPPED.joinpath("compose.yaml").read_text()
    unknown = {name for name in given if name.startswith("PORTAL_")} - settings.as_environ().keys()
    assert not unknown


def test_the_command_for_root_hands_the_data_directory_on(tmp_path: Path) -> None:
    runuser = tmp_path / "runuser"
    runuser.write_text('#!/bin/sh\necho "$PORTAL_DATA_DIR $*"\n')
    runuser.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    script = str(SHIPPED.joinpath("model-portal"))
    said = subprocess.check_output(["sh", script, "user", "create", "two words"], env=environ, text=True)
    assert said == "/var/lib/model-portal -u model-portal -- /opt/model-portal/bin/portal user create two words\n"
