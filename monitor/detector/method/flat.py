"""A line without noise, and a jump that cannot be: sensors that lie.

Flat: the run of equal numbers is longer than `factor` times the longest run this series has had
while it was well, and than `least`. A channel that likes to stand still (a counter, a rounded
temperature) so teaches its own patience. A run that speaks is not learned from.

Jump: |x − before| > rate · seconds + slack, the rate being what the thing can do at most.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

FACTOR = 3.0
MOST = 1_000_000


class Flat(NamedTuple):
    """run: equal numbers in a row, the first not counted · longest: of the well past. [k]."""

    run: Floats
    longest: Floats


def advance(
    state: Flat, before: Floats, x: Floats, least: float | Floats, factor: float = FACTOR
) -> tuple[Flat, Mask]:
    """Return the state after x [k], and where it is flat; `before`: the number before x.

    NaN in either neither lengthens nor ends a run.
    """
    known = ~(np.isnan(x) | np.isnan(before))
    run = np.where(known, np.where(x == before, state.run + 1, 0), state.run)
    run = np.minimum(run, MOST)
    speaks = run > np.maximum(factor * state.longest, least)
    ended = known & (run == 0)
    was_well = state.run <= np.maximum(factor * state.longest, least)
    longest = np.where(ended & was_well, np.maximum(state.longest, state.run), state.longest)
    kind = x.dtype
    return Flat(run.astype(kind, copy=False), longest.astype(kind, copy=False)), speaks


def jump(before: Floats, x: Floats, seconds: Floats, rate: Floats, slack: float | Floats) -> Mask:
    """Return where x [k] is out of reach from `before` [k]; never where a number is unknown."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(x - before) > rate * seconds + slack)
