"""Yield as a sum of effects: mean + variety + environment, by least squares.

    python additive_yield.py barley.csv barley-additive.safetensors --terms variety site year

The trials are balanced (every variety grows once in every environment), so the least-squares effects of a term are its
level means minus the overall mean. `site:year` as a term gives every site its own two years. The result is a
safetensors file: one float32 tensor for each term, the names of its levels and the fit in the metadata.
"""

import argparse
import csv
import json
import struct
from collections import defaultdict
from pathlib import Path


def level(row: dict[str, str], term: str) -> str:
    return " ".join(row[factor] for factor in term.split(":"))


def effects(rows: list[dict[str, str]], yields: list[float], term: str) -> dict[str, float]:
    """Each level's mean minus the overall mean."""
    of_level = defaultdict(list)
    for row, value in zip(rows, yields, strict=True):
        of_level[level(row, term)].append(value)
    mean = sum(yields) / len(yields)
    return {name: sum(values) / len(values) - mean for name, values in sorted(of_level.items())}


def write_safetensors(path: str, tensors: dict[str, list[float]], metadata: dict[str, str]) -> None:
    header: dict[str, object] = {"__metadata__": metadata}
    data = b""
    for name, values in tensors.items():
        packed = struct.pack(f"<{len(values)}f", *values)
        header[name] = {
            "dtype": "F32",
            "shape": [len(values)],
            "data_offsets": [len(data), len(data) + len(packed)],
        }
        data += packed
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


def main(arguments: list[str] | None = None) -> dict[str, dict[str, float]]:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", help="CSV with site, year, variety and yield_bushels_per_acre")
    parser.add_argument("model", help="the safetensors file to write")
    parser.add_argument("--terms", nargs="+", default=["variety", "site", "year"])
    parser.add_argument("--year", help="use the trials of this year alone")
    given = parser.parse_args(arguments)

    with open(given.data, newline="") as file:
        rows = [row for row in csv.DictReader(file) if given.year in (None, row["year"])]
    yields = [float(row["yield_bushels_per_acre"]) for row in rows]
    mean = sum(yields) / len(yields)
    found = {term: effects(rows, yields, term) for term in given.terms}

    fitted = [mean + sum(found[term][level(row, term)] for term in given.terms) for row in rows]
    residual = sum((value - fit) ** 2 for value, fit in zip(yields, fitted, strict=True))
    total = sum((value - mean) ** 2 for value in yields)
    free = len(rows) - 1 - sum(len(levels) - 1 for levels in found.values())
    quality = {"r_squared": round(1 - residual / total, 3), "residual_sd": round((residual / free) ** 0.5, 2)}

    tensors = {"mean": [mean], **{term: list(levels.values()) for term, levels in found.items()}}
    names = {f"{term} levels": json.dumps(list(levels)) for term, levels in found.items()}
    write_safetensors(
        given.model, tensors, {"unit": "bushels per acre", **names, **{k: str(v) for k, v in quality.items()}}
    )
    return {"fit": quality}


if __name__ == "__main__":
    main()
