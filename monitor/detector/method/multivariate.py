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
    v = np.where(absent, 0, z)
    inverse = _inverse(_full(state, absent))
    u = np.zeros_like(v)
    for i in range(len(z)):
        for j in range(len(z)):
            u[i] = u[i] + inverse[max(i, j)][min(i, j)] * v[j]
    d2 = np.zeros_like(v[0])
    part = np.zeros_like(v)
    for i in range(len(z)):
        d2 = d2 + v[i] * u[i]
        part[i] = np.where(absent[i], 0, u[i] * u[i] / inverse[i][i])
    return Verdict(np.maximum(d2, 0), (~absent).sum(0).astype(z.dtype), part)


def learn(state: Together, z: Floats, verdict: Verdict, gain: float = GAIN_LEAST) -> Together:
    """Return the state after z [C, k] and its verdict; a pair with NaN teaches nothing."""
    n = np.minimum(state.n + 1, 1_000_000)
    weight = verdict.channels / np.maximum(verdict.d2, np.maximum(verdict.channels, 1))
    g = np.maximum(1 / n, gain) * weight
    v = np.clip(z, -CLIP, CLIP)
    s = state.s.copy()
    row = 0
    for i in range(len(z)):
        for j in range(i + 1):
            product = v[i] * v[j]
            s[row] = np.where(np.isnan(product), s[row], s[row] + g * (product - s[row]))
            row += 1
    return Together(n.astype(z.dtype, copy=False), s)


def deviation(verdict: Verdict) -> Floats:
    """Return d² as a standard normal deviate [k], √(2 d²) − √(2 C − 1) (Fisher); 0 for C = 0."""
    far = np.sqrt(2 * verdict.d2) - np.sqrt(np.maximum(2 * verdict.channels - 1, 0))
    return np.where(verdict.channels > 0, far, 0).astype(verdict.d2.dtype, copy=False)


def _full(state: Together, absent: NDArray[np.bool_]) -> list[list[Floats]]:
    """Shrunk covariance as rows of the lower triangle; with little seen, near the identity."""
    certain = state.n / (state.n + 10)
    rows: list[list[Floats]] = []
    row = 0
    for i in range(len(absent)):
        rows.append([])
        for j in range(i + 1):
            seen = certain * state.s[row]
            if i == j:
                # a channel never quieter than a fifth of its own sigma: rounding is no news
                value = np.where(absent[i], 1, np.maximum(seen + (1 - certain), 0.04))
            else:
                value = np.where(absent[i] | absent[j], 0, (1 - SHRINK) * seen)
            rows[i].append(value.astype(state.s.dtype, copy=False))
            row += 1
    return rows


def _inverse(s: list[list[Floats]]) -> list[list[Floats]]:
    """Inverse of a positive definite S by its Cholesky factor L: S⁻¹ = L⁻ᵀ L⁻¹; lower triangle."""
    up = _inverse_factor(_cholesky(s))
    inverse: list[list[Floats]] = [[] for _ in s]
    for i in range(len(s)):
        for j in range(i + 1):
            total = up[i][i] * up[i][j]
            for m in range(i + 1, len(s)):
                total = total + up[m][i] * up[m][j]
            inverse[i].append(total)
    return inverse


def _cholesky(s: list[list[Floats]]) -> list[list[Floats]]:
    low: list[list[Floats]] = [[] for _ in s]
    for i in range(len(s)):
        for j in range(i + 1):
            total = s[i][j]
            for m in range(j):
                total = total - low[i][m] * low[j][m]
            low[i].append(np.sqrt(np.maximum(total, 1e-3)) if i == j else total / low[j][j])
    return low


def _inverse_factor(low: list[list[Floats]]) -> list[list[Floats]]:
    up: list[list[Floats]] = [[] for _ in low]
    for i in range(len(low)):
        for j in range(i):
            total = low[i][j] * up[j][j]
            for m in range(j + 1, i):
                total = total + low[i][m] * up[m][j]
            up[i].append(-total / low[i][i])
        up[i].append(1 / low[i][i])
    return up
