"""A field plan: every variety once in every block, in an order that a seed number makes repeatable.

python randomise_blocks.py --blocks 3 --seed 1931 Manchuria Glabron Svansota Velvet Trebi > plan.csv
"""

import argparse
import csv
import random
import sys


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("varieties", nargs="+")
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--seed", type=int, required=True)
    given = parser.parse_args(arguments)
    order = random.Random(given.seed)
    plan = csv.writer(sys.stdout)
    plan.writerow(["block", "plot", "variety"])
    for block in range(1, given.blocks + 1):
        for plot, variety in enumerate(order.sample(given.varieties, len(given.varieties)), 1):
            plan.writerow([block, 100 * block + plot, variety])


if __name__ == "__main__":
    main()
