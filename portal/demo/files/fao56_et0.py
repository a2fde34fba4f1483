"""Reference evapotranspiration of one day by the FAO Penman-Monteith equation (FAO Irrigation and Drainage Paper 56).

    python fao56_et0.py --tmax 21.5 --tmin 12.3 --rhmax 84 --rhmin 63 --wind 2.078 --rn 13.28 --altitude 100

prints 3.9 mm/day, the paper's example 18 (Uccle, 6 July).
"""

import argparse
import math
import sys


def saturation(celsius: float) -> float:
    """Vapour pressure over water, kPa (equation 11)."""
    return 0.6108 * math.exp(17.27 * celsius / (celsius + 237.3))


def et0(tmax: float, tmin: float, rhmax: float, rhmin: float, wind: float, rn: float, altitude: float) -> float:
    """mm a day. Temperatures in degrees Celsius, humidity in per cent, wind in m/s at 2 m, radiation in MJ/m2 a day."""
    mean = (tmax + tmin) / 2
    slope = 4098 * saturation(mean) / (mean + 237.3) ** 2  # equation 13
    pressure = 101.3 * ((293 - 0.0065 * altitude) / 293) ** 5.26  # equation 7
    psychrometric = 0.000665 * pressure  # equation 8
    saturated = (saturation(tmax) + saturation(tmin)) / 2  # equation 12
    actual = (saturation(tmin) * rhmax + saturation(tmax) * rhmin) / 200  # equation 17
    aerodynamic = psychrometric * 900 / (mean + 273) * wind * (saturated - actual)
    return (0.408 * slope * rn + aerodynamic) / (slope + psychrometric * (1 + 0.34 * wind))  # equation 6, G = 0


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    for name in ("tmax", "tmin", "rhmax", "rhmin", "wind", "rn", "altitude"):
        parser.add_argument(f"--{name}", type=float, required=True)
    sys.stdout.write(f"{et0(**vars(parser.parse_args(arguments))):.1f} mm/day\n")


if __name__ == "__main__":
    main()
