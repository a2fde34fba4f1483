"""A PostgreSQL that a test may stop, freeze and start again."""

import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from tests.databases import PostgresqlServer


class FrailServer(PostgresqlServer):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._run("ALTER ROLE postgres RESET synchronous_commit")  # what it has said is kept must be

    def halt(self) -> None:
        """As if it had crashed: whoever is connected is cut off."""
        self._control("stop", "-m", "immediate")

    def restart(self) -> None:
        self._control("start", "-w", "-l", str(self.home / "log"), "-o", f'-h "" -k {self.home}')

    def pause(self) -> None:
        """It keeps its connections and takes new ones, but answers nobody."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        postmaster = psutil.Process(int((self.home / "postmaster.pid").read_text().split()[0]))
        for process in (postmaster, *postmaster.children()):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _control(self, *words: str) -> None:
        command = [str(self.server.bin_path / "pg_ctl"), "-D", str(self.home), *words]
        user = self.server.system_user  # PostgreSQL refuses to run as root
        done = subprocess.run(command, user=user, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
