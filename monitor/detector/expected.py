"""What the way a trip was made adds to its features: distance, direction, load, hour, weekday.

Each of these is a ring or a line of knots with one factor each, between which the factor is
interpolated (`method.season`); a feature has none, one or several, which add up:

    travel time      floors travelled: 1, 2, 4, 8, 16, 32
    motor current    direction × load 0, 25, 50, 75 %;  hour of the day (8 bins)
    start current    direction × load
    vibration        direction
    motor heat       hour of the day (8 bins), weekday (7)

A lift without a load cell is judged by direction alone; what the load does is then noise.
Factors move by gain · clipped residual, the gain falling with the trips seen:
max(0.1 · 60 / (60 + n), 0.001), a tenth of it for what lies beyond 6 sigma.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.detector.features import FLOORS, LOAD, PLACE, UP
from monitor.detector.fleet import Times
from monitor.detector.method import season

Values = NDArray[np.float32]

SITE_CLOCK_MS: Final = 8 * season.HOUR_MS  # China has one time zone and no summer time
KNOTS: Final = np.array([1, 2, 4, 8, 16, 32], np.float32)  # floors
LOAD_STEP, LOADS = np.float32(25), 4  # % rated
DAY: Final = (season.Ring(season.DAY_MS, 8),)
HEAT: Final = (season.Ring(season.DAY_MS, 8), season.Ring(season.WEEK_MS, 7))
GAIN, GAIN_AGE, GAIN_LEAST = np.float32(0.1), np.float32(60), np.float32(0.001)
FAR, FAR_GAIN = np.float32(6), np.float32(0.1)

# ring → feature, and how many factors it has
RINGS: Final = (
    ("travel_time", len(KNOTS)), ("motor_current", 2 * LOADS), ("start_current", 2 * LOADS),
    ("vibration", 2), ("motor_current", 8), ("motor_heat", 8), ("motor_heat", 7),
)  # fmt: skip
FEATURE: Final = np.array([PLACE[name] for name, _ in RINGS])
OFFSET: Final = np.cumsum([0, *(bins for _, bins in RINGS)])
FACTORS: Final = int(OFFSET[-1])


def places(how: Values, at: Times) -> season.Place:
    """Return where trips lie on every ring, [R, j]. how: pending float32[P, j]; at int64[j]."""
    before = np.empty((len(RINGS), len(at)), np.intp)
    after, weight = np.empty_like(before), np.zeros((len(RINGS), len(at)), np.float32)
    floors, load = np.nan_to_num(how[FLOORS]), np.nan_to_num(how[LOAD])
    up = np.nan_to_num(how[UP]).astype(np.intp)
    knot = np.clip(np.searchsorted(KNOTS, floors, side="right") - 1, 0, len(KNOTS) - 2)
    before[0], after[0] = knot, knot + 1
    weight[0] = np.clip((floors - KNOTS[knot]) / (KNOTS[knot + 1] - KNOTS[knot]), 0, 1)
    share = np.clip(load / LOAD_STEP, 0, LOADS - 1)
    step = np.minimum(share.astype(np.intp), LOADS - 2)
    before[1] = before[2] = up * LOADS + step
    after[1] = after[2] = before[1] + 1
    weight[1] = weight[2] = share - step
    before[3] = after[3] = up
    day, week = season.places(at, HEAT, SITE_CLOCK_MS)
    for ring, place, back in ((4, day, 0), (5, day, 0), (6, week, HEAT[0].bins)):
        before[ring], after[ring] = place.before - back, place.after - back
        weight[ring] = place.weight
    start = OFFSET[:-1, None]
    return season.Place(before + start, after + start, weight)


def value(factors: Values, place: season.Place, features: int) -> Values:
    """Return what is expected beside the level, float32[F, j], from factors float32[B, j]."""
    of_ring = season.value(factors, [place])
    total = np.zeros((features, factors.shape[1]), np.float32)
    for ring, feature in enumerate(FEATURE):
        total[feature] += of_ring[ring]
    return total


def learn(
    factors: Values, place: season.Place, residual: Values, sigma: Values, n: Values
) -> Values:
    """Return the factors after residual = x − level − value, all float32[F, j]; NaN: as before."""
    gain = np.maximum(GAIN * GAIN_AGE / (GAIN_AGE + n), GAIN_LEAST)
    gain = np.where(np.abs(residual) > FAR * sigma, gain * FAR_GAIN, gain)
    return season.learn(factors, [place], residual[FEATURE], sigma[FEATURE], gain[FEATURE])
