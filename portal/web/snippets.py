"""Commands to copy, with the real ids and addresses."""

from typing import NamedTuple

from flask import current_app, request, url_for

from portal.domain.entries import Entry
from portal.domain.kinds import Kind
from portal.domain.versions import Version


class Snippet(NamedTuple):
    label: str
    code: str


def origin() -> str:
    """The portal's own address: the configured one, or that of this request."""
    return current_app.extensions["portal"].public_url or request.host_url.rstrip("/")


def download(kind: Kind, entry: Entry, version: Version) -> list[Snippet]:
    """The newest version by curl and by Python, checked against its sha256."""
    path = url_for("bazaar.download", kind=kind, entry_id=entry.id)
    url, name = f"{origin()}{path}?version={version.number}", version.file_name
    quoted = "'" + name.replace("'", "'\\''") + "'"
    curl = (
        f'curl -fL -H "Authorization: Bearer $PORTAL_TOKEN" -o {quoted} \\\n  "{url}"\n'
        f"echo {version.sha256}  {quoted} | sha256sum -c"
    )
    python = (
        "import hashlib, os, shutil, urllib.request\n\n"
        f'request = urllib.request.Request("{url}",\n'
        '    headers={"Authorization": "Bearer " + os.environ["PORTAL_TOKEN"]})\n'
        f'with urllib.request.urlopen(request) as answer, open({name!r}, "wb") as file:\n'
        "    shutil.copyfileobj(answer, file, 1 << 20)\n"
        f'with open({name!r}, "rb") as file:\n'
        f'    assert hashlib.file_digest(file, "sha256").hexdigest() == "{version.sha256}"'
    )
    return [Snippet("curl", curl), Snippet("Python", python)]


def upload(kind: Kind, entry: Entry | None) -> str:
    """A file by the terminal client: a new version of `entry`, or something new."""
    target = f"--{kind.word} {entry.id}" if entry else f"--name NAME --kind {kind.word}"
    return (
        "export PORTAL_TOKEN=…\n"
        f"curl -fsSO {origin()}{url_for('uploads.client')}\n"
        f"python3 client.py FILE \\\n  --to {origin()}{request.script_root} \\\n  {target}"
    )
