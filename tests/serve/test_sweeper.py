"""The server's sweeper: takes turns with those of the other workers, and survives a bad day."""

from types import SimpleNamespace

import pytest
from sqlalchemy import update

from portal.database import now
from portal.extensions import db
from portal.serve import sweeper
from portal.uploads.session import Upload
from tests import make
from tests.people import in_transaction


class Naps:
    """In place of the clock: each nap does one of the things of `between`; after the last it is over."""

    def __init__(self, *between):
        self.between, self.slept = list(between), []

    def sleep(self, seconds):
        self.slept.append(seconds)
        if not self.between:
            raise SystemExit
        self.between.pop(0)()


@pytest.mark.disk
def test_it_sweeps_now_and_then_even_after_a_failure(app, people, monkeypatch):
    make.begin(people.owner, b"data", chunk_size=4)
    with in_transaction(app):
        db.session.execute(update(Upload).values(expires_at=now()))
    files = app.extensions["portal"].data_dir / "files"
    away = files.with_name("away")
    naps = Naps(lambda: files.rename(away), lambda: away.rename(files))
    monkeypatch.setattr(sweeper, "time", SimpleNamespace(sleep=naps.sleep))
    with pytest.raises(SystemExit):
        sweeper._sweep(app, workers=4)
    assert len(naps.slept) == 3
    assert all(0.5 <= seconds / (4 * sweeper.SWEEP_SECONDS) <= 1.5 for seconds in naps.slept)
    assert list(app.extensions["storage"].list_uploads()) == []
