"""People: whom the portal takes in under which name, e-mail and password."""

import pytest
from flask import Flask

from portal.domain import passwords, rules, users
from portal.domain.users import User
from portal.errors import Conflict, Denied, Invalid, Throttled
from portal.extensions import db
from portal.security.actor import nobody
from tests.people import PASSWORD, People, in_transaction

VISITOR = nobody(may_read_public=True)
MANY = "1000 per minute"


def sign_up(name: str = "ada", email: str = "ada@example.org", password: str = PASSWORD, policy: str = "open") -> User:
    return users.sign_up(VISITOR, name, email, password, policy=policy)


def test_a_new_person_is_kept_as_they_wrote_themselves(app: Flask) -> None:
    with in_transaction(app):
        user = sign_up("  Ada.L-1_x ", " Ada@Example.ORG ")
        assert (user.username, user.email) == ("Ada.L-1_x", "Ada@Example.ORG")
        assert (user.is_admin, user.is_verified) == (False, True)
        assert user.password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
        assert PASSWORD not in user.password_hash


@pytest.mark.parametrize("name", ["a", "Ü" * 50, "ada.lovelace", "a-b_c", "日本", "0"])
def test_names_that_are_taken_in(app: Flask, name: str) -> None:
    with in_transaction(app):
        assert sign_up(name).username == name


def test_names_and_addresses_that_are_not(app: Flask) -> None:
    names = ["", " ", "a b", "a" * 51, "a@b", "a/b", "a\0b", "a\nb", "<b>", "ada\u202e", "ada!", "\ud800", "a\u200bb"]
    addresses = ["", "ada", "ada@", "@example.org", "ada@example", "ada@example.", "a b@example.org", "a@@example.org"]
    addresses += [
        "ada@example.org, eve@example.org",
        "ada@exam\nple.org",
        "a\0@example.org",
        f"{'a' * 250}@example.org",
    ]
    with in_transaction(app):
        for name in names:
            with pytest.raises(Invalid) as refused:
                sign_up(name)
            assert [field for field, _ in refused.value.fields] == ["username"], name
        for address in addresses:
            with pytest.raises(Invalid) as refused:
                sign_up(email=address)
            assert [field for field, _ in refused.value.fields] == ["email"], address
        assert db.session.query(User).count() == 0


def test_passwords_that_will_not_do() -> None:
    commonest = ["password", "12345678", "PASSWORD1", "iloveyou", "Football", "qwertyuiop"]
    for password in ("", "1234567", "x" * 129, "aaaaaaaaaaaa", "pass\ud800word!", *commonest):
        with pytest.raises(Invalid) as refused:
            passwords.check(password, "new")
        assert [field for field, _ in refused.value.fields] == ["new"], password


def test_passwords_may_be_any_others() -> None:
    for password in (
        "x7 q,Pü9",
        "correct horse battery",
        "ab" * 64,
        "日本語のパスワード",
        "tab\tand\nline",
        " spaces ",
        "\0" * 4 + "nul!",
    ):
        passwords.check(password, "new")


def test_a_password_counts_whole_and_as_it_is() -> None:
    long = "ab" * 64
    hashed = passwords.hash_password(long)
    assert passwords.verify(long, hashed)
    for other in (long[:-1], long[:72], f"{long} ", long.upper()):
        assert not passwords.verify(other, hashed)


def test_nobody_and_rubbish_match_no_password() -> None:
    assert not passwords.verify(PASSWORD, None)
    assert not passwords.verify("nobody has this password", None)
    assert not passwords.verify(PASSWORD, "no hash at all")
    assert not passwords.verify("lone \ud800", passwords.hash_password("lone ?"))


def test_a_name_or_address_is_taken_however_it_is_written(app: Flask) -> None:
    with in_transaction(app):
        sign_up("Straße", "ada@example.org")
    for name, address, field in [
        ("STRASSE", "x@example.org", "username"),
        ("straße", "x@example.org", "username"),
        ("eve", "ADA@EXAMPLE.ORG", "email"),
        ("eve", " ada@example.org ", "email"),
    ]:
        with in_transaction(app), pytest.raises(Conflict) as refused:
            sign_up(name, address)
        assert [each for each, _ in refused.value.fields] == [field]


def test_the_table_itself_refuses_a_second_of_the_same_name(app: Flask) -> None:
    """Two sign-ups that both looked before either wrote: the unique key decides."""
    with app.app_context():
        sign_up("ada", "one@example.org")
        twin = User(username="ADA", email="two@example.org", password_hash="x")
        twin.username_key, twin.email_key = rules.key("ADA"), "two@example.org"
        db.session.add(twin)
        with pytest.raises(Conflict):
            users._flush(twin)


def test_sign_up_can_be_closed_or_wait_for_an_administrator(app: Flask) -> None:
    with in_transaction(app):
        with pytest.raises(Denied):
            sign_up(policy="closed")
        assert db.session.query(User).count() == 0
        assert not sign_up(policy="verify").is_verified


def test_a_name_is_changed_by_who_knows_the_password(app: Flask, people: People) -> None:
    owner = people.owner
    with in_transaction(app):
        with pytest.raises(Invalid) as refused:
            users.rename(owner.actor, owner.id, "new", "new@example.org", "a wrong one", limit=MANY)
        assert [field for field, _ in refused.value.fields] == ["current"]
        users.rename(owner.actor, owner.id, "OWNER", "new@example.org", PASSWORD, limit=MANY)
    with app.app_context():
        user = db.session.get_one(User, owner.id)
        assert (user.username, user.username_key, user.email_key) == ("OWNER", "owner", "new@example.org")


def test_nobody_takes_the_name_of_another(app: Flask, people: People) -> None:
    owner = people.owner
    for name, address in (("Stranger", "owner@example.org"), ("owner", "STRANGER@example.org")):
        with app.app_context(), pytest.raises(Conflict):
            users.rename(owner.actor, owner.id, name, address, PASSWORD, limit=MANY)


def test_an_account_is_nobody_elses_to_change(app: Flask, people: People) -> None:
    admin, stranger = people.admin, people.stranger
    for person in (admin, stranger):
        with in_transaction(app), pytest.raises(Denied):
            users.change_password(person.actor, people.owner.id, PASSWORD, "another good one", limit=MANY)


def test_the_current_password_is_not_guessed_for_ever(app: Flask, people: People) -> None:
    owner = people.owner
    with app.app_context():
        for _ in range(2):
            with pytest.raises(Invalid):
                users.change_password(owner.actor, owner.id, "a wrong one", "another good one", limit="2 per hour")
        with pytest.raises(Throttled):
            users.change_password(owner.actor, owner.id, PASSWORD, "another good one", limit="2 per hour")


def test_who_knows_the_current_password_is_not_slowed_down(app: Flask, people: People) -> None:
    owner = people.owner
    for name in ("one", "two", "three"):
        with in_transaction(app):
            users.rename(owner.actor, owner.id, name, "owner@example.org", PASSWORD, limit="2 per hour")
