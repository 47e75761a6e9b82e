"""Small lasting shifts of a standardised residual z: two-sided CUSUM, and an EWMA beside it.

    up   ← max(0, up   + clip(z, ±most) − slack)
    down ← max(0, down − clip(z, ±most) − slack)      speaks from `limit` on

E. S. Page, Biometrika 41, 1954, doi:10.1093/biomet/41.1-2.100. The clip (a winsorised CUSUM)
makes one wild number worth at most most − slack: it takes at least limit / (most − slack) of
them to speak. With slack 0.5 and limit 8 and normal noise a false word comes once in about
14,000 numbers a side, a shift by one sigma is told after some 17 (D. Siegmund, Sequential
Analysis, 1985, doi:10.1007/978-1-4757-1862-1, ARL ≈ (e^{2·slack·b} − 2·slack·b − 1) / (2·slack²),
b = limit + 1.166).

It holds: once spoken it is silent again only when the sum is back at 0. Sums stop at twice the
limit, so that going back takes no longer than the shift itself deserves.

    ewma ← ewma + share · (clip(z, ±most) − ewma)

S. W. Roberts, Technometrics 1, 1959, doi:10.1080/00401706.1959.10489860; its standard deviation
for white noise of sigma 1 is sqrt(share / (2 − share)).
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


class Cusum(NamedTuple):
    """up, down: sums in sigma · held: 1 up, −1 down, 0 silent. Arrays [k], all 0 at first."""

    up: Floats
    down: Floats
    held: Floats


class Limits(NamedTuple):
    """All in sigma."""

    slack: float = 0.5
    limit: float = 8.0
    most: float = 3.0


USUAL: Final = Limits()


def advance(state: Cusum, z: Floats, limits: Limits = USUAL, reset: Mask | None = None) -> Cusum:
    """Return the state after z [k]; NaN changes nothing; `reset` [k] begins anew before z."""
    kind = z.dtype
    up, down, held = state
    if reset is not None:
        up, down, held = (np.where(reset, 0, x) for x in state)
    step = np.clip(np.where(np.isnan(z), 0, z), -limits.most, limits.most)
    slack = np.where(np.isnan(z), 0, limits.slack).astype(kind)
    top = 2 * limits.limit
    up = np.clip(up + step - slack, 0, top)
    down = np.clip(down - step - slack, 0, top)
    held = np.where((held == 1) & (up == 0), 0, np.where((held == -1) & (down == 0), 0, held))
    held = np.where(up >= limits.limit, 1, np.where(down >= limits.limit, -1, held))
    return Cusum(*(x.astype(kind, copy=False) for x in (up, down, held)))


def ewma(mean: Floats, z: Floats, share: float = 0.1, most: float = 3.0) -> Floats:
    """Return the exponentially weighted mean [k] after z [k]; NaN changes nothing."""
    step = np.clip(z, -most, most) - mean
    return np.where(np.isnan(z), mean, mean + share * step).astype(z.dtype, copy=False)


def ewma_sigma(share: float = 0.1) -> float:
    """Return the standard deviation of that mean for white noise of sigma 1."""
    return math.sqrt(share / (2 - share))
