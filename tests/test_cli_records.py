"""`portal records import`: from a file, from a pipe, interrupted and run again."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask.cli import ScriptInfo
from sqlalchemy import func, select

from portal.cli import cli
from portal.domain.kinds import SCRIPT
from portal.domain.record_search import Wanted, counts
from portal.domain.records import Record, facts
from portal.extensions import db
from tests import make
from tests.bench import record_data
from tests.command import environ_of, start
from tests.people import People

Run = Callable[..., Result]


@pytest.fixture
def run(people: People) -> Run:
    """`portal records import …` on the test's own portal."""

    def run(*arguments: str, typed: bytes | None = None) -> Result:
        context = ScriptInfo(create_app=lambda: people.owner.app)
        return CliRunner().invoke(cli, ["records", "import", *arguments], input=typed, obj=context)

    return run


def kept(people: People) -> list[Record]:
    with people.owner.app.app_context():
        return list(db.session.scalars(select(Record).order_by(Record.timestamp)))


def test_a_file_of_lines_is_loaded_and_loading_it_again_changes_nothing(
    people: People, run: Run, tmp_path: Path
) -> None:
    entry_id, file = make.entry(people.owner), tmp_path / "flights.ndjson"
    file.write_bytes(b"".join(record_data.lines(record_data.some(6_000))))
    first, second = run(entry_id, str(file)), run(entry_id, str(file))
    assert (first.exit_code, first.stdout) == (0, "6,000 records added.\n")
    assert (second.exit_code, second.stdout) == (0, "0 records added, 6,000 lines there already.\n")
    assert len(kept(people)) == 6_000


def test_wrong_lines_are_shown_and_left_out(people: People, run: Run) -> None:
    entry_id = make.entry(people.owner, kind=SCRIPT)
    good = json.dumps({"site_name": "Waseca", "script_data": {"yield": 48.9}}).encode()
    result = run(entry_id, "-", typed=b"{}\n\n" + good + b'\n{"site_name": 5}\n' + b"{\n" * 30)
    assert result.exit_code == 1
    assert result.stdout == "1 record added, 32 lines left out.\n"
    assert result.stderr.splitlines()[:2] == [
        "line 1: script_data: Give data, or a record_file.",
        "line 4: site_name: Takes text.",
    ]
    assert result.stderr.splitlines()[-1] == "… and 12 more lines"


def test_a_dry_run_adds_nothing(people: People, run: Run, tmp_path: Path) -> None:
    entry_id, file = make.entry(people.owner), tmp_path / "plots.ndjson"
    file.write_text('{"site_name": "Waseca", "model_data": {}}\n{"site_name": "Waseca"}\n')
    result = run("--dry-run", entry_id, str(file))
    assert (result.exit_code, result.stdout) == (1, "1 record would be added, 1 line left out.\n")
    assert kept(people) == []


