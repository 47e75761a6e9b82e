"""Robust level and spread of one number, learned as it comes.

With n numbers seen so far:

    r      = (x − level) / sigma              sigma = 1.4826 · spread
    level ← level + g_n · sigma · clip(r, −1.5, 1.5)
    spread ← spread · (1 + g_n · sign(|x − level| − spread)),  not below its floor
    g_n    = max(2 / (n + 2), gain),  a tenth of it for |r| > 6 after the warm-up

The first number is the level and a tenth of it the spread, which it does not move. A spread of 0
(nothing but equal numbers so far, no floor) could not grow by a factor: it begins anew with
g_n · |x − level|.

The level is Huber's M-estimate of location (P. J. Huber, Ann. Math. Statist. 35, 1964,
doi:10.1214/aoms/1177703732; k = 1.5), found by stochastic approximation (H. Robbins, S. Monro,
Ann. Math. Statist. 22, 1951, doi:10.1214/aoms/1177729586). The spread settles where half of
the deviations are larger: the median absolute deviation (F. R. Hampel, JASA 69, 1974,
doi:10.1080/01621459.1974.10482962), which 1.4826 turns into a standard deviation for normal
noise. Gains and limits: domain default.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

WARM_UP = 30
SETTLED = 200  # numbers after which the spread is about right
BEYOND = 6.0  # sigma
CLIP = 1.5  # sigma
MAD_TO_SIGMA = 1.4826
GAIN_LEAST = 0.02
FAR_GAIN = 0.1  # share of the gain that what lies beyond BEYOND still has
FIRST_SPREAD = 0.1  # of the first number, until there is better
MOST = 1_000_000


class Robust(NamedTuple):
    """n: numbers learned from · level, spread: in the unit of x. Arrays [k], all 0 at first."""

    n: Floats
    level: Floats
    spread: Floats


class Limits(NamedTuple):
    """floor: least spread, unit of x · floor_share: and as a share of the level · gain: least ·
    spread_share: the spread's share of the gain once SETTLED. With all of it, a level that follows
    a slow creep at a distance soon has a spread as wide as that distance, and nothing is seen.
    """

    floor: float | np.floating[Any] | Floats = 0.0
    floor_share: float | np.floating[Any] | Floats = 0.0
    gain: float = GAIN_LEAST
    warm_up: int = WARM_UP
    spread_share: float = 1.0


def learn(state: Robust, x: Floats, limits: Limits) -> tuple[Robust, Floats]:
    """Return the state after x [k], and r [k]: how many sigma x lay from the level before it.

    NaN in x: that series stays as it is and its r is NaN. During the warm-up r is told as well;
    whoever speaks must ask `warm`. A spread of 0 (constant so far, no floor) gives r = 0 for
    what equals the level and ±inf for what does not.
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
    slower = np.where(state.n >= SETTLED, gain * limits.spread_share, gain)
    wider = np.where(spread == 0, slower * np.abs(x - level), spread * (1 + slower * away))
    wider = np.maximum(np.where(first, spread, wider), floor)
    kind = x.dtype
    return _keep(
        state,
        Robust(np.minimum(state.n + 1, MOST), moved, wider),
        np.isnan(x),
        kind,
    ), r.astype(kind, copy=False)


def warm(state: Robust, warm_up: int = WARM_UP) -> NDArray[np.bool_]:
    """Series that have learned from enough numbers to judge the next."""
    return np.asarray(state.n >= warm_up)


def _keep(old: Robust, new: Robust, absent: NDArray[np.bool_], kind: np.dtype[Any]) -> Robust:
    return Robust(
        *(np.where(absent, o, n).astype(kind, copy=False) for o, n in zip(old, new, strict=True))
    )
