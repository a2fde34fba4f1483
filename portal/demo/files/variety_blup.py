"""Best linear unbiased predictions of varieties from balanced trials.

    python variety_blup.py barley.csv barley-blups.json

Environments (site and year) are fixed, varieties random. With balanced data the variance components come straight from
the mean squares of a two-way table, and a variety's BLUP is its deviation from the mean, shrunk by the broad-sense
heritability of an entry mean, 1 - MS(residual) / MS(variety).
"""

import argparse
import csv
import json
from collections import defaultdict
from pathlib import Path


def read(path: str, year: str | None) -> dict[str, dict[str, float]]:
    """Yield by variety and environment."""
    table: dict[str, dict[str, float]] = defaultdict(dict)
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if year in (None, row["year"]):
                table[row["variety"]][f"{row['site']} {row['year']}"] = float(row["yield_bushels_per_acre"])
    return dict(table)


def predict(table: dict[str, dict[str, float]]) -> dict[str, object]:
    varieties, environments = sorted(table), sorted(next(iter(table.values())))
    v, e = len(varieties), len(environments)
    mean = sum(sum(row.values()) for row in table.values()) / (v * e)
    of_variety = {name: sum(table[name].values()) / e for name in varieties}
    of_environment = {name: sum(table[variety][name] for variety in varieties) / v for name in environments}
    residual = sum(
        (table[variety][place] - of_variety[variety] - of_environment[place] + mean) ** 2
        for variety in varieties
        for place in environments
    ) / ((v - 1) * (e - 1))
    between = e * sum((value - mean) ** 2 for value in of_variety.values()) / (v - 1)
    heritability = max(0.0, 1 - residual / between)
    return {
        "unit": "bushels per acre",
        "environments": e,
        "mean": round(mean, 2),
        "variance": {"variety": round(max(0.0, (between - residual) / e), 2), "residual": round(residual, 2)},
        "heritability": round(heritability, 3),
        "blup": {name: round(heritability * (of_variety[name] - mean), 2) for name in varieties},
    }


def main(arguments: list[str] | None = None) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("result", help="the JSON file to write")
    parser.add_argument("--year", help="use the trials of this year alone")
    given = parser.parse_args(arguments)
    result = predict(read(given.data, given.year))
    Path(given.result).write_text(json.dumps(result, indent=2) + "\n")
    return result


if __name__ == "__main__":
    main()
