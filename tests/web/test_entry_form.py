"""Registering and editing on the pages: nothing typed is lost, everything wrong is named at once."""

import html

from portal.domain.kinds import Kind
from tests import make
from tests.people import People, Person


def send(person, path, **fields):
    page = person.client.get(path).get_data(as_text=True)
    token = page.split('name="csrf-token" content="')[1].split('"')[0]
    return person.client.post(path, data={"csrf_token": token, **fields})


def test_register_describe_and_see(people: People, kind: Kind) -> None:
    base = make.entry(people.owner, "base", kind=kind)
    answer = send(
        people.owner,
        f"/{kind.slug}/new",
        name="Plot counter",
        description="# Counts *plots*\n\n<script>alert(1)</script>",
        type="cnn",
        url="https://example.org/plots",
        experiments="Trial 7\nTrial 8",
        info='{"deep": {"layers": [1, 2]}}',
        attributes="crop = barley\nsite = Waseca",
        depends_on=base,
    )
    assert answer.status_code == 302
    page = people.owner.client.get(answer.location).get_data(as_text=True)
    for words in (
        "Plot counter",
        "<em>plots</em>",
        "cnn",
        "https://example.org/plots",
        "Trial 7",
        "Trial 8",
        "layers",
        "Waseca",
    ):
        assert words in page
    assert "<script>alert" not in page
    assert f'href="/{kind.slug}/{base}"' in page


def test_everything_wrong_is_named_at_once_and_nothing_is_lost(people: People, kind: Kind) -> None:
    answer = send(
        people.owner,
        f"/{kind.slug}/new",
        name=" ",
        url="javascript:alert(1)",
        info='{\n  "a": 1,\n  b\n}',
        attributes="crop = barley\nno equals sign",
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for words in ("1 to 255 characters", "Takes an address", "line 3, column 3", "Line 2: takes name = value"):
        assert words in page
    for typed in ("javascript:alert(1)", "no equals sign", "&#34;a&#34;: 1"):
        assert typed in page


def test_a_taken_name_is_said_beside_the_name(people: People, kind: Kind) -> None:
    make.entry(people.owner, "taken", kind=kind)
    answer = send(people.owner, f"/{kind.slug}/new", name="TAKEN", info="{}")
    assert answer.status_code == 409
    assert f"You already have a {kind.word} with this name" in answer.get_data(as_text=True)


def test_edit_shows_what_is_there_and_keeps_what_is_not_changed(people: People, kind: Kind) -> None:
    entry_id = make.entry(
        people.owner, "before", kind=kind, info={"a": [1]}, attributes={"crop": "oat"}, description="Text"
    )
    path = f"/{kind.slug}/{entry_id}/edit"
    page = people.owner.client.get(path).get_data(as_text=True)
    assert "crop = oat" in page
    answer = send(people.owner, path, name="after", description="Text", info='{"a": [1]}', attributes="crop = oat")
    assert answer.status_code == 302
    row = people.owner.api.get(f"/api/{kind.slug}/id/{entry_id}").json
    assert (row[f"{kind.word}_name"], row[f"{kind.word}_info"]) == ("after", {"a": [1]})


def test_who_may_open_the_forms(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, kind=kind, access="public")
    for rest in ("edit", "delete"):
        path = f"/{kind.slug}/{entry_id}/{rest}"
        assert people.owner.client.get(path).status_code == 200
        assert people.stranger.client.get(path).status_code == 403
        assert people.anonymous.client.get(path).location.startswith("/login?next=")


def test_delete_asks_for_the_name(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, "old one", kind=kind)
    path = f"/{kind.slug}/{entry_id}/delete"
    assert send(people.owner, path, name="another").status_code == 422
    assert send(people.owner, path, name="old one").status_code == 302
    assert people.owner.client.get(f"/{kind.slug}/{entry_id}").status_code == 404


def test_a_visitor_is_sent_to_log_in_for_what_exists_and_what_does_not(people: People, kind: Kind) -> None:
    hidden = f"/{kind.slug}/{make.entry(people.owner, kind=kind)}"
    missing = f"/{kind.slug}/00000000-0000-4000-8000-000000000000"
    for path in (hidden, missing):
        assert people.anonymous.client.get(path).location == f"/login?next={path}"
        assert people.stranger.client.get(path).status_code == 404
    assert people.anonymous.client.get("/no-such-page").status_code == 404


def test_an_experiment_taken_from_the_form_is_untied_and_the_others_stay(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, "ears", kind=kind, experiment="Trial 7")
    people.owner.api.patch(f"/api/{kind.slug}/id/{entry_id}", json={"experiment_name": "Trial 8"})
    path = f"/{kind.slug}/{entry_id}/edit"

    assert "Trial 7\nTrial 8" in people.owner.client.get(path).text
    assert send(people.owner, path, name="ears", experiments="trial 8\r\n\r\nTrial 9").status_code == 302
    assert tied(people, kind, entry_id) == ["Trial 8", "Trial 9"]
    assert send(people.owner, path, name="ears", experiments="").status_code == 302
    assert tied(people, kind, entry_id) == []


def test_a_bad_experiment_is_named_and_nothing_is_saved(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, "ears", kind=kind, experiment="Trial 7")

    answer = send(people.owner, f"/{kind.slug}/{entry_id}/edit", name="new name", experiments="x" * 300)

    assert answer.status_code == 422
    assert 'href="#experiments"' in answer.text
    assert tied(people, kind, entry_id) == ["Trial 7"]
    assert people.owner.api.get(f"/api/{kind.slug}/id/{entry_id}").json[f"{kind.word}_name"] == "ears"


def tied(people: People, kind: Kind, entry_id: str) -> list[str]:
    answer = people.owner.api.get(f"/api/{kind.slug}/id/{entry_id}/experiments")
    found = [] if answer.status_code == 404 else answer.json
    return [each if isinstance(each, str) else each["experiment_name"] for each in found]


def send_in_parts(person: Person, path: str, sent: dict[str, str]):
    answer = person.client.post(path, data=sent, content_type="multipart/form-data")
    answer.request.environ["wsgi.input"].close()  # a file, which the test client leaves open
    return answer


LARGE_INFO = {f"plot {number:06}": [number, {"é": None}] for number in range(20_000)}


def test_an_info_as_large_as_it_may_be_is_edited_as_browsers_send_it(people: People, kind: Kind) -> None:
    entry_id = make.entry(people.owner, "plots", kind=kind, info=LARGE_INFO)
    path = f"/{kind.slug}/{entry_id}/edit"
    page = people.owner.client.get(path).text
    shown = html.unescape(page.split('id="info"')[1].split(">", 1)[1].split("</textarea>")[0]).strip()
    sent = {"csrf_token": people.owner.csrf_token, "name": "plots renamed", "info": shown.replace("\n", "\r\n")}

    assert 'enctype="multipart/form-data"' in page
    answer = send_in_parts(people.owner, path, sent)

    assert answer.status_code == 302
    row = people.owner.api.get(f"/api/{kind.slug}/id/{entry_id}").json
    assert (row[f"{kind.word}_name"], row[f"{kind.word}_info"]) == ("plots renamed", LARGE_INFO)


def test_an_info_beyond_its_limit_is_refused_beside_its_field(people: People, kind: Kind) -> None:
    sent = {"csrf_token": people.owner.csrf_token, "name": "plots", "info": f'{{"a": "{"é" * 600_000}"}}'}

    answer = send_in_parts(people.owner, f"/{kind.slug}/new", sent)

    assert answer.status_code == 422
    assert "Takes at most 1 MiB of JSON." in answer.text
