"""Robust level and spread of numbers that come seldom: the formula of `baseline`, any shape.

See `monitor.detector.baseline` for the formula and its sources.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.detector.baseline import BEYOND, CLIP, GAIN_LEAST, MAD_TO_SIGMA

Values = NDArray[np.float32]
FIRST_SPREAD = np.float32(0.1)  # of the first number, until there is better
FAR_GAIN = np.float32(0.1)
MOST = np.float32(1_000_000)


class Robust(NamedTuple):
    """n: numbers learned from · level, spread: in the unit of x. All 0 at first."""

    n: Values
    level: Values
    spread: Values


class Limits(NamedTuple):
    """floor: least spread, unit of x · floor_share: and as a share of the level · gain: least."""

    floor: float | np.floating[Any] | Values = 0.0
    floor_share: float | np.floating[Any] | Values = 0.0
    gain: float = float(GAIN_LEAST)
    warm_up: int = 30


def learn(state: Robust, x: Values, limits: Limits) -> tuple[Robust, Values]:
    """Return the state after x, and r: how many sigma x lay from the level before it.

    NaN in x: that series stays as it is and its r is NaN.
    """
    first = state.n == 0
    level = np.where(first, x, state.level)
    floor = np.maximum(limits.floor, limits.floor_share * np.abs(level))
    spread = np.maximum(np.where(first, FIRST_SPREAD * np.abs(x), state.spread), floor)
    sigma = MAD_TO_SIGMA * spread
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.where(x == level, 0, (x - level) / sigma)
    far = (state.n >= limits.warm_up) & (np.abs(r) > BEYOND)
    gain = np.maximum(2 / (state.n + 2), limits.gain)
    gain = np.where(far, gain * FAR_GAIN, gain)
    away = np.sign(np.abs(x - level) - spread)
    moved = level + gain * sigma * np.clip(r, -CLIP, CLIP)
    wider = np.maximum(np.where(first, spread, spread * (1 + gain * away)), floor)
    absent = np.isnan(x)
    parts = (np.minimum(state.n + 1, MOST), moved, wider)
    kept = (
        np.where(absent, old, new).astype(np.float32) for old, new in zip(state, parts, strict=True)
    )
    return Robust(*kept), r.astype(np.float32)
