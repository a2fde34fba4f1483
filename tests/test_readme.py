"""What the README has people type works as it stands there."""

import re
import subprocess
from pathlib import Path

from flask import Flask

from portal.domain import tokens
from tests import make
from tests.people import People, Person, in_transaction
from tests.served import Served, served

__all__ = ["served"]

README = Path(__file__).parents[1] / "README.md"


def lines_of(heading: str) -> str:
    """The shell lines of a section."""
    section = README.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))


def token_of(person: Person) -> str:
    with in_transaction(person.app):
        return tokens.issue(person.actor, person.id, "laptop", "write")[1]


def test_share_with_a_team(app: Flask, people: People, served: Served, tmp_path: Path) -> None:
    """By an administrator, the owner and somebody who could not see the model before."""
    model_id = make.entry(people.owner, "Yield net")
    make.version(people.owner, model_id, b"weights", "yield-net.bin")
    said = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "ADMIN_TOKEN": token_of(people.admin),
        "OWNER_TOKEN": token_of(people.owner),
        "TEAMMATE_TOKEN": token_of(people.stranger),
        "OWNER_ID": str(people.owner.id),
        "TEAMMATE_ID": str(people.stranger.id),
        "MODEL_ID": model_id,
    }
    script = lines_of("Share with a team").replace("http://127.0.0.1:8000", served.address)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=said, cwd=tmp_path, capture_output=True)

    assert done.returncode == 0, done.stderr
    assert b'"stranger"' in done.stdout
    assert (tmp_path / "yield-net.bin").read_bytes() == b"weights"
