"""Mendel's seven second-generation counts against 3 : 1.

    python mendel_ratios.py mendel-1866.csv mendel-ratios.json

For each character the chi-square statistic with one degree of freedom and its probability, and both for the sum of the
seven. Fisher noticed in 1936 how very well the counts agree.
"""

import argparse
import csv
import json
import math
from pathlib import Path


def probability(chi_square: float, degrees: int) -> float:
    """That a chi-square variable is larger, for an odd number of degrees of freedom."""
    tail, term = math.erfc(math.sqrt(chi_square / 2)), math.sqrt(2 * chi_square / math.pi) * math.exp(-chi_square / 2)
    for k in range(3, degrees + 1, 2):
        tail += term
        term *= chi_square / k
    return tail


def main(arguments: list[str] | None = None) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    parser.add_argument("counts", help="CSV with character, dominant and recessive")
    parser.add_argument("result", help="the JSON file to write")
    given = parser.parse_args(arguments)
    characters, total = {}, 0.0
    with open(given.counts, newline="") as file:
        for row in csv.DictReader(file):
            dominant, recessive = int(row["dominant"]), int(row["recessive"])
            plants = dominant + recessive
            chi_square = (dominant - 0.75 * plants) ** 2 / (0.75 * plants) + (recessive - 0.25 * plants) ** 2 / (
                0.25 * plants
            )
            total += chi_square
            characters[row["character"]] = {
                "ratio": round(dominant / recessive, 2),
                "chi_square": round(chi_square, 3),
                "p": round(probability(chi_square, 1), 3),
            }
    degrees = len(characters)
    result: dict[str, object] = {
        "hypothesis": "3 : 1",
        "characters": characters,
        "all": {
            "chi_square": round(total, 3),
            "degrees_of_freedom": degrees,
            "p": round(probability(total, degrees), 3),
        },
    }
    Path(given.result).write_text(json.dumps(result, indent=2) + "\n")
    return result


if __name__ == "__main__":
    main()
