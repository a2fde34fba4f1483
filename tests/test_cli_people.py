"""The command line for whoever runs a portal: people and tokens, and what it says when something is wrong."""

import pytest
from click.testing import CliRunner

from portal import create_app
from portal.cli import cli
from portal.domain import tokens
from portal.extensions import db
from portal.settings import Settings
from tests.command import portal, start, surroundings

PASSWORD = ("--password", "seven stapled horses")


def recognised(environ, secret):
    app = create_app(Settings.from_environ(environ))
    with app.app_context():
        actor = tokens.recognise(secret)
        db.engine.dispose()
    return actor


def test_the_first_administrator_and_their_token_come_from_an_empty_folder(tmp_path):
    environ = surroundings(tmp_path / "new")
    made = portal(environ, "user", "create", "ada", "ada@example.org", *PASSWORD, "--admin")
    token = portal(environ, "token", "create", "Ada", "nightly", "--scope", "write", "--expires-in", "30")
    assert (made.returncode, token.returncode) == (0, 0), made.stderr + token.stderr
    actor = recognised(environ, token.stdout.strip())
    assert actor.user_id == made.stdout.strip()
    assert actor.is_admin
    assert actor.may_write
    assert actor.expires_at is not None


def test_the_password_is_asked_for_and_a_token_reads_unless_told_otherwise(tmp_path):
    environ = surroundings(tmp_path)
    made = portal(environ, "user", "create", "ada", "ada@example.org", typed=f"{PASSWORD[1]}\n{PASSWORD[1]}\n")
    assert made.returncode == 0, made.stderr
    assert len(made.stdout.split()) == 1
    actor = recognised(environ, portal(environ, "token", "create", "ada", "reader").stdout.strip())
    assert not actor.is_admin
    assert not actor.may_write
    assert actor.expires_at is None


def test_a_misspelt_variable_is_said_once_and_stops_nothing(tmp_path):
    environ = surroundings(tmp_path, PORTAL_SINGUP="closed")
    ended = portal(environ, "user", "create", "ada", "ada@example.org", *PASSWORD)
    assert ended.returncode == 0
    assert ended.stderr.count("PORTAL_SINGUP") == 1
    assert ended.stderr.count("Did you mean PORTAL_SIGNUP?") == 1
    assert "PORTAL" not in ended.stdout


def test_four_commands_at_once_make_one_database(tmp_path):
    environ = surroundings(tmp_path)
    running = [start(environ, "user", "create", f"u{i}", f"u{i}@example.org", *PASSWORD) for i in range(4)]
    ended = [(process.communicate(), process.returncode) for process in running]
    assert [code for _, code in ended] == [0] * 4, ended
    assert len({out for (out, _), _ in ended}) == 4


def test_a_refusal_is_one_line(tmp_path):
    ended = portal(surroundings(tmp_path), "token", "create", "nobody", "x")
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "Error: There is nobody called nobody.\n")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command within this process, on a data directory that is not there."""

    def run(*arguments, **variables):
        for name, value in {"PORTAL_DATA_DIR": str(tmp_path / "none"), **variables}.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(cli, arguments)

    return run


@pytest.mark.parametrize("arguments", [["check"], ["serve"], ["demo"], ["db", "upgrade"], ["routes"]])
def test_a_bad_setting_is_one_line_with_its_name(run, arguments):
    ended = run(*arguments, PORTAL_MAX_FILE_SIZE="plenty")
    takes = "PORTAL_MAX_FILE_SIZE takes a number of bytes, or a size like 64M or 2T"
    assert (ended.exit_code, ended.output) == (2, f"Error: {takes}\n")


def test_a_database_that_does_not_answer_is_one_line(run):
    ended = run("uploads", "reap", PORTAL_DATABASE_URL="postgresql+psycopg://u:p@127.0.0.1:1/x")
    assert ended.exit_code == 1
    assert "Connection refused" in ended.output
    assert ended.output.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["db", "--help"]])
def test_version_and_help_need_no_settings_and_leave_nothing_behind(run, arguments, tmp_path):
    ended = run(*arguments, PORTAL_MAX_CHUNK_SIZE="plenty")
    assert ended.exit_code == 0
    assert ended.output
    assert not (tmp_path / "none").exists()


def test_uploading_to_another_portal_needs_no_settings(run, tmp_path):
    ended = run("upload", "nothing.bin", "--to", "http://127.0.0.1:1", "--token", "x", PORTAL_MAX_CHUNK_SIZE="plenty")
    assert (ended.exit_code, ended.output) == (2, "nothing.bin: No such file or directory\n")
    assert not (tmp_path / "none").exists()
