"""What somebody gets who installs the package, far from a checkout."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        ".",
    ]
    subprocess.run(build, cwd=ROOT, check=True)
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("folder", ["templates", "static", "migrations"])
def test_pages_styles_and_migrations_are_inside_the_package(shipped, folder):
    files = {path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert files
    assert {f"portal/{path.relative_to(ROOT).as_posix()}" for path in files} <= shipped


def test_the_browsers_files_are_shipped_and_the_tests_tools_are_not(shipped):
    vendor = {Path(name).name for name in shipped if name.startswith("portal/static/vendor/")}
    swagger = {"swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.css"}
    assert vendor == {"htmx.min.js", "bootstrap.min.css", "icons.svg", *swagger}
    assert not [name for name in shipped if "axe" in name or name.startswith(("tests", "wsgi"))]


def test_the_files_for_a_server_are_inside_the_package(shipped):
    files = {f"portal/deploy/{path.name}" for path in (ROOT / "portal/deploy").iterdir()}
    assert len(files) == 6
    assert files <= shipped


def test_every_icon_that_a_template_draws_is_in_the_sprite():
    drawn = {name for page in TEMPLATES for name in re.findall(r'\bicon(?:_alone)?\("([a-z0-9-]+)"', page.read_text())}
    sprite = ET.parse(ROOT / "static/vendor/icons.svg").getroot()
    assert drawn
    assert drawn <= {symbol.attrib["id"] for symbol in sprite}


def test_the_lock_pins_by_hash_and_names_no_address():
    lock = (ROOT / ".build/package-lock.json").read_text()
    assert lock.count('"integrity": "sha512-') == lock.count('"node_modules/')
    assert '"resolved"' not in lock
