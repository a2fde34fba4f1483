"""Everything that the package `skafos` can do, one after the other, as its users write it.

Run with the package installed: ADDRESS TOKEN, in a folder with `weights.bin` and `notes.txt`. Tells what came back as
JSON in the last line.
"""

import json
import os
import sys
from collections.abc import Callable

import skafos
import skafos.exceptions
import skafos.http
import skafos.models
import skafos.utilities

address, token = sys.argv[1:]
for module in (skafos.http, skafos.models, skafos.utilities):  # two constants, which two modules copy from the first
    module.API_BASE_URL = f"{address}/api/v2"
    module.DOWNLOAD_BASE_URL = f"{address}/api/v2/download"

place = {"org_name": "Barley lab", "app_name": "Field", "model_name": "yield-net", "skafos_api_token": token}


def refusal(call: Callable[..., object], **given: object) -> str:
    try:
        call(**place | given)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "none"


def fetched(folder: str, **given: object) -> int:
    """The size of what is fetched; the package writes it where it is called."""
    os.makedirs(folder)
    os.chdir(folder)
    skafos.models.fetch_version(**place, **given)
    os.chdir("..")
    return os.path.getsize(f"{folder}/yield-net.zip")


told = {
    "version of the package": skafos.get_version(),
    "summary": skafos.summary(token),
    "compact": skafos.summary(token, compact=True),
    "no version": refusal(skafos.models.fetch_version),
    "nothing to deploy": refusal(skafos.models.deploy_version),
    "first": skafos.models.upload_version(files="weights.bin", description="Fitted on 2026", **place),
    "second": skafos.models.upload_version(files=["weights.bin", "notes.txt"], verbose=False, **place),
    "versions": skafos.models.list_versions(**place),
    "newest": fetched("newest"),
    "oldest": fetched("oldest", version=1),
    "before": skafos.models.list_environments(**place),
    "deployed": [
        skafos.models.deploy_version(**place),
        skafos.models.deploy_version(version=1, environment="prod", **place),
    ],
    "environments": skafos.models.list_environments(**place),
    "unknown version": refusal(skafos.models.deploy_version, version=9),
    "unknown environment": refusal(skafos.models.deploy_version, environment="staging"),
    "unknown model": refusal(skafos.models.list_versions, model_name="wheat-net"),
    "unknown organization": refusal(skafos.models.list_versions, org_name="Oat lab"),
    "no third version": refusal(skafos.models.fetch_version, version=3),
    "bad token": refusal(skafos.models.list_versions, skafos_api_token="portal_no_such_token"),
}
sys.stdout.write(f"{json.dumps(told)}\n")
