"""Personal tokens in the bazaar dialect."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from portal.api.times import Rfc3339
from portal.domain.tokens import Token
from portal.extensions import db
from tests.people import People, Person

TOKENS = "/api/v2/user/tokens"


def issue(person: Person, **given: Any) -> Any:
    return person.api.post(TOKENS, json={"name": "laptop", "scope": "write", **given})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_made_used_listed_revoked(people: People) -> None:
    owner, program = people.owner, people.anonymous.api
    expires_at = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = issue(owner, expires_at=expires_at)
    assert made.status_code == 200
    assert made.json.keys() == {"token_id", "token"}
    assert program.get("/api/v2/user/info", headers=bearer(made.json["token"])).json["username"] == "owner"
    (row,) = owner.api.get(TOKENS).json
    assert row.keys() == {"token_id", "name", "scope", "created_at", "expires_at", "last_used_at"}
    assert (row["token_id"], row["name"], row["scope"]) == (made.json["token_id"], "laptop", "write")
    assert row["expires_at"] == f"{expires_at[:-1]}.000000Z"
    assert row["last_used_at"].endswith("Z")
    assert made.json["token"] not in owner.api.get(TOKENS).text
    answer = owner.api.delete(f"{TOKENS}/{row['token_id']}")
    assert (answer.status_code, answer.json) == (200, {})
    assert program.get("/api/v2/user/info", headers=bearer(made.json["token"])).status_code == 401
    assert owner.api.get(TOKENS).json == []
    assert owner.api.delete(f"{TOKENS}/{row['token_id']}").status_code == 404


def test_a_token_is_made_to_read_unless_it_says_otherwise(people: People) -> None:
    assert people.owner.api.post(TOKENS, json={"name": "laptop"}).status_code == 200
    (row,) = people.owner.api.get(TOKENS).json
    assert (row["scope"], row["expires_at"], row["last_used_at"]) == ("read", None, None)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"scope": "admin"}, "scope"),
        ({"scope": None}, "scope"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": "2099-01-01"}, "expires_at"),
        ({"expires_at": "4070908800"}, "expires_at"),
        ({"expires_at": 4070908800}, "expires_at"),
        ({"expires_at": "2099-02-30T00:00:00Z"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-23:00"}, "expires_at"),
        ({"user_id": "6b3d1a3f-6a56-4800-9d5a-12e9c0a5b5d1"}, "user_id"),
        ({"token": "mp_chosen"}, "token"),
    ],
)
def test_a_token_that_will_not_do_names_the_field(people: People, given: Any, field: str) -> None:
    answer = issue(people.owner, **given)

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json["errors"]] == [field]
    with people.owner.app.app_context():
        assert db.session.query(Token).count() == 0


def test_another_persons_token_is_not_found(people: People) -> None:
    token_id = issue(people.owner).json["token_id"]
    for person in (people.stranger, people.admin):
        assert person.api.get(TOKENS).json == []
        assert person.api.delete(f"{TOKENS}/{token_id}").status_code == 404
    assert len(people.owner.api.get(TOKENS).json) == 1


def test_what_a_token_may_is_said_when_it_may_not(people: People) -> None:
    token = issue(people.owner, scope="read").json["token"]
    answer = people.anonymous.api.post(TOKENS, json={"name": "stronger", "scope": "write"}, headers=bearer(token))

    assert answer.status_code == 403
    assert "may only read" in answer.json["detail"]


TIME: TypeAdapter[datetime | None] = TypeAdapter(Rfc3339 | None)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21T09:30:00Z", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        ("2026-11-21t09:30:00z", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        ("2026-11-21 09:30:00", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        ("2026-11-21T10:30:00+01:00", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        ("2026-11-21T09:30:00.123456Z", datetime(2026, 11, 21, 9, 30, 0, 123456, tzinfo=UTC)),
        ("2026-11-21T09:30:00.5Z", datetime(2026, 11, 21, 9, 30, 0, 500000, tzinfo=UTC)),
        (None, None),
    ],
)
def test_times_as_rfc_3339_writes_them(text: str | None, moment: datetime | None) -> None:
    assert TIME.validate_python(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2026-11-21", "20261121T093000Z", "2026-W47-6T09:30:00Z", "2026-11-21T09:30Z", 1.5, True),
        *("2026-11-21T25:00:00Z", "2026-11-21T09:30:00+1:00", "٢٠٢٦-11-21T09:30:00Z", "0001-01-01T00:00:00+23:00"),
    ],
)
def test_what_is_no_time(text: object) -> None:
    with pytest.raises(ValueError, match="Takes a time"):
        TIME.validate_python(text)
