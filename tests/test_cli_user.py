"""`portal user` on a portal that people use: who waits is let in, who forgot their password gets another."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import ScriptInfo

from portal.cli import cli
from tests.people import PASSWORD, People, Person, make_people

NEW = "eight stapled horses"


@pytest.fixture
def people(make_app: Callable[..., Flask]) -> People:
    return make_people(make_app(signup="verify"))


@pytest.fixture
def run(people: People) -> Callable[..., Result]:
    """`portal user …` on the test's own portal."""

    def run(*arguments: str, typed: str = "") -> Result:
        context = ScriptInfo(create_app=lambda: people.owner.app)
        return CliRunner().invoke(cli, ["user", *arguments], input=typed, obj=context)

    return run


def log_in(people: People, name: str, password: str) -> int:
    """The status of a program's log-in."""
    basic = (f"{name}@example.org", password)
    return people.anonymous.client.get("/api/v2/user/login", auth=basic).status_code


def sign_up(people: People, name: str) -> None:
    visitor = Person(people.owner.app, "visitor")
    form = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "csrf_token": visitor.csrf_token}
    assert visitor.client.post("/signup", data=form).headers["Location"] == "/login"


def test_who_signed_up_may_log_in_once_verified(people: People, run: Callable[..., Result]) -> None:
    sign_up(people, "Newcomer")
    assert log_in(people, "newcomer", PASSWORD) == 401
    for _ in range(2):
        ended = run("verify", "newcomer")
        assert (ended.exit_code, ended.output) == (0, "newcomer may log in.\n")
        assert log_in(people, "newcomer", PASSWORD) == 200


def test_a_new_password_ends_the_old_one_and_every_session(people: People, run: Callable[..., Result]) -> None:
    assert people.owner.client.get("/account").status_code == 200
    assert people.owner.api.get("/api/v2/user/info").status_code == 200

    ended = run("password", "OWNER", "--password", NEW)

    assert ended.exit_code == 0, ended.output
    assert (log_in(people, "owner", PASSWORD), log_in(people, "owner", NEW)) == (401, 200)
    assert people.owner.client.get("/account").status_code == 302
    assert people.owner.api.get("/api/v2/user/info").status_code == 401
    assert people.stranger.client.get("/account").status_code == 200


def test_the_password_is_asked_for_twice(people: People, run: Callable[..., Result]) -> None:
    assert run("password", "owner", typed=f"{NEW}\nanother one\n").exit_code == 1
    assert log_in(people, "owner", PASSWORD) == 200
    assert run("password", "owner", typed=f"{NEW}\n{NEW}\n").exit_code == 0
    assert log_in(people, "owner", NEW) == 200


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("verify", "nobody"), "There is nobody called nobody."),
        (("password", "nobody", "--password", NEW), "There is nobody called nobody."),
        (("password", "owner", "--password", "short"), "A password takes 8 to 128 characters."),
        (("password", "owner", "--password", ""), "A password takes 8 to 128 characters."),
    ],
)
def test_what_will_not_do_changes_nothing(
    people: People, run: Callable[..., Result], arguments: tuple[str, ...], sentence: str
) -> None:
    ended = run(*arguments)
    assert ended.exit_code == 1
    assert sentence in ended.output
    assert log_in(people, "owner", PASSWORD) == 200


def test_everybody_is_listed_with_their_standing(people: People, run: Callable[..., Result]) -> None:
    sign_up(people, "Newcomer")
    lines = run("list").output.splitlines()
    assert [line.split()[0] for line in lines] == [
        "admin",
        "Newcomer",
        "owner",
        "reader",
        "stranger",
        "team_admin",
        "teammate",
    ]
    standing = {line.split()[0]: " ".join(line.split()[3:]) for line in lines}
    assert (standing["admin"], standing["Newcomer"], standing["owner"]) == ("administrator", "not verified", "")
    assert "newcomer@example.org" in lines[1].lower()
