"""Where many records of one entry go: names become ids of circumstances and datasets, each looked up once."""

import functools
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from sqlalchemy import BindParameter, Select, and_, bindparam, select

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


Written = tuple[tuple[str | None, ...], str]  # experiment, season and site; dataset: as somebody wrote them


Checked = tuple[Names, str]


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
        checked: dict[Written, Checked] = {}
        for written in wanted.keys() - self.known.keys():
            names, dataset = written
            try:
                checked[written] = circumstances.checked(Names(*names)), rules.name(dataset, "dataset_name")
            except Invalid as error:
                wrong[written] = error
                continue
            place = _existing(entry, *checked[written]) if len(wanted) == 1 else None
            if place is not None:
                self.known[written] = place
                del checked[written]
        if checked:
            self._make(entry, checked, wanted)
        return wrong

    def _make(self, entry: Entry, checked: Mapping[Written, Checked], collected: Mapping[Written, str]) -> None:
        under = circumstances.under(entry.id, {names for names, _ in checked.values()})
        made: dict[tuple[str, str | None], str] = {}
        for written in sorted(checked, key=lambda each: _keys(checked[each][1], checked[each][0].experiment)):
            names, dataset = checked[written]
            circumstances_id, experiment_id = under[names]
            its_dataset = rules.key(dataset), experiment_id
            if its_dataset not in made:
                day = date.fromisoformat(collected[written])
                made[its_dataset] = datasets.of_name(entry, dataset, experiment_id, day)
            self.known[written] = Place(circumstances_id, made[its_dataset])


def _existing(entry: Entry, names: Names, dataset: str) -> Place | None:
    """Where all of it has been named before, found by one question."""
    keys = {f"{word}_key": rules.key(name) for word, name in zip(Names._fields, names, strict=True) if name is not None}
    asked = {"its_owner": entry.owner_id, "its_entry": entry.id, "dataset_key": rules.key(dataset), **keys}
    found = db.session.connection().execute(_question(*(name is not None for name in names)), asked).first()
    return None if found is None else Place(*found)


@functools.cache
def _question(*are_named: bool) -> Select[int, str]:
    """For the ids of circumstances and dataset; made once for each set of names that are given."""
    ids = [
        select(table.id).where(table.name_key == bindparam(f"{word}_key")).scalar_subquery() if is_named else None
        for (word, table), is_named in zip(circumstances.TABLES.items(), are_named, strict=True)
    ]
    columns = Circumstances.experiment_id, Circumstances.season_id, Circumstances.site_id
    under = [
        column.is_(None) if its_id is None else column == its_id for column, its_id in zip(columns, ids, strict=True)
    ]
    owner: BindParameter[str] = bindparam("its_owner")
    entry_id: BindParameter[str] = bindparam("its_entry")
    named = Dataset.owner_id == owner, Dataset.name_key == bindparam("dataset_key"), Dataset.experiment_id == ids[0]
    query = select(Circumstances.id, Dataset.id).join(Dataset, and_(*named))
    query = query.join(EntryDataset, and_(EntryDataset.dataset_id == Dataset.id, EntryDataset.entry_id == entry_id))
    return query.where(Circumstances.entry_id == entry_id, *under)


def _keys(*names: str | None) -> list[str]:
    return [rules.key(name or "") for name in names]
