"""The command line uploader, alone in an empty folder, against the portal as it is served."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import portal.client
from tests import make
from tests.people import People, Person
from tests.served import Line, Served, free_port, line, served

__all__ = ["line", "served"]

MIB = 1 << 20
SIZE = 40 * MIB + 7


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(random.Random(2).randbytes(SIZE))
    return path


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts the client, a copy that sees nothing of this project, with its memory in a folder of the test."""
    shutil.copy(portal.client.__file__, tmp_path / "client.py")

    def start(*arguments: object, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", tmp_path / "client.py", *map(str, arguments)],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "XDG_STATE_HOME": str(tmp_path / "state"),
                **environ,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def end(process: subprocess.Popen[str], code: int = 0) -> tuple[str, str]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    return out, err


def token(person: Person) -> str:
    return person.headers["Authorization"].removeprefix("Bearer ")


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def downloaded(person: Person, out: str, word: str = "model") -> bytes:
    entry_id = out.splitlines()[0].rsplit("/", 1)[1]
    return person.api.get(f"/api/v2/{word}/{entry_id}/download").data


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_new_model_from_an_empty_folder(served: Served, people: People, file: Path, start) -> None:
    out, _ = end(start(file, "--to", served.address, "--name", "yield net", PORTAL_TOKEN=token(people.owner)))
    address, version, digest = out.splitlines()
    assert address.startswith(f"{served.address}/models/")
    assert version == f"version 1, {SIZE:,} bytes"
    assert digest == f"sha256 {sha256_of(file)} (the same as here)"
    assert downloaded(people.owner, out) == file.read_bytes()


def test_a_new_version_of_a_script(served: Served, people: People, tmp_path: Path, start) -> None:
    from portal.domain.kinds import SCRIPT

    script = make.entry(people.owner, kind=SCRIPT)
    (tmp_path / "train.py").write_text("print(1)\n")
    options = ("--to", served.address, "--token", token(people.owner), "--script", script)
    end(start(tmp_path / "train.py", *options))
    (tmp_path / "train.py").write_text("print(2)\n")
    out, _ = end(start(tmp_path / "train.py", *options))
    assert out.splitlines()[1] == "version 2, 9 bytes"
    assert downloaded(people.owner, out, "script") == b"print(2)\n"


def test_the_very_file_is_not_sent_again(served: Served, line: Line, people: People, file: Path, start) -> None:
    command = (file, "--to", line.address, "--token", token(people.owner))
    out, _ = end(start(*command, "--name", "yield net"))
    entry_id = out.splitlines()[0].rsplit("/", 1)[1]
    line.carried = 0
    for target in (("--model", entry_id), ("--name", "Yield NET")):
        again, _ = end(start(*command, *target))
        assert again == out.replace("version 1", "already there as version 1")
    assert line.carried < MIB
    assert people.owner.api.get(f"/api/v2/model/{entry_id}").json["version"] == 1
    file.write_bytes(b"other")
    _, err = end(start(*command, "--name", "yield net"), 1)
    assert f"For a new version: --model {entry_id}" in err
    out, _ = end(start(*command, "--model", entry_id))
    assert out.splitlines()[1] == "version 2, 5 bytes"


def test_another_machine_goes_on_with_what_waits_under_the_name(
    served: Served, line: Line, people: People, file: Path, start
) -> None:
    data = file.read_bytes()
    begun = make.begin(people.owner, data, chunk_size=4 * MIB, model_name="yield net", file_name=file.name)
    make.send_chunks(people.owner, begun, data[: 20 * MIB])
    out, err = end(start(file, "--to", line.address, "--token", token(people.owner), "--name", "yield net"))
    assert err.splitlines()[:2] == [
        "comparing 4.2 MB of 21.0 MB, 20 %",
        "21.0 MB of 41.9 MB are on the portal already.",
    ]
    assert line.carried < 22 * MIB
    assert downloaded(people.owner, out) == data
    assert len(people.owner.api.get("/api/v2/model/list").json) == 1


def test_an_upload_of_another_file_under_the_name_is_left_alone(
    served: Served, people: People, file: Path, start
) -> None:
    begun = make.begin(people.owner, b"other", chunk_size=5, model_name="yield net", file_name=file.name)
    _, err = end(start(file, "--to", served.address, "--token", token(people.owner), "--name", "yield net"), 1)
    assert f"{served.address}/uploads/{begun['upload_id']}" in err
    assert err.count("You already have") == 1


def test_what_waits_under_the_name_is_replaced_only_on_demand(
    served: Served, line: Line, people: People, tmp_path: Path, start
) -> None:
    small = tmp_path / "small.bin"
    small.write_bytes(b"small")
    begun = make.begin(people.owner, b"other", chunk_size=5, model_name="small", file_name=small.name)
    make.send_chunks(people.owner, begun, b"other")
    command = (small, "--to", line.address, "--token", token(people.owner))
    for _ in range(2):
        _, err = end(start(*command), 1)
        assert "A different file" in err
    out, _ = end(start(*command, "--replace"))
    assert downloaded(people.owner, out) == b"small"


def test_an_empty_file_is_a_file(served: Served, people: People, tmp_path: Path, start) -> None:
    (tmp_path / "empty").touch()
    out, _ = end(start(tmp_path / "empty", "--to", served.address, "--token", token(people.owner)))
    assert downloaded(people.owner, out) == b""


@pytest.mark.disk
def test_the_same_command_goes_on_after_ctrl_c(served: Served, line: Line, people: People, file: Path, start) -> None:
    command = (file, "--to", line.address, "--token", token(people.owner), "--name", "yield net")
    line.rate = 10 * MIB
    first = start(*command)
    wait_until(lambda: line.carried > 20 * MIB)
    first.send_signal(signal.SIGINT)
    _, err = end(first, 130)
    assert "what was sent is kept" in err
    assert token(people.owner) not in err
    line.rate, line.carried = 0, 0
    out, err = end(start(*command))
    assert "are on the portal already" in err
    assert line.carried < SIZE - 7 * MIB
    assert downloaded(people.owner, out) == file.read_bytes()


@pytest.mark.disk
def test_what_it_remembers_is_for_its_owner_alone(
    served: Served, line: Line, people: People, file: Path, tmp_path: Path, start
) -> None:
    line.rate = 10 * MIB
    process = start(file, "--to", line.address, "--token", token(people.owner))
    wait_until(lambda: line.carried > 9 * MIB)
    process.kill()
    end(process, -signal.SIGKILL)
    (ledger,) = (tmp_path / "state").rglob("*.json")
    assert ledger.stat().st_mode & 0o077 == 0
    assert token(people.owner) not in ledger.read_text()


@pytest.mark.disk
def test_it_outlives_a_server_that_is_killed(served: Served, line: Line, people: People, file: Path, start) -> None:
    line.rate = 20 * MIB
    process = start(file, "--to", line.address, "--token", token(people.owner))
    wait_until(lambda: line.carried > 15 * MIB)
    served.kill()
    time.sleep(3)
    served.start()
    out, err = end(process)
    assert "Trying again for 10 min." in err
    assert downloaded(people.owner, out) == file.read_bytes()


def test_a_server_that_is_away_is_said_at_once(people: People, tmp_path: Path, start) -> None:
    (tmp_path / "small").write_bytes(b"small")
    away = f"127.0.0.1:{free_port()}"
    began = time.monotonic()
    process = start(tmp_path / "small", "--to", f"http://{away}", "--token", token(people.owner))
    assert process.stderr.readline() == f"No connection to {away} (Connection refused). Trying again for 30 s.\n"
    assert time.monotonic() - began < 5
    process.kill()
    process.communicate()


def test_a_line_that_is_cut_again_and_again(served: Served, line: Line, people: People, file: Path, start) -> None:
    line.cut_every = 12 * MIB
    out, _ = end(start(file, "--to", line.address, "--token", token(people.owner)))
    assert downloaded(people.owner, out) == file.read_bytes()


def test_another_machine_finishes_it_with_the_upload_token_alone(
    served: Served, people: People, file: Path, start
) -> None:
    data = file.read_bytes()
    begun = make.begin(people.owner, data, chunk_size=MIB, file_name=file.name)
    bearer = {"Authorization": f"Bearer {begun['token']}"}
    for idx in (0, 3):
        people.owner.api.post(f"/api/v2/model/upload/{idx}", data=data[idx * MIB : (idx + 1) * MIB], headers=bearer)
    resume = ("--resume", f"{served.address}/api/v2/model/upload", "--token", begun["token"])
    out, _ = end(start(file, *resume))
    assert downloaded(people.owner, out) == data


def test_a_different_file_of_the_same_size_is_refused(served: Served, people: People, file: Path, start) -> None:
    data = file.read_bytes()
    begun = make.begin(people.owner, data, chunk_size=MIB)
    bearer = {"Authorization": f"Bearer {begun['token']}"}
    people.owner.api.post("/api/v2/model/upload/0", data=data[:MIB], headers=bearer)
    file.write_bytes(b"x" + data[1:])
    _, err = end(start(file, "--resume", f"{served.address}/api/v2/model/upload", "--token", begun["token"]), 1)
    assert "A different file: 1 of the chunks on the portal" in err
    status = people.owner.api.get("/api/v2/model/upload", headers=bearer).json
    assert status["received"] == [[0, 0]]


@pytest.mark.parametrize(("is_declared", "option"), [(True, ()), (False, ("--replace",))])
def test_chunks_that_are_not_the_files_are_replaced(
    served: Served, line: Line, people: People, file: Path, start, is_declared, option
) -> None:
    data = file.read_bytes()
    begun = make.begin(people.owner, data, chunk_size=MIB, sha256=make.sha256(data) if is_declared else None)
    make.send_chunks(people.owner, begun, data[: 3 * MIB] + b"x" + data[3 * MIB + 1 :])
    resume = ("--resume", f"{line.address}/api/v2/model/upload", "--token", begun["token"])
    out, err = end(start(file, *resume, *option))
    assert "1 of the chunks on the portal are not this file's and are sent anew" in err
    assert line.carried < 2 * MIB
    assert downloaded(people.owner, out) == data


@pytest.mark.disk
def test_the_same_command_mends_what_somebody_else_sent(
    served: Served, line: Line, people: People, file: Path, tmp_path: Path, start
) -> None:
    command = (file, "--to", line.address, "--token", token(people.owner), "--name", "yield net")
    line.rate = 10 * MIB
    first = start(*command)
    wait_until(lambda: line.carried > 20 * MIB)
    first.kill()
    end(first, -signal.SIGKILL)
    (ledger,) = (tmp_path / "state").rglob("*.json")
    bearer = {"Authorization": f"Bearer {json.loads(ledger.read_text())['token']}"}
    other = people.owner.api.post("/api/v2/model/upload/0", data=bytes(portal.client.CHUNK_SIZE), headers=bearer)
    assert other.status_code == 200
    line.rate = 0
    out, _ = end(start(*command))
    assert downloaded(people.owner, out) == file.read_bytes()


@pytest.mark.disk
def test_what_somebody_else_sent_meanwhile_is_mended_at_once(
    served: Served, line: Line, people: People, file: Path, start
) -> None:
    begun = make.begin(people.owner, file.read_bytes(), chunk_size=4 * MIB)
    line.rate = 10 * MIB
    process = start(file, "--resume", f"{line.address}/api/v2/model/upload", "--token", begun["token"])
    wait_until(lambda: line.carried > 20 * MIB)
    make.send_chunks(people.owner, begun, bytes(4 * MIB))
    out, err = end(process)
    assert "The upload stays open. Comparing once more." in err
    assert downloaded(people.owner, out) == file.read_bytes()


def test_a_file_that_changes_on_the_way_is_not_published(
    served: Served, line: Line, people: People, file: Path, start
) -> None:
    line.rate = 20 * MIB
    process = start(file, "--to", line.address, "--token", token(people.owner), "--name", "moving")
    wait_until(lambda: line.carried > 10 * MIB)
    with file.open("r+b") as out:
        out.write(b"changed")
    _, err = end(process, 1)
    assert "changed while it was being sent" in err
    (entry,) = (e for e in people.owner.api.get("/api/v2/model/list").json if e["model_name"] == "moving")
    assert entry["version"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("FILE", "--to", "ADDRESS", "--token", "TOKEN", "--name", "taken"), 1, "already have a model with this name"),
        (("FILE", "--to", "ADDRESS", "--token", "wrong"), 1, "unknown, expired or revoked"),
        (("FILE.not", "--to", "ADDRESS", "--token", "TOKEN"), 2, "No such file"),
        (("FILE", "--to", "portal.example.org", "--token", "TOKEN"), 2, "begins with https:// or http://"),
        (("FILE", "--to", "ADDRESS"), 2, "a token is needed"),
        (("FILE", "--token", "TOKEN"), 2, "say where to"),
        (("FILE", "--to", "ADDRESS", "--token", "TOKEN", "--model", "1" * 8), 1, "The portal refuses"),
    ],
)
def test_what_cannot_be_mended_is_said_in_one_line(
    arguments, code, sentence, served: Served, people: People, file: Path, start
) -> None:
    make.entry(people.owner, "taken")
    given = {"FILE": str(file), "ADDRESS": served.address, "TOKEN": token(people.owner)}
    _, err = end(start(*(given.get(word, word) for word in arguments)), code)
    assert sentence in err
    assert "Traceback" not in err