def test_a_sheet_is_loaded_by_its_header(people: People, run: Run, tmp_path: Path) -> None:
    entry_id, file = make.entry(people.owner), tmp_path / "Plots.CSV"
    file.write_bytes(
        b"\xef\xbb\xbf"
        b"id,site_name,season_name,timestamp,variety,yield,model_data.plot,irrigated,note,record_info,model_data\r\n"
        b',Waseca,1931,1931-08-01T12:00:00Z,Trebi,48.9,007,true,,"{""by"": ""Immer""}",\r\n'
        b',Waseca,1931,1931-08-02T12:00:00Z,"No. 38\nlate",1e3,7,FALSE,"=1+1",,"{""extra"": [1]}"\r\n'
        b",Waseca,1931,1931-08-03T12:00:00Z,Trebi,1e999,,,,,\r\n"
        b",Waseca,1931,1931-08-04T12:00:00Z,Trebi,1,,,,,,,\r\n"
        b",Waseca,1931,yesterday,Trebi,1,,,,,\r\n"
        b",Waseca,1931,,Tr\xe9bi,1,,,,,\r\n"
        b"\r\n"
        b",,,1931-08-05T12:00:00Z,Trebi,1,,,,,\r\n"
    )
    result = run(entry_id, str(file))
    assert result.stdout == "2 records added, 5 lines left out.\n"
    assert result.stderr.splitlines() == [
        "line 5: The number 1e999 is beyond a double.",
        "line 6: The row has 13 cells, the header 11.",
        "line 7: timestamp: Takes a time like 2026-11-21T09:30:00Z.",
        "line 8: Text must be UTF-8 without NUL characters.",
        "line 10: experiment_name: Name at least one of experiment, season and site.",
    ]
    first, second = kept(people)
    assert first.data == {"variety": "Trebi", "yield": 48.9, "plot": "007", "irrigated": True}
    assert first.info == {"by": "Immer"}
    assert second.data == {
        "extra": [1],
        "variety": "No. 38\nlate",
        "yield": 1000,
        "plot": 7,
        "irrigated": "FALSE",
        "note": "=1+1",
    }
    with people.owner.app.app_context():
        assert [each and each.name for each in facts(first.id)[2:]] == ["1931", "Waseca"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "The first line must name the columns."),
        (b"site_name,,yield\n", "Column 2 of the header has no name."),
        (b"site_name,yield,model_data.yield\n", "The header has the column 'yield' twice."),
    ],
)
def test_a_sheet_without_a_good_header_is_refused(people: People, run: Run, text: bytes, complaint: str) -> None:
    result = run("--csv", make.entry(people.owner), "-", typed=text)
    assert (result.exit_code, result.stderr) == (1, f"Error: {complaint}\n")


def test_what_the_portal_wrote_as_csv_it_reads_again(people: People, run: Run, tmp_path: Path) -> None:
    source, target = make.entry(people.owner, "one"), make.entry(people.owner, "other")
    lines = b"".join(record_data.lines(record_data.made_up(50)))
    assert run(source, "-", typed=lines).exit_code == 0
    sheet = people.owner.api.get(f"/api/models/id/{source}/records", headers={"Accept": "text/csv"}).data
    assert run("--csv", target, "-", typed=sheet).stdout == "50 records added.\n"
    with people.owner.app.app_context():
        of = {each: [] for each in (source, target)}
        for record in db.session.scalars(select(Record).order_by(Record.timestamp)):
            of[record.entry_id].append((record.timestamp, record.collection_date, without_nulls(record.data)))
        assert of[source] == of[target]


def without_nulls(data: dict[str, object] | None) -> dict[str, object]:
    return {key: value for key, value in (data or {}).items() if value is not None}


@pytest.mark.parametrize("entry_id", ["barley", "00000000-0000-0000-0000-000000000000"])
def test_an_entry_that_is_not_there(run: Run, entry_id: str) -> None:
    result = run(entry_id, "-", typed=b"")
    assert (result.exit_code, result.stderr) == (1, f"Error: There is no model or script {entry_id}.\n")


def test_interrupted_and_run_again_it_ends_where_it_would_have_ended(people: People, tmp_path: Path) -> None:
    entry_id, pipe = make.entry(people.owner), tmp_path / "flights.ndjson"
    text = b"".join(record_data.lines(record_data.made_up(12_000)))
    os.mkfifo(pipe)
    command = start(environ_of(people.owner.app), "records", "import", entry_id, str(pipe))
    with pipe.open("wb", buffering=0) as writer:
        writer.write(text[: len(text) // 2 + 100])
        wait_for(lambda: len(kept(people)) == 5_000)
        command.send_signal(signal.SIGINT)
        said, errors = command.communicate(timeout=30)
    assert (command.returncode, said) == (130, "")
    assert "5,000 records added. Interrupted; run it again to go on." in errors
    file = tmp_path / "again.ndjson"
    file.write_bytes(text)
    again = start(environ_of(people.owner.app), "records", "import", entry_id, str(file))
    assert again.communicate(timeout=60)[0] == "7,000 records added, 5,000 lines there already.\n"
    with people.owner.app.app_context():
        assert counts(people.owner.actor, Wanted(entry_id=entry_id)).total == 12_000
        assert db.session.scalar(select(func.count()).select_from(Record)) == 12_000


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
