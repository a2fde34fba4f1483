"""Many who write records at once: each gets the answer it would have got alone, and the roll-up stays exact."""

import json
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from portal.domain import recount
from portal.domain.kinds import Kind
from tests import make
from tests.people import People, Person
from tests.racing import at_once, meanwhile

THREADS = 16


def together(number: int, work: Callable[[int], Any]) -> list[Any]:
    """What `work` answers to 0 … `number` - 1, all begun at the same moment."""
    gate, answers = threading.Barrier(number), [None] * number

    def run(turn: int) -> None:
        gate.wait()
        answers[turn] = work(turn)

    threads = [threading.Thread(target=run, args=(turn,)) for turn in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def caller(person: Person, kind: Kind) -> Callable[..., Any]:
    """Asks the registry as `person`; from any thread."""
    headers = person.headers

    def ask(method: str, path: str, **given: Any) -> Any:
        return person.app.test_client().open(f"/api/{kind.slug}/{path}", method=method, headers=headers, **given)

    return ask


def body(kind: Kind, number: int, site: str | None = "Waseca", **given: Any) -> dict[str, Any]:
    day, second = divmod(number, 86_400)
    moment = f"2026-06-{1 + day:02}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
    return {f"{kind.word}_data": {"n": number}, "site_name": site, "timestamp": moment, **given}


def differences(app: Flask) -> list[Any]:
    with app.app_context():
        return list(recount.differences())


def test_many_add_and_delete_records_of_few_circumstances(app: Flask, people: People, kind: Kind) -> None:
    entry_ids = [make.entry(people.owner, name, kind=kind) for name in ("one", "two")]
    ask = caller(people.owner, kind)

    def work(turn: int) -> list[int]:
        chance, statuses, mine = random.Random(turn), [], []
        for step in range(12):
            path = f"id/{chance.choice(entry_ids)}/records"
            if mine and chance.random() < 0.4:
                record_id = mine.pop(chance.randrange(len(mine)))
                statuses.append(ask("DELETE", f"records/id/{record_id}").status_code)
                continue
            number = 100 * turn + step if chance.random() < 0.7 else step  # what others add, too
            said = body(kind, 900 * number, chance.choice(["Waseca", "Morris", None]), season_name="1931")
            answer = ask("POST", path, json=said)
            statuses.append(answer.status_code)
            if answer.status_code == 200:
                mine.append(answer.json["id"])
                ask("PATCH", f"records/id/{mine[-1]}", json={"record_info": {"turn": turn}})
        return statuses

    statuses = [status for each in together(THREADS, work) for status in each]
    assert set(statuses) <= {200, 409}
    assert statuses.count(200) > statuses.count(409) > 0
    assert differences(app) == []


def lines(kind: Kind, numbers: list[int], chance: random.Random) -> bytes:
    """Records of names that nobody has used before, in an order of their own."""
    said = []
    for number in numbers:
        names = {
            f"{word}_name": chance.choice([f"{word} {number % 3}", f"{word.upper()} {number % 2}"]) for word in WORDS
        }
        said.append(json.dumps(body(kind, number, **names)))  # type: ignore[arg-type]
    chance.shuffle(said)
    return "\n".join(said).encode()


WORDS = ("experiment", "season", "site", "dataset")


@pytest.mark.parametrize("same", [True, False], ids=["the same records", "others"])
def test_many_load_many_records_while_single_ones_come_and_go(
    app: Flask, people: People, kind: Kind, same: bool
) -> None:
    entry_ids = [make.entry(people.owner, name, kind=kind) for name in ("one", "two")]
    ask = caller(people.owner, kind)

    def work(turn: int) -> int:
        chance = random.Random(turn)
        path = f"id/{entry_ids[turn % 2]}/records"
        if turn >= 12:
            statuses = {ask("POST", path, json=body(kind, turn, "single")).status_code for _ in range(8)}
            return 200 if statuses <= {200, 409} else max(statuses)
        first = 0 if same else 60 * turn
        sent = lines(kind, list(range(first, first + 60)), chance)
        answer = ask("POST", path, data=sent, content_type="application/x-ndjson")
        told = answer.json.get("inserted", 0) + len(answer.json.get("rejected", []))
        assert told == (60 if answer.status_code == 200 else 0)
        return answer.status_code

    assert together(THREADS, work) == [200] * THREADS
    assert differences(app) == []


def test_the_same_new_names_at_the_same_moment_are_one(app: Flask, people: People, kind: Kind) -> None:
    """By many, to two entries, in names that are written differently."""
    entry_ids = [make.entry(people.owner, name, kind=kind) for name in ("one", "two")]
    ask = caller(people.owner, kind)

    def work(turn: int) -> Any:
        names = {
            "experiment_name": "Barley 1931",
            "season_name": "1931",
            "site_name": "Waseca",
            "dataset_name": "Plots",
        }
        written = {word: name.upper() if turn % 2 else f" {name}" for word, name in names.items()}
        if turn % 8 == 7:
            said = {key: value for key, value in written.items() if key in ("dataset_name", "experiment_name")}
            return ask("POST", f"id/{entry_ids[turn % 2]}/datasets", json=said)
        return ask("POST", f"id/{entry_ids[turn % 2]}/records", json=body(kind, turn, **written))

    answers = together(THREADS, work)
    assert [answer.status_code for answer in answers] == [200] * THREADS
    made = [answer.json for answer in answers if "site_id" in answer.json]
    for word in ("experiment", "season", "site", "dataset"):
        assert len({record[f"{word}_id"] for record in made}) == 1, word
    assert differences(app) == []


def test_of_many_that_add_the_same_record_one_does(app: Flask, people: People, kind: Kind) -> None:
    path, ask = f"id/{make.entry(people.owner, kind=kind)}/records", caller(people.owner, kind)
    answers = together(THREADS, lambda _turn: ask("POST", path, json=body(kind, 1)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (THREADS - 1)
    assert differences(app) == []


def test_of_many_that_delete_a_record_one_does(app: Flask, people: People, kind: Kind) -> None:
    ask = caller(people.owner, kind)
    record = ask("POST", f"id/{make.entry(people.owner, kind=kind)}/records", json=body(kind, 1)).json
    answers = together(THREADS, lambda _turn: ask("DELETE", f"records/id/{record['id']}"))
    assert sorted(answer.status_code for answer in answers) == [200] + [404] * (THREADS - 1)
    assert differences(app) == []


def test_records_come_and_go_while_their_entry_is_deleted(app: Flask, people: People, kind: Kind) -> None:
    ask = caller(people.owner, kind)
    for _ in range(5):
        entry_id = make.entry(people.owner, kind=kind)
        path = f"id/{entry_id}"
        ids = [ask("POST", f"{path}/records", json=body(kind, number)).json["id"] for number in range(8)]

        def work(turn: int, ids: list[str] = ids, path: str = path) -> int:
            calls: list[Callable[[], Any]] = [
                lambda: ask("DELETE", path),
                lambda: ask("POST", f"{path}/records", json=body(kind, 100 + turn, f"new {turn}")),
                lambda: ask("DELETE", f"records/id/{ids[turn % 8]}"),
                lambda: ask("PATCH", f"records/id/{ids[turn % 8]}", json={"record_info": {"turn": turn}}),
                lambda: ask("POST", f"{path}/datasets", json={"dataset_name": f"new {turn}"}),
                lambda: ask("POST", f"{path}/runs", json={}),
                lambda: ask("POST", f"{path}/records", json=body(kind, 100 + turn)),
            ]
            return calls[0 if turn == 5 else 1 + turn % 6]().status_code

        statuses = together(THREADS, work)
        assert statuses[5] == 200
        assert set(statuses) <= {200, 404}
        assert ask("GET", path).status_code == 404
        assert differences(app) == []


def test_what_is_added_to_an_entry_that_is_deleted_at_that_moment(app: Flask, people: People, kind: Kind) -> None:
    ask = caller(people.owner, kind)
    statements = {"records": "INSERT INTO circumstances", "datasets": "INSERT INTO dataset", "runs": "INSERT INTO run"}
    for rest, statement in statements.items():
        entry_id = make.entry(people.owner, kind=kind)
        said = {"records": body(kind, 1), "datasets": {"dataset_name": "Plots"}, "runs": {}}[rest]
        added, deleted = meanwhile(
            app,
            statement,
            lambda path=f"id/{entry_id}/{rest}", said=said: ask("POST", path, json=said),
            lambda path=f"id/{entry_id}": ask("DELETE", path),
        )
        assert (added.status_code, deleted.status_code) == (200, 200)
        assert ask("GET", f"id/{entry_id}").status_code == 404
    assert differences(app) == []


def test_a_record_goes_while_its_entry_does(app: Flask, people: People, kind: Kind) -> None:
    """Neither waits for the other in a circle: whoever takes records away holds the entry first."""
    ask = caller(people.owner, kind)
    entry_id = make.entry(people.owner, kind=kind)
    record = ask("POST", f"id/{entry_id}/records", json=body(kind, 1)).json
    answers = at_once(
        app,
        "DELETE FROM",
        lambda: ask("DELETE", f"records/id/{record['id']}"),
        lambda: ask("DELETE", f"id/{entry_id}"),
    )
    assert answers[1].status_code == 200
    assert answers[0].status_code in (200, 404)
    assert differences(app) == []
