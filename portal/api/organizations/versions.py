"""The versions of a model in an app: begun and finished here (their bytes go to `presigned.py`), listed, downloaded."""

from flask import jsonify, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import Field

from portal.api.bodies import Spec
from portal.api.declared import BYTES, Parameter, answers, reads, takes
from portal.api.files import ELSEWHERE, FILE_ASKED, FILE_HEADERS, VERSION, asked_version
from portal.api.organizations import organizations, shapes
from portal.api.organizations.places import KIND, PLACE, app_at, entry_at
from portal.api.organizations.shapes import ModelVersionShape, PresignedShape
from portal.domain import apps, versions
from portal.domain.entries import Entry
from portal.downloads import NotSatisfiable, of_version, send
from portal.errors import BadRequest, Conflict, Gone, Invalid, NotFound, invalid
from portal.identity import current_actor
from portal.uploads import machine, presigned, session
from portal.uploads.machine import Announcement
from portal.uploads.session import Upload

PATH = "/organizations/<org>/apps/<app>/models/<model>/model_versions"
PATH_BY_APP = "/organizations/<org>/app/<app>/models/<model>/model_versions/<id:version_id>"
ORDER_BY = Parameter("order_by", "Takes `version`, which is the order anyway.", enum=["version"])


class BeginVersionSpec(Spec):
    model_id: str | None = None
    file_name: str | None = Field(None, examples=["net.safetensors"])
    filename: str | None = None
    description: str | None = None


class FinishVersionSpec(Spec):
    filepath: str | None = None


@organizations.post(PATH)
@takes(path=PLACE)
@reads(BeginVersionSpec)
@answers(PresignedShape, NotFound)
def begin_version(org: str, app: str, model: str, said: BeginVersionSpec) -> ResponseReturnValue:
    """Begin a version of a model. PUT its bytes to the answer's address, then finish it."""
    place = app_at(org, app)
    entry = apps.get_entry(current_actor(), place, KIND, model)
    if said.model_id not in (None, entry.id, entry.name):
        raise invalid("model_id", "This is not the model of the address.")
    file_name, description = said.file_name or said.filename, said.description or ""
    announced = Announcement(entry_id=entry.id, file_name=file_name, description=description)
    upload = machine.begin(current_actor(), KIND, announced)
    return jsonify(
        filepath=shapes.filepath(place, entry, upload),
        model_version_id=upload.id,
        presigned_url=presigned.address(upload) or _our_address(upload),
    )


@organizations.patch(f"{PATH}/<id:version_id>")
@takes(path=PLACE)
@reads(FinishVersionSpec)
@answers(ModelVersionShape, NotFound, Conflict, Gone)
def finish_version(org: str, app: str, model: str, version_id: str, said: FinishVersionSpec) -> ResponseReturnValue:
    """Finish a version whose bytes are there. It gets its number now; finishing again gives the same answer."""
    place = app_at(org, app)
    entry = apps.get_entry(current_actor(), place, KIND, model)
    upload = session.get(current_actor(), version_id, KIND)
    if upload.entry_id != entry.id:
        raise NotFound("There is no such version.")
    if said.filepath not in (None, shapes.filepath(place, entry, upload)):
        raise invalid("filepath", "This is not the filepath of this version.")
    made = presigned.complete(current_actor(), upload)
    return jsonify(shapes.version(place, entry, made))


@organizations.get(PATH)
@takes(ORDER_BY, path=PLACE)
@answers(list[ModelVersionShape], NotFound)
def list_versions(org: str, app: str, model: str) -> ResponseReturnValue:
    """The finished versions of a model, in the order of their numbers."""
    if request.args.get("order_by", "version") != "version":
        raise BadRequest(fields=[("order_by", "Takes version.")])
    place = app_at(org, app)
    entry = apps.get_entry(current_actor(), place, KIND, model)
    made = reversed(versions.list_for(current_actor(), entry))
    return jsonify([shapes.version(place, entry, version) for version in made])


@organizations.get(f"{PATH}/<id:version_id>")
@organizations.get(PATH_BY_APP, endpoint="download_version_by_app")
@takes(path=PLACE, headers=FILE_ASKED)
@answers(bytes, NotFound, NotSatisfiable, media=(BYTES,), headers=FILE_HEADERS)
@answers(bytes, status=206, media=(BYTES,), headers=FILE_HEADERS, about="The range that was asked for.")
@answers(None, status=304, about="The caller has these bytes.")
@answers(None, status=307, headers=ELSEWHERE, about="The storage sends them, from an address that expires.")
def download_version(org: str, app: str, model: str, version_id: str) -> ResponseReturnValue:
    """The file of a version."""
    entry = entry_at(org, app, model)
    return send(of_version(versions.get_by_id(current_actor(), entry, version_id)))


@organizations.get("/download/organizations/<org>/apps/<app>/models/<model>")
@takes(VERSION, path=PLACE, headers=FILE_ASKED)
@answers(bytes, NotFound, NotSatisfiable, media=(BYTES,), headers=FILE_HEADERS)
@answers(bytes, status=206, media=(BYTES,), headers=FILE_HEADERS, about="The range that was asked for.")
@answers(None, status=304, about="The caller has these bytes.")
@answers(None, status=307, headers=ELSEWHERE, about="The storage sends them, from an address that expires.")
def download(org: str, app: str, model: str) -> ResponseReturnValue:
    """The file of a model's newest version, or of another."""
    return send(of_version(_version(entry_at(org, app, model))))


def _our_address(upload: Upload) -> str:
    signature = presigned.sign(upload)
    return url_for("organizations.put_file", upload_id=upload.id, signature=signature, _external=True)


def _version(entry: Entry) -> versions.Version:
    number = asked_version()
    try:
        return versions.get(current_actor(), entry, number)
    except Invalid as error:  # no version yet
        raise NotFound(error.detail) from None
