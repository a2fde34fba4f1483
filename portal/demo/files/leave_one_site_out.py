"""Would the other sites have told us how the varieties rank here?

    python leave_one_site_out.py barley.csv leave-one-site-out.json

For each site, the variety means of the five other sites predict the order of the varieties; the judge is the
correlation with the means that were observed there.
"""

import argparse
import csv
import json
from pathlib import Path


def correlation(xs: list[float], ys: list[float]) -> float:
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    xs, ys = [x - x_mean for x in xs], [y - y_mean for y in ys]
    return sum(x * y for x, y in zip(xs, ys, strict=True)) / (sum(x * x for x in xs) * sum(y * y for y in ys)) ** 0.5


def main(arguments: list[str] | None = None) -> dict[str, dict[str, float]]:
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("result", help="the JSON file to write")
    given = parser.parse_args(arguments)
    with open(given.data, newline="") as file:
        rows = list(csv.DictReader(file))
    varieties, sites = sorted({row["variety"] for row in rows}), sorted({row["site"] for row in rows})

    def mean(variety: str, places: list[str]) -> float:
        there = [row for row in rows if row["variety"] == variety and row["site"] in places]
        return sum(float(row["yield_bushels_per_acre"]) for row in there) / len(there)

    found = {}
    for site in sites:
        others = [other for other in sites if other != site]
        predicted = [mean(variety, others) for variety in varieties]
        observed = [mean(variety, [site]) for variety in varieties]
        found[site] = round(correlation(predicted, observed), 3)
    result = {"correlation": found}
    Path(given.result).write_text(json.dumps(result, indent=2) + "\n")
    return result


if __name__ == "__main__":
    main()
