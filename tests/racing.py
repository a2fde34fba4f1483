"""Two requests at once, in real threads, held between what the one reads and what it writes.

SQLite lets one write at a time, so there the one waits for the other; PostgreSQL lets both go on.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Flask
from sqlalchemy import event

from portal.extensions import db

Call = Callable[[], Any]
Start = str | tuple[str, ...]  # of a statement, or how each database writes it


def at_once(app: Flask, statement: Start, *calls: Call) -> list[Any]:
    """What the calls answer; each waits for the others, a while, before its first statement that starts so."""
    gate, answers = threading.Barrier(len(calls)), [None] * len(calls)
    waited = threading.local()

    def hold(_connection: Any, _cursor: Any, said: str, *_rest: Any) -> None:
        if said.startswith(statement) and getattr(waited, "calls", False):
            waited.calls = False
            meet()

    def meet() -> None:
        with suppress(threading.BrokenBarrierError):  # the other waits for a lock of ours
            gate.wait(0.3)

    def run(number: int) -> None:
        waited.calls = True
        answers[number] = calls[number]()

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", hold)
    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    event.remove(engine, "before_cursor_execute", hold)
    return answers


def meanwhile(app: Flask, statement: Start, call: Call, other: Call) -> tuple[Any, Any]:
    """`other` runs just before `call`'s first statement that starts so; what both answer."""
    begun, answers, me = threading.Event(), [], threading.get_ident()

    def between(_connection: Any, _cursor: Any, said: str, *_rest: Any) -> None:
        if said.startswith(statement) and threading.get_ident() == me and not begun.is_set():
            begun.set()
            thread.start()
            thread.join(0.3)  # longer only where it waits for a lock of ours

    thread = threading.Thread(target=lambda: answers.append(other()))
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", between)
    answer = call()
    event.remove(engine, "before_cursor_execute", between)
    assert begun.is_set()
    thread.join()
    return answer, answers[0]
