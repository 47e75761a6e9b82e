"""When a shift began, and how large it is: what the CUSUM knows and does not say.

The sum leaves zero where the change most likely began (E. S. Page, Biometrika 41, 1954,
doi:10.1093/biomet/41.1-2.100; the last zero before the alarm is the maximum-likelihood estimate
of the change point, D. V. Hinkley, Biometrika 57, 1970, doi:10.1093/biomet/57.1.1). From there
on the residuals are counted and added up, so their mean is the size of the shift.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.detector.method.cusum import Cusum

Floats = NDArray[np.floating[Any]]
Times = NDArray[np.int64]


class Change(NamedTuple):
    """Since a sum left zero: n numbers, their total in sigma. Arrays [k], all 0 at first."""

    up_n: Floats
    up_total: Floats
    down_n: Floats
    down_total: Floats


class Began(NamedTuple):
    """Event times [k], ms, at which the sums left zero; any value while they are there."""

    up: Times
    down: Times


def advance(state: Change, began: Began, sums: Cusum, z: Floats, at: Times) -> tuple[Change, Began]:
    """Return both after z [k] at event time at [k]; `sums`: the CUSUM after the same z."""
    known = ~np.isnan(z)
    step = np.where(known, z, 0)
    new: list[Floats] = []
    times: list[Times] = []
    sides = ((sums.up, state.up_n, state.up_total), (sums.down, state.down_n, state.down_total))
    for (running, n, total), since in zip(sides, began, strict=True):
        on = running > 0
        starts = on & (n == 0)
        times.append(np.where(starts, at, since))
        new.append(np.where(on, n + known, 0).astype(z.dtype, copy=False))
        new.append(np.where(on, total + step, 0).astype(z.dtype, copy=False))
    return Change(*new), Began(*times)


def shift(state: Change, held: Floats) -> Floats:
    """Return the size [k], in sigma, of the shift that `held` (of the CUSUM) tells; 0 if none."""
    up = state.up_total / np.maximum(state.up_n, 1)
    down = state.down_total / np.maximum(state.down_n, 1)
    return np.where(held == 1, up, np.where(held == -1, down, 0)).astype(up.dtype, copy=False)


def since(began: Began, held: Floats, never: int) -> Times:
    """Return when that shift began [k], ms; `never` where none is held."""
    return np.where(held == 1, began.up, np.where(held == -1, began.down, never))
