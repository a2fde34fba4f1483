"""The package `skafos` as it is published, pointed at a portal by its two constants, over HTTP."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from portal.domain import tokens
from tests.apps import APP, ORGANIZATION, app_of, model_in
from tests.people import People, Person, in_transaction
from tests.served import Served, served

__all__ = ["served"]

JOURNEY = Path(__file__).parent / "programs/skafos_journey.py"
SKAFOS = "skafos==0.3.0"
# It asks for requests of 2018 and no other. Beside the tests' own tools that cannot be installed, and Python 3.12 has
# not what that needs; so it lies in a folder of its own, from there on with the requests of today.
WITH_ITS_OWN = sys.version_info < (3, 12)


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that it is installed in."""
    folder = tmp_path_factory.mktemp("skafos")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), SKAFOS]
    done = subprocess.run([*install, *([] if WITH_ITS_OWN else ["--no-deps"])], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def token(people: People) -> str:
    return token_of(people.owner)


def token_of(person: Person) -> str:
    with in_transaction(person.app):
        return tokens.issue(person.actor, person.actor.user_id, "training", "write")[1]


def journey(package: Path, folder: Path, served: Served, token: str) -> Any:
    (folder / "weights.bin").write_bytes(b"weights" * 1000)
    (folder / "notes.txt").write_text("as in the paper")
    command = [sys.executable, "-W", "ignore", str(JOURNEY), served.address, token]
    environ = {**os.environ, "PYTHONPATH": str(package), "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{done.stderr}\n{served.log.read_text()}"
    return json.loads(done.stdout.splitlines()[-1])


def test_everything_the_package_does(package: Path, served: Served, people: People, token: str, tmp_path: Path) -> None:
    app_of(people)
    model_in(people.owner)
    folder = tmp_path / "work"
    folder.mkdir()

    told = journey(package, folder, served, token)

    assert told["version of the package"] == "0.3.0"
    assert told["summary"] == [{"org_name": ORGANIZATION, "app_name": APP, "model_name": "yield-net"}]
    ((name, models),) = told["compact"][ORGANIZATION].items()
    assert (name, models[0]["name"], len(models)) == (APP, "yield-net", 1)
    assert told["first"] == {
        "version": 1,
        "name": "yield-net.zip",
        "description": "Fitted on 2026",
        "model": "yield-net",
    }
    assert told["second"] == {**told["first"], "version": 2, "description": ""}
    assert [(row["version"], row["description"]) for row in told["versions"]] == [(1, "Fitted on 2026"), (2, "")]
    assert told["newest"] == (folder / "newest/yield-net.zip").stat().st_size
    with ZipFile(folder / "newest/yield-net.zip") as newest, ZipFile(folder / "oldest/yield-net.zip") as oldest:
        assert newest.namelist() == ["weights.bin", "notes.txt"]
        assert oldest.namelist() == ["weights.bin"]
        assert oldest.read("weights.bin") == b"weights" * 1000
    assert [(row["name"], row["version"]) for row in told["before"]] == [("dev", None), ("prod", None)]
    assert told["deployed"] == [None, None]
    assert [(row["name"], row["version"]) for row in told["environments"]] == [("dev", 2), ("prod", 1)]
    refused = {name: said.partition(":")[0] for name, said in told.items() if isinstance(said, str)}
    assert (
        refused.items()
        >= {
            "no version": "DownloadFailedError",
            "no third version": "DownloadFailedError",
            "nothing to deploy": "DeployFailedError",
            "unknown version": "DeployFailedError",
            "unknown environment": "DeployFailedError",
            "unknown model": "InvalidParamError",
            "unknown organization": "InvalidParamError",
            "bad token": "InvalidTokenError",
        }.items()
    )
    assert told["unknown version"].endswith("Deploy model version failed. No such version.")
    assert told["unknown environment"].endswith("Deploy model version failed. No such environment.")

    log = served.log.read_text()
    assert "PUT /api/v2/presigned/" in log
    assert "signature" not in log
    assert token not in log
    assert "Traceback" not in log


def test_an_outsider_gets_nothing_with_it(package: Path, served: Served, people: People, tmp_path: Path) -> None:
    app_of(people)
    model_in(people.owner)
    folder = tmp_path / "work"
    folder.mkdir()

    with pytest.raises(AssertionError, match="InvalidParamError: Invalid connection parameters"):
        journey(package, folder, served, token_of(people.stranger))
