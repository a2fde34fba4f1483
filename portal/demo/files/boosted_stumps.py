"""Gradient boosting with one question a round: is it this variety, this site, this year?

    python boosted_stumps.py barley.csv barley-stumps.json --rounds 200

Squared error, a learning rate of 0.1, no sampling: the same data give the same model. The error is that of ten-fold
cross-validation, every tenth plot left out in turn.
"""

import argparse
import csv
import json
from pathlib import Path

FACTORS = ("variety", "site", "year")


def grow(
    rows: list[dict[str, str]], yields: list[float], rounds: int, rate: float
) -> tuple[float, list[dict[str, object]]]:
    mean = sum(yields) / len(yields)
    left = [value - mean for value in yields]
    questions = sorted({(factor, row[factor]) for row in rows for factor in FACTORS})
    members = {q: [i for i, row in enumerate(rows) if row[q[0]] == q[1]] for q in questions}
    stumps: list[dict[str, object]] = []
    for _ in range(rounds):
        total = sum(left)
        best = max(questions, key=lambda q: gain(left, members[q], total))
        inside = sum(left[i] for i in members[best])
        yes = rate * inside / len(members[best])
        no = rate * (total - inside) / (len(rows) - len(members[best]))
        chosen = set(members[best])
        left = [value - (yes if i in chosen else no) for i, value in enumerate(left)]
        stumps.append({"factor": best[0], "is": best[1], "yes": round(yes, 4), "no": round(no, 4)})
    return mean, stumps


def gain(left: list[float], inside: list[int], total: float) -> float:
    """By how much the squared error falls when the two groups get their own means."""
    there = sum(left[i] for i in inside)
    outside = len(left) - len(inside)
    return there**2 / len(inside) + ((total - there) ** 2 / outside if outside else 0.0)


def predict(mean: float, stumps: list[dict[str, object]], row: dict[str, str]) -> float:
    return mean + sum(float(str(s["yes" if row[str(s["factor"])] == s["is"] else "no"])) for s in stumps)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("model", help="the JSON file to write")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--rate", type=float, default=0.1)
    given = parser.parse_args(arguments)

    with open(given.data, newline="") as file:
        rows = list(csv.DictReader(file))
    yields = [float(row["yield_bushels_per_acre"]) for row in rows]
    squares = 0.0
    for fold in range(10):
        kept = [i for i in range(len(rows)) if i % 10 != fold]
        mean, stumps = grow([rows[i] for i in kept], [yields[i] for i in kept], given.rounds, given.rate)
        squares += sum((yields[i] - predict(mean, stumps, rows[i])) ** 2 for i in range(fold, len(rows), 10))
    error = round((squares / len(rows)) ** 0.5, 2)

    mean, stumps = grow(rows, yields, given.rounds, given.rate)
    model = {"unit": "bushels per acre", "cross_validated_rmse": error, "mean": round(mean, 3), "stumps": stumps}
    Path(given.model).write_text(json.dumps(model) + "\n")
    return {"rounds": given.rounds, "cross_validated_rmse": error}


if __name__ == "__main__":
    main()
