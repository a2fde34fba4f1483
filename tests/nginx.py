"""The shipped nginx configuration, run on loopback in front of a portal, in a folder of its own."""

import getpass
import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import closing, suppress
from importlib.resources import files
from pathlib import Path
from typing import Self

import psutil
import pytest

SHIPPED, STORE = (files("portal").joinpath("deploy", name).read_text() for name in ("nginx.conf", "nginx-store.conf"))
# What a main file is on Debian, with its limits, and with everything that nginx writes in the folder.
MAIN = """
daemon off; master_process on; worker_processes auto; user {user}; pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 768; }}
http {{
    sendfile on; tcp_nopush on; include /etc/nginx/mime.types; default_type application/octet-stream;
    client_body_temp_path {folder}/bodies; proxy_temp_path {folder}/answers; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/model-portal*.conf;
}}
"""
NAME = "models.example.org"


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def require() -> None:
    """Skips the test where nginx is not installed, unless PORTAL_TEST_NGINX=required."""
    if not shutil.which("nginx") and os.environ.get("PORTAL_TEST_NGINX") != "required":
        pytest.skip("nginx is not installed")


def certify(folder: Path) -> None:
    """Leaves a certificate of its own making there, and its key."""
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    named = ["-days", "2", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1"]
    subprocess.run(
        [*made, *named, "-keyout", "key.pem", "-out", "certificate.pem"], cwd=folder, check=True, capture_output=True
    )


class Nginx:
    """From `with` to the end of its block, nginx before the portal on `upstream` (a port).

    With `tls` it is the file as it is shipped but for ports, name and paths; without, the same server in plain HTTP.
    """

    def __init__(self, folder: Path, upstream: int, *, tls: bool = False) -> None:
        self.folder, self.upstream, self.tls = folder / f"nginx-{upstream}", upstream, tls
        self.port, self.plain_port = free_port(), free_port()
        self.address = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"

    def changed(self, shipped: str, port: int) -> str:
        """What is shipped, with what its user is told to change changed, and on ports that are free."""
        text = re.sub(r"\n *listen \[::\]:.*", "", shipped)
        text = text.replace("server 127.0.0.1:8000;", f"server 127.0.0.1:{self.upstream};")
        text = text.replace("listen 80;", f"listen 127.0.0.1:{self.plain_port};")
        text = text.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{port}{' ssl http2' * self.tls};")
        text = text.replace("/var/log/nginx/", f"{self.folder}/")
        if not self.tls:
            return re.sub(r"\n *ssl_.*", "", text)
        text = re.sub(r"/etc/ssl/certs/\S+(?=;)", f"{self.folder}/certificate.pem", text)
        return re.sub(r"/etc/ssl/private/\S+(?=;)", f"{self.folder}/key.pem", text)

    def write(self) -> Path:
        """The main file."""
        self.folder.mkdir()
        if self.tls:
            certify(self.folder)
            (self.folder / "model-portal-store.conf").write_text(self.changed(STORE, free_port()))
        (self.folder / "model-portal.conf").write_text(self.changed(SHIPPED, self.port))
        main = self.folder / "nginx.conf"
        main.write_text(MAIN.format(user=getpass.getuser(), folder=self.folder))
        return main

    def __enter__(self) -> Self:
        command = ["nginx", "-p", self.folder, "-c", self.write(), "-e", self.folder / "error.log"]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 15
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            assert self.process.poll() is None, self.errors()
            assert time.monotonic() < deadline, self.errors()
            time.sleep(0.05)

    def __exit__(self, *_raised: object) -> None:
        self.process.terminate()
        self.process.wait(15)

    def errors(self) -> str:
        log = self.folder / "error.log"
        return log.read_text() if log.exists() else ""

    def log(self) -> str:
        return (self.folder / "model-portal.log").read_text()

    def on_disk(self) -> int:
        """Bytes of bodies and answers that nginx keeps on the disk now, in files that have no name any more."""
        kept = 0
        for worker in psutil.Process(self.process.pid).children():
            for open_file in Path(f"/proc/{worker.pid}/fd").iterdir():
                with suppress(OSError):
                    if os.readlink(open_file).startswith((f"{self.folder}/bodies", f"{self.folder}/answers")):
                        kept += open_file.stat().st_size
        return kept
