"""`portal demo`: one command, and what it shows is true."""

import json
import re
import signal
import time
from base64 import b64encode
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from portal.demo import content
from portal.demo.people import PEOPLE
from tests.command import portal, start, surroundings
from tests.served import free_port
from tests.test_cli_serve import come_up

MODELS, SCRIPTS = content.read("models.toml"), content.read("scripts.toml")


def get(address, headers=None):
    with urlopen(Request(address, headers=headers or {}), timeout=20) as answer:
        return json.load(answer)


@pytest.mark.slow
def test_one_command_from_nothing_and_again_after_a_crash(tmp_path):
    port = free_port()
    environ = surroundings(tmp_path, PORTAL_DATABASE_URL="postgresql+psycopg://u:p@127.0.0.1:1/not-touched")
    command = ("demo", "--port", str(port))

    killed = start(environ, *command)
    while not (tmp_path / "files" / "versions").exists():
        assert killed.poll() is None
        time.sleep(0.01)
    time.sleep(0.5)
    killed.kill()
    killed.communicate()

    passwords = []
    for _ in range(2):
        process = start(environ, *command)
        try:
            come_up(process, port)
            if not passwords:
                look_around(f"http://127.0.0.1:{port}", json.loads((tmp_path / "demo-passwords.json").read_text()))
        finally:
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=40)
        assert f"http://127.0.0.1:{port}" in said
        passwords.append(re.findall(r"@example\.org +(\S+)", said))
    assert len(passwords[0]) == len(PEOPLE)
    assert passwords[0] == passwords[1]

    checked = portal(surroundings(tmp_path), "check")
    assert checked.returncode == 0, checked.stdout


def look_around(address, passwords):
    basic = b64encode(f"aiko@example.org:{passwords['aiko']}".encode()).decode()
    token = get(f"{address}/api/v2/user/login", {"Authorization": f"Basic {basic}"})["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert get(f"{address}/api/v2/user/info", headers)["teams"][0]["team_name"] == "Barley lab"

    models = {row["model_name"] for row in get(f"{address}/api/models/all", headers)}
    assert models == {each["name"] for each in MODELS if each["access"] != "private"} | {"Plot embeddings"}
    scripts = {row["script_name"] for row in get(f"{address}/api/scripts/all", headers)}
    assert scripts == {each["name"] for each in SCRIPTS}

    for slug, name, number in (
        ("scripts", "Fit the additive yield model", 121),
        ("models", "Barley yield, additive", 120),
    ):
        facets = get(f"{address}/api/{slug}/records/facets?{slug[:-1]}_names={quote(name)}", headers)
        assert facets["total"] == number
        assert {"name": "1931", "count": 60} in facets["seasons"]
        assert len([each for each in facets["sites"] if each["name"]]) == 6

    public = {row["model_name"] for row in get(f"{address}/api/models/all")}
    assert public == {each["name"] for each in MODELS if each["access"] == "public"}


def test_the_folder_of_a_real_portal_is_not_touched(tmp_path):
    (tmp_path / "portal.db").touch()
    ended = portal(surroundings(tmp_path), "demo", "--port", str(free_port()))
    assert ended.returncode == 1
    assert "holds a portal that is no demonstration" in ended.stderr
    assert not (tmp_path / "demo-passwords.json").exists()


@pytest.mark.parametrize("said", MODELS + SCRIPTS, ids=lambda said: said["name"][:40])
def test_every_version_has_its_bytes(said):
    assert all(content.content_of(version) for version in said.get("versions", []))


@pytest.mark.parametrize(
    "said", [each for each in MODELS if "made_by" in str(each)], ids=lambda said: said["name"][:40]
)
def test_the_info_of_a_model_says_what_its_script_found(said, tmp_path):
    found = leaves(content.run(said["versions"][-1], tmp_path / "result"))
    claimed = {path: value for path, value in leaves(said["info"]).items() if path in found}
    assert claimed
    assert claimed == {path: found[path] for path in claimed}


def test_the_table_in_a_description_says_what_the_script_found(tmp_path):
    (said,) = (each for each in MODELS if each["name"] == "Barley yield, additive")
    for number, version in enumerate(said["versions"], 1):
        fit = content.run(version, tmp_path / "result")["fit"]
        (line,) = (line for line in said["description"].splitlines() if line.startswith(f"| {number} |"))
        assert line.endswith(f"| {fit['r_squared']:.3f} | {fit['residual_sd']:.2f} |")


def leaves(tree, path=()):
    if not isinstance(tree, dict):
        return {path: tree}
    return {found: leaf for key, branch in tree.items() for found, leaf in leaves(branch, (*path, key)).items()}
