"""Channels that move together judged together: how far a reading lies from what they did so far.

z [C, k] are C standardised residuals of k series. Their covariance S is learned with weights that
a wild reading cannot lead (each reading counts C / max(d², C): Maronna's weight for the t-like
M-estimate of scatter, R. A. Maronna, Ann. Statist. 4, 1976, doi:10.1214/aos/1176343347), and
shrunk to its diagonal (O. Ledoit, M. Wolf, J. Multivar. Anal. 88, 2004,
doi:10.1016/S0047-259X(03)00096-4; here with a fixed share), so that it can always be inverted:

    d²     = zᵀ S⁻¹ z                                   P. C. Mahalanobis, 1936
    part_i = (S⁻¹ z)_i² / (S⁻¹)_ii

part_i is what d² would lose if channel i showed what the other channels say it should: the
channel's own contribution. It is largest for the one that left the common movement, even if
others are further from their mean.

A channel that is absent (NaN) is left out of d² exactly: its row and column of S become those of
an independent channel that stands at its mean. S is kept as the lower triangle, C(C + 1)/2 rows.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

GAIN_LEAST = 0.01
SHRINK = 0.1
CLIP = 4.0  # sigma, of z when it is learned from


class Together(NamedTuple):
    """n [k] readings learned from · s [C(C + 1)/2, k] covariance. All 0 at first."""

    n: Floats
    s: Floats


class Verdict(NamedTuple):
    """d2 [k] squared distance · channels [k] present · part [C, k] contributions."""

    d2: Floats
    channels: Floats
    part: Floats


def size(channels: int) -> int:
    """Return the rows of the triangle of so many channels."""
    return channels * (channels + 1) // 2


def judge(state: Together, z: Floats) -> Verdict:
    """Judge a reading z [C, k] by what was learned before it."""
    absent = np.isnan(z)
    v = np.where(absent, z.dtype.type(0), z)
    inverse = _inverse(_full(state, absent))
    u = (inverse * v).sum(axis=1)
    d2 = (v * u).sum(axis=0)
    own = inverse[np.arange(len(z)), np.arange(len(z))]
    part = np.where(absent, z.dtype.type(0), u * u / own)
    return Verdict(np.maximum(d2, 0), (~absent).sum(axis=0).astype(z.dtype), part)


def learn(state: Together, z: Floats, verdict: Verdict, gain: float = GAIN_LEAST) -> Together:
    """Return the state after z [C, k] and its verdict; a pair with NaN teaches nothing."""
    n = np.minimum(state.n + 1, 1_000_000)
    weight = verdict.channels / np.maximum(verdict.d2, np.maximum(verdict.channels, 1))
    g = np.maximum(1 / n, gain) * weight
    v = np.clip(z, -CLIP, CLIP)
    row, column = _triangle(len(z))
    product = v[row] * v[column]
    s = np.where(np.isnan(product), state.s, state.s + g * (product - state.s))
    kind = z.dtype
    return Together(n.astype(kind, copy=False), s.astype(kind, copy=False))


def deviation(verdict: Verdict) -> Floats:
    """Return d² as a standard normal deviate [k], √(2 d²) − √(2 C − 1) (Fisher); 0 for C = 0."""
    far = np.sqrt(2 * verdict.d2) - np.sqrt(np.maximum(2 * verdict.channels - 1, 0))
    return np.where(verdict.channels > 0, far, 0).astype(verdict.d2.dtype, copy=False)


@cache
def _triangle(channels: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.tril_indices(channels)


def _full(state: Together, absent: NDArray[np.bool_]) -> Floats:
    """Shrunk covariance [C, C, k]; with little seen, near the identity."""
    channels = len(absent)
    certain = state.n / (state.n + 10)
    row, column = _triangle(channels)
    place = np.empty((channels, channels), np.intp)
    place[row, column] = place[column, row] = np.arange(len(row))
    seen = certain * state.s[place]
    here = ~absent
    full: Floats = np.where(here & here[:, None], (1 - SHRINK) * seen, state.s.dtype.type(0))
    each = np.arange(channels)
    # a channel never quieter than a fifth of its own sigma: rounding is no news
    own = np.maximum(seen[each, each] + (1 - certain), 0.04)
    full[each, each] = np.where(absent, 1, own)
    return full


def _inverse(s: Floats) -> Floats:
    """Inverse of positive definite S [C, C, k] in place, by sweeping one channel after another.

    A. E. Beaton, ETS Research Bulletin 64-51, 1964; J. H. Goodnight, Am. Stat. 33, 1979,
    doi:10.1080/00031305.1979.10482685. Without pivoting, which S does not need.
    """
    for p in range(len(s)):
        by = 1 / np.maximum(s[p, p], 1e-6)
        row, column = s[p] * by, s[:, p].copy()
        s -= column[:, None] * row
        s[p], s[:, p] = row, -column * by
        s[p, p] = by
    return s
