"""Where many records of one entry go: names become ids of circumstances and datasets, each looked up once."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from sqlalchemy import and_, select

from portal.domain import circumstances, datasets, rules
from portal.domain.circumstances import Circumstances, Names
from portal.domain.datasets import Dataset, EntryDataset
from portal.domain.entries import Entry
from portal.errors import Invalid
from portal.extensions import db

MOST_KEPT = 50_000


class Place(NamedTuple):
    circumstances_id: int
    dataset_id: str


Written = tuple[Names, str]  # experiment, season and site; dataset: as somebody wrote them


class Places:
    """What is known of one entry's names. Good until the transaction in which it was learnt is taken back."""

    def __init__(self) -> None:
        self.known: dict[Written, Place] = {}

    def learn(self, entry: Entry, wanted: Mapping[Written, str]) -> dict[Written, Invalid]:
        """Makes known what was not, new names too; those that are no names, and why. Checks no permission.

        A dataset that is new gets the collection date. Tables and the names in each are taken in one order, so that two
        who make the same names at once never wait for each other in a circle.
        """
        wrong: dict[Written, Invalid] = {}
        checked: dict[Written, Written] = {}
        for written in wanted.keys() - self.known.keys():
            names, dataset = written
            try:
                checked[written] = circumstances.checked(names), rules.name(dataset, "dataset_name")
            except Invalid as error:
                wrong[written] = error
                continue
            place = _existing(entry, *checked[written])
            if place is not None:
                self.known[written] = place
                del checked[written]
        for column, table in enumerate(circumstances.TABLES.values()):
            for name in sorted({names[column] or "" for names, _ in checked.values()} - {""}, key=rules.key):
                circumstances.named(table, name)
        under: dict[Written, tuple[int, str | None]] = {}
        for written in sorted(checked, key=lambda each: _keys(*checked[each][0])):
            under[written] = circumstances.under(entry.id, checked[written][0])
        for written in sorted(checked, key=lambda each: _keys(checked[each][1], checked[each][0].experiment)):
            circumstances_id, experiment_id = under[written]
            collected = date.fromisoformat(wanted[written])
            dataset_id = datasets.of_name(entry, checked[written][1], experiment_id, collected)
            self.known[written] = Place(circumstances_id, dataset_id)
        return wrong


def _existing(entry: Entry, names: Names, dataset: str) -> Place | None:
    """Where all of it has been named before, found by one question."""
    ids = [
        None if name is None else select(table.id).where(table.name_key == rules.key(name)).scalar_subquery()
        for table, name in zip(circumstances.TABLES.values(), names, strict=True)
    ]
    columns = Circumstances.experiment_id, Circumstances.season_id, Circumstances.site_id
    under = [
        column.is_(None) if its_id is None else column == its_id for column, its_id in zip(columns, ids, strict=True)
    ]
    named = Dataset.owner_id == entry.owner_id, Dataset.name_key == rules.key(dataset), Dataset.experiment_id == ids[0]
    query = select(Circumstances.id, Dataset.id).join(Dataset, and_(*named))
    query = query.join(EntryDataset, and_(EntryDataset.dataset_id == Dataset.id, EntryDataset.entry_id == entry.id))
    found = db.session.execute(query.where(Circumstances.entry_id == entry.id, *under)).first()
    return None if found is None else Place(*found)


def _keys(*names: str | None) -> list[str]:
    return [rules.key(name or "") for name in names]
