"""What the hour of the day and the day of the week add to a level: few factors, learned slowly.

A season is one or several rings: a period cut into bins, each with one factor in the unit of x.
Between the middles of two bins the factor is interpolated, so nothing leaps at the full hour:

    season(t) = Σ over rings of  (1 − w) · f[i] + w · f[i + 1]        i, w from t modulo period

All factors begin at 0 (no season: nobody is shouted at for what is not known yet) and are moved
by the clipped residual of the sample, least mean squares (B. Widrow, M. E. Hoff, IRE WESCON 1960)
with Huber's clip, so one wild sample moves a factor by less than a sigma:

    e     = clip(x − level − season(t), ±1.5 sigma)
    f[i] ← f[i] + gain · (1 − w) · e,      f[i + 1] ← f[i + 1] + gain · w · e

The hours and the weekdays are added, not crossed: 31 factors instead of 168. Times are event
time; `shift_ms` moves them to the site's clock.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Times = NDArray[np.int64]

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
MONDAY_MS = 4 * DAY_MS  # 1970-01-05 was a Monday
GAIN = 0.1
CLIP = 1.5  # sigma


class Ring(NamedTuple):
    """A period in ms, cut into so many bins of equal length."""

    period_ms: int
    bins: int


HOUR_OF_WEEK: Final = (Ring(DAY_MS, 24), Ring(WEEK_MS, 7))


class Place(NamedTuple):
    """Where times lie on a ring: bins [k] before and after, and the weight [k] of the latter."""

    before: NDArray[np.intp]
    after: NDArray[np.intp]
    weight: Floats


def size(rings: tuple[Ring, ...] = HOUR_OF_WEEK) -> int:
    """Return B, the number of factors that the season of these rings keeps."""
    return sum(ring.bins for ring in rings)


def places(
    at: Times, rings: tuple[Ring, ...] = HOUR_OF_WEEK, shift_ms: int = 0, kind: type = np.float32
) -> list[Place]:
    """Return where the event times at int64[k], ms, lie on each ring; bins count on over rings."""
    found, offset = [], 0
    for period_ms, bins in rings:
        width = period_ms // bins
        # half a bin back: a factor stands for the middle of its bin
        into = (at - MONDAY_MS + shift_ms - width // 2) % (width * bins)
        before = into // width
        weight: Floats = ((into - before * width) / width).astype(kind)
        after = (before + 1) % bins
        found.append(Place(before + offset, after + offset, weight))
        offset += bins
    return found


def value(factors: Floats, where: list[Place]) -> Floats:
    """Return season(t) [k], unit of x, from factors [B, k]."""
    k = np.arange(factors.shape[1])
    total = np.zeros(factors.shape[1], factors.dtype)
    for before, after, w in where:
        total = total + ((1 - w) * factors[before, k] + w * factors[after, k])
    return total


def learn(
    factors: Floats,
    where: list[Place],
    residual: Floats,
    sigma: Floats,
    gain: float | Floats = GAIN,
) -> Floats:
    """Return the factors [B, k] after residual = x − level − season(t) [k]; NaN teaches nothing.

    sigma [k]: the standard deviation by which the residual is clipped, unit of x.
    """
    new = factors.copy()
    k = np.arange(factors.shape[1])
    limit = CLIP * sigma
    e = np.clip(np.where(np.isnan(residual), 0, residual), -limit, limit)
    for before, after, w in where:
        new[before, k] += gain * (1 - w) * e
        new[after, k] += gain * w * e
    return new
