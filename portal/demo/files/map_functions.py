"""From recombination to map distance and back, after Haldane (1919) and Kosambi (1944). Distances are in centimorgans.

python map_functions.py 0.05 0.10 0.25 0.40
"""

import math
import sys


def haldane(recombination: float) -> float:
    """No interference: crossovers fall independently of each other."""
    return -50 * math.log(1 - 2 * recombination)


def kosambi(recombination: float) -> float:
    """Interference that fades with distance."""
    return 25 * math.log((1 + 2 * recombination) / (1 - 2 * recombination))


def haldane_inverse(distance: float) -> float:
    return (1 - math.exp(-distance / 50)) / 2


def kosambi_inverse(distance: float) -> float:
    return math.tanh(distance / 50) / 2


if __name__ == "__main__":
    sys.stdout.write("recombination,haldane_cm,kosambi_cm\n")
    for word in sys.argv[1:]:
        fraction = float(word)
        sys.stdout.write(f"{fraction},{haldane(fraction):.2f},{kosambi(fraction):.2f}\n")
