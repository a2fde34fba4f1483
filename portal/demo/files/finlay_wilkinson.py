"""Finlay and Wilkinson (1963): how a variety answers to better environments.

    python finlay_wilkinson.py barley.csv barley-stability.json

An environment's index is the mean yield of all varieties there. Each variety's yields are regressed on the index: a
slope of 1 is average stability, below 1 a variety that suffers less in poor environments, above 1 one that makes more
of good ones.
"""

import argparse
import csv
import json
from collections import defaultdict
from pathlib import Path


def regress(xs: list[float], ys: list[float]) -> tuple[float, float]:
    """Slope, and the standard deviation of what is left."""
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / sum((x - x_mean) ** 2 for x in xs)
    left = sum((y - y_mean - slope * (x - x_mean)) ** 2 for x, y in zip(xs, ys, strict=True))
    return slope, (left / (len(xs) - 2)) ** 0.5


def main(arguments: list[str] | None = None) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("result", help="the JSON file to write")
    given = parser.parse_args(arguments)

    table: dict[str, dict[str, float]] = defaultdict(dict)
    with open(given.data, newline="") as file:
        for row in csv.DictReader(file):
            table[row["variety"]][f"{row['site']} {row['year']}"] = float(row["yield_bushels_per_acre"])
    environments = sorted(next(iter(table.values())))
    index = {place: sum(row[place] for row in table.values()) / len(table) for place in environments}

    varieties = {}
    for name, yields in sorted(table.items()):
        places = [index[place] for place in environments]
        slope, deviation = regress(places, [yields[place] for place in environments])
        mean = sum(yields.values()) / len(yields)
        varieties[name] = {"mean": round(mean, 2), "slope": round(slope, 3), "deviation": round(deviation, 2)}
    result: dict[str, object] = {
        "unit": "bushels per acre",
        "index": {place: round(value, 2) for place, value in index.items()},
        "varieties": varieties,
    }
    Path(given.result).write_text(json.dumps(result, indent=2) + "\n")
    return result


if __name__ == "__main__":
    main()
